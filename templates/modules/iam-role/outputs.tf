output "name" {
  description = "Name of the role."
  value       = aws_iam_role.this.name
}

output "arn" {
  description = "ARN of the role."
  value       = aws_iam_role.this.arn
}

output "unique_id" {
  description = "Unique ID that AWS assigned to the role."
  value       = aws_iam_role.this.unique_id
}
