locals {
  trust = {
    Effect    = "Allow"
    Action    = "sts:AssumeRole"
    Principal = { Service = sort(distinct(var.trusted_services)) }
  }

  conditions = length(var.trust_conditions) > 0 ? { Condition = { StringEquals = var.trust_conditions } } : {}
}

resource "aws_iam_role" "this" {
  name                 = var.name
  description          = var.description != "" ? var.description : null
  max_session_duration = var.max_session_hours * 3600
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [merge(local.trust, local.conditions)]
  })
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each = toset(var.managed_policy_arns)

  role       = aws_iam_role.this.name
  policy_arn = each.value
}
