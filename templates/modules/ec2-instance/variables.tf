variable "name" {
  description = "Becomes the Name tag."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,48}[a-z0-9]$", var.name))
    error_message = "Use 3 to 50 lowercase letters, digits or hyphens, starting with a letter and not ending with a hyphen."
  }
}

variable "instance_type" {
  description = "EC2 instance type."
  type        = string
  default     = "t3.micro"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*\\.(nano|micro|small|medium|large|[0-9]*xlarge|metal)$", var.instance_type))
    error_message = "Use an instance type such as t3.micro or m7i.large."
  }
}

variable "ami_id" {
  description = "Amazon Machine Image to launch."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^ami-([0-9a-f]{8}|[0-9a-f]{17})$", var.ami_id))
    error_message = "Use an AMI ID such as ami-0123456789abcdef0."
  }
}

variable "subnet_id" {
  description = "Subnet to launch in. Default: a subnet of the default VPC."
  type        = string
  default     = null

  validation {
    condition     = var.subnet_id == null || can(regex("^subnet-([0-9a-f]{8}|[0-9a-f]{17})$", var.subnet_id))
    error_message = "Use a subnet ID such as subnet-0123456789abcdef0."
  }
}

variable "security_group_ids" {
  description = "Security groups of the instance. Default: the default security group of the VPC."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.security_group_ids : can(regex("^sg-([0-9a-f]{8}|[0-9a-f]{17})$", id))])
    error_message = "Use security group IDs such as sg-0123456789abcdef0."
  }

  validation {
    condition     = length(var.security_group_ids) <= 5
    error_message = "Use at most 5 security groups."
  }
}

variable "root_volume_gb" {
  description = "The root volume is always encrypted."
  type        = number
  default     = 20
  nullable    = false

  validation {
    condition     = var.root_volume_gb >= 8 && var.root_volume_gb <= 16384 && floor(var.root_volume_gb) == var.root_volume_gb
    error_message = "Use a whole number of GiB from 8 to 16384."
  }
}

variable "termination_protection" {
  description = "Prevent termination of the instance. Destroying it fails until someone disables termination protection in AWS."
  type        = bool
  default     = false
  nullable    = false
}

variable "root_volume_type" {
  description = "EBS volume type."
  type        = string
  default     = "gp3"
  nullable    = false

  validation {
    condition     = contains(["gp3", "gp2"], var.root_volume_type)
    error_message = "Use gp3 or gp2."
  }
}

variable "kms_key_arn" {
  description = "KMS key that encrypts the root volume. Default: the EBS key of the account."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws(-[a-z]+)*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "Use the ARN of a KMS key, such as arn:aws:kms:eu-central-1:123456789012:key/1b2c3d4e-1111-2222-3333-444455556666."
  }
}

variable "instance_profile" {
  description = "IAM instance profile to attach."
  type        = string
  default     = null

  validation {
    condition     = var.instance_profile == null || can(regex("^[A-Za-z0-9+=,.@_-]{1,128}$", var.instance_profile))
    error_message = "Use the name of the instance profile, not its ARN."
  }
}

variable "public_ip" {
  description = "Assign a public IP address."
  type        = bool
  default     = false
  nullable    = false
}

variable "detailed_monitoring" {
  description = "Send metrics every minute instead of every five minutes."
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
