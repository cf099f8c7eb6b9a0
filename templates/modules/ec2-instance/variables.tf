variable "name" {
  description = "Name of the instance, shown as its Name tag."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,48}[a-z0-9]$", var.name))
    error_message = "A name has 3 to 50 lower-case letters, digits or hyphens, starts with a letter and does not end with a hyphen."
  }
}

variable "instance_type" {
  description = "Size of the instance."
  type        = string
  default     = "t3.micro"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*\\.(nano|micro|small|medium|large|[0-9]*xlarge|metal)$", var.instance_type))
    error_message = "An instance type looks like t3.micro or m7i.large."
  }
}

variable "ami_id" {
  description = "Machine image that the instance starts from."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^ami-([0-9a-f]{8}|[0-9a-f]{17})$", var.ami_id))
    error_message = "An image id looks like ami-0123456789abcdef0."
  }
}

variable "subnet_id" {
  description = "Subnet of the instance; without one AWS takes a subnet of the default network."
  type        = string
  default     = null

  validation {
    condition     = var.subnet_id == null || can(regex("^subnet-([0-9a-f]{8}|[0-9a-f]{17})$", var.subnet_id))
    error_message = "A subnet id looks like subnet-0123456789abcdef0."
  }
}

variable "security_group_ids" {
  description = "Security groups of the instance; without any it gets the default group of its network."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.security_group_ids : can(regex("^sg-([0-9a-f]{8}|[0-9a-f]{17})$", id))])
    error_message = "Each security group id looks like sg-0123456789abcdef0."
  }

  validation {
    condition     = length(var.security_group_ids) <= 5
    error_message = "At most 5 security groups are possible."
  }
}

variable "root_volume_gb" {
  description = "Size of the encrypted root volume in GiB."
  type        = number
  default     = 20
  nullable    = false

  validation {
    condition     = var.root_volume_gb >= 8 && var.root_volume_gb <= 16384 && floor(var.root_volume_gb) == var.root_volume_gb
    error_message = "Give a whole number of GiB from 8 to 16384."
  }
}

variable "termination_protection" {
  description = "Refuse to terminate the instance. A destroy of it fails until somebody switches this off in AWS."
  type        = bool
  default     = false
  nullable    = false
}

variable "root_volume_type" {
  description = "Kind of disk."
  type        = string
  default     = "gp3"
  nullable    = false

  validation {
    condition     = contains(["gp3", "gp2"], var.root_volume_type)
    error_message = "The disk is gp3 or gp2."
  }
}

variable "kms_key_arn" {
  description = "KMS key of the root volume; without one the account's own EBS key is used."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws(-[a-z]+)*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "A key is given by its ARN, such as arn:aws:kms:eu-central-1:123456789012:key/1b2c3d4e-1111-2222-3333-444455556666."
  }
}

variable "instance_profile" {
  description = "Name of the IAM instance profile whose role the instance gets."
  type        = string
  default     = null

  validation {
    condition     = var.instance_profile == null || can(regex("^[A-Za-z0-9+=,.@_-]{1,128}$", var.instance_profile))
    error_message = "Give the name of the instance profile, not its ARN."
  }
}

variable "public_ip" {
  description = "Give the instance a public address."
  type        = bool
  default     = false
  nullable    = false
}

variable "detailed_monitoring" {
  description = "Send metrics every minute instead of every five."
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
