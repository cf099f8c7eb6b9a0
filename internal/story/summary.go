package story

import (
	"github.com/tfpilot/tfpilot/internal/terraform"
)

// Change is one change of a plan, of a resource of the request.
func Change(kind, address string, before, after map[string]any) terraform.Change {
	actions := map[string][]string{"create": {"create"}, "update": {"update"}, "delete": {"delete"},
		"replace": {"delete", "create"}}
	return terraform.Change{
		Address: "module.tfpilot_" + ID + "." + address, Type: "aws_s3_bucket",
		Provider: "registry.terraform.io/hashicorp/aws",
		Actions:  actions[kind], Before: before, After: after,
	}
}

func aws(region string) []terraform.Provider {
	return []terraform.Provider{{Name: "aws", Source: "registry.terraform.io/hashicorp/aws",
		Config: map[string]any{"region": region}}}
}

// Creating is a plan of a new bucket.
func Creating() terraform.Summary {
	return terraform.Summary{Providers: aws("eu-central-1"), Changes: []terraform.Change{
		Change("create", "aws_s3_bucket.this", nil, map[string]any{"bucket": "acme-artifacts", "force_destroy": false}),
		Change("create", "aws_s3_bucket_versioning.this", nil, map[string]any{"bucket": "acme-artifacts"}),
	}}
}

// Replacing is a plan that replaces, destroys and changes, with hostile text in it.
func Replacing() terraform.Summary {
	commands := Change("replace", "aws_s3_bucket.this", map[string]any{"bucket": "acme-old"},
		map[string]any{"bucket": "acme-artifacts"})
	commands.Configuration = "aws.us"
	commands.Commands = []any{map[string]any{"type": "local-exec",
		"config": map[string]any{"command": "echo <!channel> *bold*"}}}
	return terraform.Summary{Providers: aws("<!here> `x`"), Changes: []terraform.Change{
		commands,
		Change("delete", "aws_s3_bucket_policy.this[\"<!channel> *bold*\"]", map[string]any{"id": "acme-old"}, nil),
		Change("update", "aws_s3_bucket_versioning.this", map[string]any{"status": "Suspended"},
			map[string]any{"status": "Enabled"}),
	}}
}

// Destroying is the plan of a destroy.
func Destroying() terraform.Summary {
	return terraform.Summary{Changes: []terraform.Change{
		Change("delete", "aws_s3_bucket.this", map[string]any{"id": "acme-artifacts"}, nil),
		Change("delete", "aws_s3_bucket_versioning.this", map[string]any{"id": "acme-artifacts"}, nil),
	}}
}
