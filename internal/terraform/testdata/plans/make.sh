#!/bin/sh
# Makes the plans of this directory again with the Terraform on the PATH and its built-in provider. The tests only read the results.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/modules/bucket" "$work/envs/dev/app"

# The module repeats its secret where nothing marks it: terraform_data gives its input back as output.
cat > "$work/modules/bucket/main.tf" <<'TF'
variable "name" { type = string }
variable "size" {
  type    = number
  default = 1
}
variable "password" {
  type      = string
  sensitive = true
  default   = "hunter2-hunter2"
}
resource "terraform_data" "bucket" {
  input            = { name = var.name, size = var.size, password = var.password, big = 9007199254740993, none = null }
  triggers_replace = var.name
}
resource "terraform_data" "policy" {
  for_each = toset(["read", "write"])
  input    = jsonencode({ bucket = terraform_data.bucket.id, allow = each.key, key = nonsensitive(var.password), html = "<a&b>" })
}
output "name" { value = var.name }
TF

call() { # id, name, size, password
  printf 'module "tfpilot_%s" {\n  source = "../../../modules/bucket"\n  name = "%s"\n  size = %s\n  password = "%s"\n}\n' "$@" \
    > "$work/envs/dev/app/tfpilot_$1.tf"
}

cd "$work/envs/dev/app"
plan() { # name, arguments…
  name=$1; shift
  terraform plan -input=false -lock=false -no-color -out="$work/tfplan" "$@" > "$here/$name.txt"
  terraform show -json "$work/tfplan" > "$here/$name.json"
}
mine=req_aaaaaaaaaaaaa other=req_bbbbbbbbbbbbb
target=-target=module.tfpilot_$mine

call $mine artifacts 1 hunter2-hunter2
terraform init -input=false > /dev/null
plan create $target
call $mine artifacts 1 other-secret-0
plan create-other-secret $target
call $mine artifacts 1 hunter2-hunter2
terraform apply -input=false -auto-approve > /dev/null
plan nothing $target
call $mine artifacts 2 hunter2-hunter2
plan update $target
call $mine artifacts 2 changed-secret
plan update-secret $target
call $mine renamed 1 hunter2-hunter2
plan replace $target
call $mine artifacts 1 hunter2-hunter2
call $other "extra" 1 hunter2-hunter2
terraform init -input=false > /dev/null
plan two
plan destroy -destroy $target
printf 'resource "terraform_data" "user" {\n  input = module.tfpilot_%s.name\n}\n' $mine > user.tf
terraform apply -input=false -auto-approve > /dev/null
plan destroy-used -destroy $target
rm user.tf
terraform apply -input=false -auto-approve > /dev/null
rm tfpilot_$mine.tf
plan destroy-gone -destroy $target
plan gone
