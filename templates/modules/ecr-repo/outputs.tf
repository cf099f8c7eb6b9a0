output "repository_url" {
  description = "Address to push to and pull from."
  value       = aws_ecr_repository.this.repository_url
}

output "name" {
  description = "Name of the repository."
  value       = aws_ecr_repository.this.name
}

output "arn" {
  description = "ARN of the repository, for IAM policies."
  value       = aws_ecr_repository.this.arn
}
