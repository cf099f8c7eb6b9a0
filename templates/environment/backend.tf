# Location of this environment's state. Every run compares these values with
# the expected ones, before and after init. To change one, migrate the state.
terraform {
  backend "s3" {
    bucket       = "state-bucket"
    key          = "project/key/slug/terraform.tfstate"
    region       = "eu-central-1"
    encrypt      = true
    use_lockfile = true
  }
}
