# Where this environment keeps its state. Every run compares these values with
# what it expects, before and after init; changing one of them is a migration.
terraform {
  backend "s3" {
    bucket       = "state-bucket"
    key          = "project/key/slug/terraform.tfstate"
    region       = "eu-central-1"
    encrypt      = true
    use_lockfile = true
  }
}
