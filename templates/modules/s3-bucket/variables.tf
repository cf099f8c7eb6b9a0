variable "name" {
  description = "Must be unique across all of AWS."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "Use 3 to 63 lowercase letters, digits or hyphens, starting and ending with a letter or digit."
  }

  validation {
    condition     = !startswith(var.name, "xn--") && !startswith(var.name, "sthree-") && !endswith(var.name, "-s3alias") && !endswith(var.name, "--ol-s3")
    error_message = "AWS reserves names that start with xn-- or sthree-, or end with -s3alias or --ol-s3."
  }
}

variable "versioning" {
  description = "Keep previous versions of objects that are overwritten or deleted."
  type        = bool
  default     = true
  nullable    = false
}

variable "encryption" {
  description = "Server-side encryption: SSE-S3 or SSE-KMS."
  type        = string
  default     = "AES256"
  nullable    = false

  validation {
    condition     = contains(["AES256", "aws:kms"], var.encryption)
    error_message = "Use AES256 or aws:kms."
  }
}

variable "expire_days" {
  description = "Delete objects this many days after they are created. 0 keeps them."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.expire_days >= 0 && var.expire_days <= 36500 && floor(var.expire_days) == var.expire_days
    error_message = "Use a whole number of days from 0 to 36500."
  }
}

variable "reader_arns" {
  description = "IAM roles or users, from any account, that can list and read the bucket."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.reader_arns : can(regex("^arn:aws(-[a-z]+)*:iam::[0-9]{12}:(role|user)/[A-Za-z0-9+=,.@_/-]+$", arn))])
    error_message = "Use ARNs of IAM roles or users, such as arn:aws:iam::123456789012:role/reporting."
  }

  validation {
    condition     = length(var.reader_arns) <= 20 && length(distinct(var.reader_arns)) == length(var.reader_arns)
    error_message = "Use at most 20 readers, each only once."
  }
}

variable "kms_key_arn" {
  description = "KMS key that encrypts the objects. Default with SSE-KMS: the S3 key of the account."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws(-[a-z]+)*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "Use the ARN of a KMS key, such as arn:aws:kms:eu-central-1:123456789012:key/1b2c3d4e-1111-2222-3333-444455556666."
  }
}

variable "noncurrent_expire_days" {
  description = "Delete previous versions this many days after they are replaced. 0 keeps them."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.noncurrent_expire_days >= 0 && var.noncurrent_expire_days <= 36500 && floor(var.noncurrent_expire_days) == var.noncurrent_expire_days
    error_message = "Use a whole number of days from 0 to 36500."
  }
}

variable "force_destroy" {
  description = "Delete all objects when the bucket is destroyed. Otherwise destroying a bucket that is not empty fails."
  type        = bool
  default     = false
  nullable    = false
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
