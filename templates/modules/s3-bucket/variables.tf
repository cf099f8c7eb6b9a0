variable "name" {
  description = "Name of the bucket, unique in all of AWS."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "A bucket name has 3 to 63 lower-case letters, digits or hyphens, and starts and ends with a letter or digit."
  }

  validation {
    condition     = !startswith(var.name, "xn--") && !startswith(var.name, "sthree-") && !endswith(var.name, "-s3alias") && !endswith(var.name, "--ol-s3")
    error_message = "AWS reserves names that start with xn-- or sthree-, or end with -s3alias or --ol-s3."
  }
}

variable "versioning" {
  description = "Keep old versions of objects that are overwritten or deleted."
  type        = bool
  default     = true
  nullable    = false
}

variable "encryption" {
  description = "Whose key encrypts the objects: the one of S3 (AES256), or one in KMS (aws:kms)."
  type        = string
  default     = "AES256"
  nullable    = false

  validation {
    condition     = contains(["AES256", "aws:kms"], var.encryption)
    error_message = "Encryption is AES256 or aws:kms."
  }
}

variable "expire_days" {
  description = "Delete objects this many days after they were written; 0 keeps them."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.expire_days >= 0 && var.expire_days <= 36500 && floor(var.expire_days) == var.expire_days
    error_message = "Give a whole number of days from 0 to 36500."
  }
}

variable "reader_arns" {
  description = "IAM roles or users, also of other accounts, that may list and read the bucket."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.reader_arns : can(regex("^arn:aws(-[a-z]+)*:iam::[0-9]{12}:(role|user)/[A-Za-z0-9+=,.@_/-]+$", arn))])
    error_message = "Each reader is the ARN of an IAM role or user, such as arn:aws:iam::123456789012:role/reporting."
  }

  validation {
    condition     = length(var.reader_arns) <= 20 && length(distinct(var.reader_arns)) == length(var.reader_arns)
    error_message = "Give at most 20 readers, each once."
  }
}

variable "kms_key_arn" {
  description = "Key in KMS that encrypts the objects; with aws:kms and without one here, the account's own S3 key is used."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws(-[a-z]+)*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "A key is given by its ARN, such as arn:aws:kms:eu-central-1:123456789012:key/1b2c3d4e-1111-2222-3333-444455556666."
  }
}

variable "noncurrent_expire_days" {
  description = "Delete old versions this many days after they were replaced; 0 keeps them."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.noncurrent_expire_days >= 0 && var.noncurrent_expire_days <= 36500 && floor(var.noncurrent_expire_days) == var.noncurrent_expire_days
    error_message = "Give a whole number of days from 0 to 36500."
  }
}

variable "force_destroy" {
  description = "Delete the objects too when the bucket is destroyed. Without it the destroy of a bucket that is not empty fails."
  type        = bool
  default     = false
  nullable    = false
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
