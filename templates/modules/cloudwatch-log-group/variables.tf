variable "name" {
  description = "Name of the log group; a slash makes folders."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9/][A-Za-z0-9._/#-]{0,511}$", var.name))
    error_message = "A log group name has 1 to 512 letters, digits or . _ / # -, and starts with a letter, a digit or a slash."
  }

  validation {
    condition     = !startswith(lower(var.name), "aws/")
    error_message = "Names that start with aws/ belong to AWS; /aws/... with a leading slash is possible."
  }
}

variable "retention_days" {
  description = "Days that log entries are kept."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.retention_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days."
  }
}

variable "log_class" {
  description = "STANDARD has all features; INFREQUENT_ACCESS costs less and cannot raise alarms from its entries."
  type        = string
  default     = "STANDARD"
  nullable    = false

  validation {
    condition     = contains(["STANDARD", "INFREQUENT_ACCESS"], var.log_class)
    error_message = "The class is STANDARD or INFREQUENT_ACCESS."
  }
}

variable "kms_key_arn" {
  description = "KMS key that encrypts the entries; without one CloudWatch uses its own key."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws(-[a-z]+)*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "A key is given by its ARN, such as arn:aws:kms:eu-central-1:123456789012:key/1b2c3d4e-1111-2222-3333-444455556666."
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
