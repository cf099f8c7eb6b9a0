variable "name" {
  description = "Use slashes to group names, for example payments/api."
  type        = string
  nullable    = false

  validation {
    condition     = length(var.name) >= 2 && length(var.name) <= 256 && can(regex("^[a-z][a-z0-9]*([._/-][a-z0-9]+)*$", var.name))
    error_message = "Use 2 to 256 lowercase letters and digits, starting with a letter, with single . _ - or / between them."
  }
}

variable "immutable_tags" {
  description = "Reject a push that would overwrite an existing tag."
  type        = bool
  default     = true
  nullable    = false
}

variable "scan_on_push" {
  description = "Scan each pushed image for known vulnerabilities."
  type        = bool
  default     = true
  nullable    = false
}

variable "keep_images" {
  description = "Number of images to keep. Older images are deleted."
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = var.keep_images >= 1 && var.keep_images <= 1000 && floor(var.keep_images) == var.keep_images
    error_message = "Use a whole number from 1 to 1000."
  }
}

variable "untagged_expire_days" {
  description = "Delete untagged images after this many days."
  type        = number
  default     = 14
  nullable    = false

  validation {
    condition     = var.untagged_expire_days >= 1 && var.untagged_expire_days <= 365 && floor(var.untagged_expire_days) == var.untagged_expire_days
    error_message = "Use a whole number of days from 1 to 365."
  }
}

variable "kms_key_arn" {
  description = "KMS key that encrypts the images. Default: the key that AWS manages for ECR."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws(-[a-z]+)*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "Use the ARN of a KMS key, such as arn:aws:kms:eu-central-1:123456789012:key/1b2c3d4e-1111-2222-3333-444455556666."
  }
}

variable "force_delete" {
  description = "Delete all images when the repository is destroyed. Otherwise destroying a repository that is not empty fails."
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
