package provider

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// modules are the shipped modules, read as files: the sandbox imports nothing of the product.
const modules = "../../../../templates/modules"

// calls uses each module with the required inputs only, and with all inputs.
var calls = map[string][]string{
	"s3-bucket": {
		`name = "acme-least"`,
		`name = "acme-most"
		 versioning = false
		 encryption = "aws:kms"
		 kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/1b2c3d4e-1111-2222-3333-444455556666"
		 expire_days = 30
		 noncurrent_expire_days = 0
		 reader_arns = ["arn:aws:iam::123456789012:role/reporting"]
		 force_destroy = true
		 tags = { ManagedBy = "tfpilot" }`,
	},
	"ec2-instance": {
		`name = "least"
		 ami_id = "ami-0123456789abcdef0"`,
		`name = "most"
		 ami_id = "ami-0123456789abcdef0"
		 instance_type = "m7i.large"
		 subnet_id = "subnet-0123456789abcdef0"
		 security_group_ids = ["sg-0123456789abcdef0", "sg-0aaaaaaaaaaaaaaaa"]
		 root_volume_gb = 100
		 root_volume_type = "gp2"
		 kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/1b2c3d4e-1111-2222-3333-444455556666"
		 instance_profile = "runner"
		 public_ip = true
		 detailed_monitoring = true
		 tags = { ManagedBy = "tfpilot" }`,
	},
	"ecr-repo": {
		`name = "team/least"`,
		`name = "team/most"
		 immutable_tags = false
		 scan_on_push = false
		 keep_images = 5
		 untagged_expire_days = 1
		 kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/1b2c3d4e-1111-2222-3333-444455556666"
		 force_delete = true
		 tags = { ManagedBy = "tfpilot" }`,
	},
	"cloudwatch-log-group": {
		`name = "/acme/least"`,
		`name = "/acme/most"
		 retention_days = 365
		 log_class = "INFREQUENT_ACCESS"
		 kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/1b2c3d4e-1111-2222-3333-444455556666"
		 tags = { ManagedBy = "tfpilot" }`,
	},
	"iam-role": {
		`name = "least"
		 trusted_services = ["lambda.amazonaws.com"]`,
		`name = "most"
		 description = "Runs things"
		 trusted_services = ["lambda.amazonaws.com", "ec2.amazonaws.com"]
		 managed_policy_arns = ["arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"]
		 permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
		 max_session_hours = 12
		 trust_conditions = { "aws:SourceAccount" = "123456789012" }
		 tags = { ManagedBy = "tfpilot" }`,
	},
}

// Each shipped module plans, applies, has no changes left, and is destroyed.
func TestShippedModules(t *testing.T) {
	dirs, err := os.ReadDir(modules)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		if len(calls[d.Name()]) == 0 {
			t.Errorf("module %s is not called here", d.Name())
		}
		for _, arguments := range calls[d.Name()] {
			t.Run(d.Name(), func(t *testing.T) {
				t.Parallel()
				source, err := filepath.Abs(filepath.Join(modules, d.Name()))
				if err != nil {
					t.Fatal(err)
				}
				r := newRoot(t, `
provider "aws" { region = "eu-central-1" }
module "m" {
  source = "`+source+`"
`+arguments+`
}
output "all" { value = module.m }
`)
				r.must("init")
				r.must("apply", "-auto-approve")
				r.noChanges()
				if out := r.must("output", "-json"); strings.Contains(out, "null") {
					t.Errorf("an output has no value:\n%s", out)
				}
				r.must("destroy", "-auto-approve")
				if left := r.cloud.Objects(""); len(left) != 0 {
					t.Errorf("left in the account: %v", left)
				}
			})
		}
	}
}
