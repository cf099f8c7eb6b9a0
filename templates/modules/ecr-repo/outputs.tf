output "repository_url" {
  description = "URL to push images to and pull them from."
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
