# Credentials come from the role that a run takes; none are written here.
provider "aws" {
  region = "eu-central-1"
}
