variable "name" {
  description = "Name of the role."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", var.name))
    error_message = "Use 1 to 64 letters, digits or + = , . @ _ -."
  }
}

variable "description" {
  description = "Description of the role."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = length(var.description) <= 1000 && can(regex("^[[:print:]]*$", var.description))
    error_message = "Use at most 1000 ASCII characters on one line."
  }
}

variable "trusted_services" {
  description = "AWS services that can assume this role."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.trusted_services) >= 1 && length(var.trusted_services) <= 10
    error_message = "Use 1 to 10 services."
  }

  validation {
    condition     = alltrue([for service in var.trusted_services : can(regex("^[a-z0-9-]+(\\.[a-z0-9-]+)*\\.amazonaws\\.com(\\.cn)?$", service))])
    error_message = "Use service principals such as lambda.amazonaws.com."
  }
}

variable "managed_policy_arns" {
  description = "Managed policies to attach."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.managed_policy_arns : can(regex("^arn:aws(-[a-z]+)*:iam::(aws|[0-9]{12}):policy/[A-Za-z0-9+=,.@_/-]+$", arn))])
    error_message = "Use policy ARNs such as arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole."
  }

  validation {
    condition     = length(var.managed_policy_arns) <= 10 && length(distinct(var.managed_policy_arns)) == length(var.managed_policy_arns)
    error_message = "Use at most 10 policies, each only once."
  }

  validation {
    condition     = !anytrue([for arn in var.managed_policy_arns : can(regex("(?i)/(AdministratorAccess[a-z-]*|PowerUserAccess|IAMFullAccess)$", arn))])
    error_message = "This module does not attach AdministratorAccess, PowerUserAccess or IAMFullAccess."
  }
}

variable "permissions_boundary_arn" {
  description = "Policy that limits the permissions of the role."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws(-[a-z]+)*:iam::(aws|[0-9]{12}):policy/[A-Za-z0-9+=,.@_/-]+$", var.permissions_boundary_arn))
    error_message = "Use the ARN of a policy, such as arn:aws:iam::123456789012:policy/boundary."
  }
}

variable "max_session_hours" {
  description = "Maximum duration of one session of the role."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.max_session_hours >= 1 && var.max_session_hours <= 12 && floor(var.max_session_hours) == var.max_session_hours
    error_message = "Use a whole number of hours from 1 to 12."
  }
}

variable "trust_conditions" {
  description = "Condition keys of the trust policy and the value that each must equal, such as aws:SourceAccount."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key, value in var.trust_conditions : can(regex("^[a-z0-9-]+:[A-Za-z0-9/_.-]+$", key)) && length(value) > 0])
    error_message = "Use a condition key such as aws:SourceAccount and a value that is not empty."
  }
}

variable "tags" {
  description = "Tags for every resource in this module."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key, value in var.tags : can(regex("^[[:alnum:] _.:/=+@-]{1,128}$", key)) && length(value) <= 256])
    error_message = "Use tag names of 1 to 128 letters, digits, spaces or _ . : / = + @ -, and tag values of at most 256 characters."
  }

  validation {
    condition     = alltrue([for key in keys(var.tags) : !startswith(lower(key), "aws:")])
    error_message = "AWS reserves tag names that start with aws:. Choose another name."
  }

  validation {
    condition     = length(var.tags) <= 45
    error_message = "Use at most 45 tags."
  }
}
