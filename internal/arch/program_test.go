package arch

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// ciLinks lists all that tfpilot-ci may link besides the standard library. Each run downloads it and trusts it
// with the credentials of a role: a new row is a decision.
var ciLinks = []string{
	module + "/cmd/tfpilot-ci", module + "/internal/ci", module + "/internal/release", module + "/internal/lifecycle",
	module + "/internal/store", module + "/internal/terraform", module + "/internal/catalog", module + "/internal/view",
	module + "/internal/invisible", module + "/internal/secretscan", module + "/templates",

	"github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go", // the bucket
	"github.com/hashicorp/hcl/v2", "github.com/zclconf/go-cty", "github.com/hashicorp/terraform-json", // Terraform's language
	"github.com/hashicorp/go-version", "github.com/zclconf/go-cty-yaml", "github.com/apparentlymart/go-cidr",
	"github.com/apparentlymart/go-textseg", "github.com/agext/levenshtein", "github.com/mitchellh/go-wordwrap",
	"github.com/google/go-cmp", "github.com/google/uuid", "github.com/goccy/go-yaml",
	"golang.org/x/text", "golang.org/x/sync",
}

// productLinksNot lists what belongs to the sandbox.
var productLinksNot = []string{
	module + "/internal/sandbox", module + "/internal/sim", module + "/internal/testing", module + "/cmd/sandbox",
	"github.com/alicebob/miniredis", "github.com/go-git", "github.com/coder/websocket",
	"github.com/hashicorp/terraform-plugin-go",
}

// links lists the packages outside the standard library that a program links.
func links(t *testing.T, program string) []string {
	t.Helper()
	const format = "{{if not .Standard}}{{.ImportPath}}{{end}}"
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", format, module+"/cmd/"+program).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	found := strings.Fields(string(out))
	if !slices.Contains(found, module+"/cmd/"+program) {
		t.Fatalf("go list names no %s: %q", program, found)
	}
	return found
}

func TestRunsLinkLittle(t *testing.T) {
	used := map[string]bool{}
	for _, name := range links(t, "tfpilot-ci") {
		i := slices.IndexFunc(ciLinks, func(allowed string) bool { return under(name, allowed) })
		if i < 0 {
			t.Errorf("tfpilot-ci links %s", name)
			continue
		}
		used[ciLinks[i]] = true
	}
	for _, allowed := range ciLinks {
		if !used[allowed] {
			t.Errorf("tfpilot-ci does not link %s: delete its row", allowed)
		}
	}
}

func TestProductLinksNoSimulator(t *testing.T) {
	for _, name := range links(t, "tfpilot") {
		if underAny(name, productLinksNot) {
			t.Errorf("tfpilot links %s, which belongs to the sandbox", name)
		}
	}
	sandbox := links(t, "sandbox")
	for _, not := range productLinksNot[:2] {
		if !slices.ContainsFunc(sandbox, func(name string) bool { return under(name, not) }) {
			t.Errorf("the sandbox does not link %s: is the rule still right?", not)
		}
	}
}
