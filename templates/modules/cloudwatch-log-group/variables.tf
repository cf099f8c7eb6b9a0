variable "name" {
  description = "Use slashes to group names, for example /payments/api."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9/][A-Za-z0-9._/#-]{0,511}$", var.name))
    error_message = "Use 1 to 512 letters, digits or . _ / # -, starting with a letter, a digit or a slash."
  }

  validation {
    condition     = !startswith(lower(var.name), "aws/")
    error_message = "AWS reserves names that start with aws/. Names that start with /aws/ are allowed."
  }
}

variable "retention_days" {
  description = "Days to keep log events."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.retention_days)
    error_message = "Use a retention that CloudWatch supports: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days."
  }
}

variable "log_class" {
  description = "STANDARD supports all features. INFREQUENT_ACCESS costs less, but does not support metric filters and alarms."
  type        = string
  default     = "STANDARD"
  nullable    = false

  validation {
    condition     = contains(["STANDARD", "INFREQUENT_ACCESS"], var.log_class)
    error_message = "Use STANDARD or INFREQUENT_ACCESS."
  }
}

variable "kms_key_arn" {
  description = "KMS key that encrypts the log events. Default: the key that CloudWatch Logs manages."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws(-[a-z]+)*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "Use the ARN of a KMS key, such as arn:aws:kms:eu-central-1:123456789012:key/1b2c3d4e-1111-2222-3333-444455556666."
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
