locals {
  tags = merge(var.tags, { Name = var.name })
}

resource "aws_instance" "this" {
  ami                         = var.ami_id
  instance_type               = var.instance_type
  subnet_id                   = var.subnet_id
  vpc_security_group_ids      = length(var.security_group_ids) > 0 ? var.security_group_ids : null
  associate_public_ip_address = var.public_ip
  iam_instance_profile        = var.instance_profile
  monitoring                  = var.detailed_monitoring
  disable_api_termination     = var.termination_protection
  ebs_optimized               = true
  tags                        = local.tags

  # IMDSv2 only: a forged request (SSRF) cannot read the credentials of the instance.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    encrypted             = true
    kms_key_id            = var.kms_key_arn
    volume_type           = var.root_volume_type
    volume_size           = var.root_volume_gb
    delete_on_termination = true
    tags                  = local.tags
  }
}
