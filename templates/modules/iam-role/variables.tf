variable "name" {
  description = "Name of the role."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", var.name))
    error_message = "A role name has 1 to 64 letters, digits or + = , . @ _ -."
  }
}

variable "description" {
  description = "What the role is for."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = length(var.description) <= 1000 && can(regex("^[[:print:]]*$", var.description))
    error_message = "A description has at most 1000 plain ASCII characters on one line."
  }
}

variable "trusted_services" {
  description = "AWS services that may take the role."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.trusted_services) >= 1 && length(var.trusted_services) <= 10
    error_message = "Name 1 to 10 services."
  }

  validation {
    condition     = alltrue([for service in var.trusted_services : can(regex("^[a-z0-9-]+(\\.[a-z0-9-]+)*\\.amazonaws\\.com(\\.cn)?$", service))])
    error_message = "Each service is named like lambda.amazonaws.com."
  }
}

variable "managed_policy_arns" {
  description = "Managed policies that give the role its rights."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.managed_policy_arns : can(regex("^arn:aws(-[a-z]+)*:iam::(aws|[0-9]{12}):policy/[A-Za-z0-9+=,.@_/-]+$", arn))])
    error_message = "Each policy is given by its ARN, such as arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole."
  }

  validation {
    condition     = length(var.managed_policy_arns) <= 10 && length(distinct(var.managed_policy_arns)) == length(var.managed_policy_arns)
    error_message = "Give at most 10 policies, each once."
  }

  validation {
    condition     = !anytrue([for arn in var.managed_policy_arns : can(regex("(?i)/(AdministratorAccess[a-z-]*|PowerUserAccess|IAMFullAccess)$", arn))])
    error_message = "AdministratorAccess, PowerUserAccess and IAMFullAccess are not given through this module."
  }
}

variable "permissions_boundary_arn" {
  description = "Policy that limits what the role can ever do."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws(-[a-z]+)*:iam::(aws|[0-9]{12}):policy/[A-Za-z0-9+=,.@_/-]+$", var.permissions_boundary_arn))
    error_message = "A boundary is given by the ARN of a policy, such as arn:aws:iam::123456789012:policy/boundary."
  }
}

variable "max_session_hours" {
  description = "Longest time that a session of the role may last."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.max_session_hours >= 1 && var.max_session_hours <= 12 && floor(var.max_session_hours) == var.max_session_hours
    error_message = "Give a whole number of hours from 1 to 12."
  }
}

variable "trust_conditions" {
  description = "Values that must equal the keys of the call, such as aws:SourceAccount."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key, value in var.trust_conditions : can(regex("^[a-z0-9-]+:[A-Za-z0-9/_.-]+$", key)) && length(value) > 0])
    error_message = "A condition is a key such as aws:SourceAccount and a value that is not empty."
  }
}

variable "tags" {
  description = "Tags of everything that this module creates."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key, value in var.tags : can(regex("^[[:alnum:] _.:/=+@-]{1,128}$", key)) && length(value) <= 256])
    error_message = "A tag name has 1 to 128 letters, digits, spaces or _ . : / = + @ -, and a tag value at most 256 characters."
  }

  validation {
    condition     = alltrue([for key in keys(var.tags) : !startswith(lower(key), "aws:")])
    error_message = "Tag names that start with aws: belong to AWS; choose another name."
  }

  validation {
    condition     = length(var.tags) <= 45
    error_message = "At most 45 tags are possible."
  }
}
