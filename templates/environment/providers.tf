# Credentials come from the IAM role that a run assumes. Do not add any here.
provider "aws" {
  region = "eu-central-1"
}
