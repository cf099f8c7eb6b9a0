output "name" {
  description = "Name of the role."
  value       = aws_iam_role.this.name
}

output "arn" {
  description = "ARN of the role."
  value       = aws_iam_role.this.arn
}

output "unique_id" {
  description = "Stable id that AWS gave the role."
  value       = aws_iam_role.this.unique_id
}
