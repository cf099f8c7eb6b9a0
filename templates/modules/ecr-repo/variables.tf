variable "name" {
  description = "Name of the repository; a slash makes folders."
  type        = string
  nullable    = false

  validation {
    condition     = length(var.name) >= 2 && length(var.name) <= 256 && can(regex("^[a-z][a-z0-9]*([._/-][a-z0-9]+)*$", var.name))
    error_message = "A repository name has 2 to 256 lower-case letters and digits, with single . _ - or / between them, and starts with a letter."
  }
}

variable "immutable_tags" {
  description = "Refuse to push a tag that exists already."
  type        = bool
  default     = true
  nullable    = false
}

variable "scan_on_push" {
  description = "Look for known vulnerabilities in each image that is pushed."
  type        = bool
  default     = true
  nullable    = false
}

variable "keep_images" {
  description = "Number of images that are kept; older ones are deleted."
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = var.keep_images >= 1 && var.keep_images <= 1000 && floor(var.keep_images) == var.keep_images
    error_message = "Give a whole number of images from 1 to 1000."
  }
}

variable "untagged_expire_days" {
  description = "Delete images without a tag after this many days."
  type        = number
  default     = 14
  nullable    = false

  validation {
    condition     = var.untagged_expire_days >= 1 && var.untagged_expire_days <= 365 && floor(var.untagged_expire_days) == var.untagged_expire_days
    error_message = "Give a whole number of days from 1 to 365."
  }
}

variable "kms_key_arn" {
  description = "KMS key that encrypts the images; without one ECR uses its own key."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws(-[a-z]+)*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "A key is given by its ARN, such as arn:aws:kms:eu-central-1:123456789012:key/1b2c3d4e-1111-2222-3333-444455556666."
  }
}

variable "force_delete" {
  description = "Delete the images too when the repository is destroyed. Without it the destroy of a repository that is not empty fails."
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
