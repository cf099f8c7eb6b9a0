output "instance_id" {
  description = "Id of the instance."
  value       = aws_instance.this.id
}

output "arn" {
  description = "ARN of the instance."
  value       = aws_instance.this.arn
}

output "private_ip" {
  description = "Address inside the network."
  value       = aws_instance.this.private_ip
}

output "public_ip" {
  description = "Public address; empty without one."
  value       = aws_instance.this.public_ip
}
