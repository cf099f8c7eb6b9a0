package bootstrap

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/templates"
)

func testProject() Project {
	return Project{
		Name: "core", Repo: "acme/infra-core", RequestsBucket: "tfpilot-requests", Region: "eu-central-1",
		Terraform:    "1.11.4",
		Backend:      Backend{Bucket: "tfpilot-terraform-state", UseLockfile: true},
		Environments: []Environment{{Key: "dev", Slug: "app"}, {Key: "prod", Slug: "app"}},
		Release: Release{Version: "0.1.0",
			Checksums: map[string]string{"tfpilot-ci_0.1.0_Linux_X64": strings.Repeat("ab", 32)}},
		Owners: []string{"@acme/platform"},
		Runs: Runs{PlanRole: "arn:aws:iam::111111111111:role/tfpilot-plan-core",
			ApplyRole: "arn:aws:iam::111111111111:role/tfpilot-apply-core"},
	}
}

func TestRender(t *testing.T) {
	tree, err := Render(testProject(), templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{".github/CODEOWNERS", "README.md", "envs/dev/app/backend.tf",
		"envs/prod/app/providers.tf",
		"envs/prod/app/versions.tf", "modules/s3-bucket/main.tf", "modules/s3-bucket/variables.tf",
		".github/workflows/plan.yml", ".github/workflows/apply.yml", ".github/workflows/destroy.yml",
		".github/workflows/cleanup.yml", ".github/workflows/drift_plan.yml"} {
		if len(tree[want]) == 0 {
			t.Errorf("tree lacks %s; it has %q", want, slices.Sorted(maps.Keys(tree)))
		}
	}
	left := regexp.MustCompile(`["']@[a-z_]+@["']`)
	for name, text := range tree {
		if left.Match(text) {
			t.Errorf("%s has a placeholder left: %s", name, left.Find(text))
		}
	}
	backend := string(tree["envs/prod/app/backend.tf"])
	for _, want := range []string{`bucket       = "tfpilot-terraform-state"`, `"core/prod/app/terraform.tfstate"`,
		"use_lockfile = true", "encrypt      = true"} {
		if !strings.Contains(backend, want) {
			t.Errorf("backend.tf lacks %s:\n%s", want, backend)
		}
	}
	plan := string(tree[".github/workflows/plan.yml"])
	for _, want := range []string{`TFPILOT_VERSION: "0.1.0"`, `TFPILOT_CHECKSUMS: "` + strings.Repeat("ab", 32) +
		`  tfpilot-ci_0.1.0_Linux_X64"`,
		`TFPILOT_REQUESTS_BUCKET: "tfpilot-requests"`, `terraform_version: "1.11.4"`, `aws-region: "eu-central-1"`,
		`role-to-assume: "arn:aws:iam::111111111111:role/tfpilot-plan-core"`, `runs-on: "ubuntu-24.04"`,
		`TFPILOT_ACTOR: "tfpilot[bot]"`,
		`RELEASES: "https://github.com/tfpilot/tfpilot/releases/download"`} {
		if !strings.Contains(plan, want) {
			t.Errorf("plan.yml lacks %s", want)
		}
	}
}

// An environment may have a backend of its own; with a table and no lock file the
// lock arguments follow.
func TestRootOfItsOwn(t *testing.T) {
	e := Environment{Key: "dev", Slug: "app", Region: "us-east-1", StateKey: "legacy/dev.tfstate",
		Backend: &Backend{Bucket: "other-states", Region: "eu-west-1", DynamoDBTable: "tf-locks"}}
	root, err := Root(testProject(), e, templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	text := string(root["envs/dev/app/backend.tf"])
	if strings.Contains(text, "use_lockfile") {
		t.Errorf("backend.tf has a lock file:\n%s", text)
	}
	for _, want := range []string{`"tf-locks"`, `"other-states"`, `"legacy/dev.tfstate"`, `"eu-west-1"`} {
		if !strings.Contains(text, want) {
			t.Errorf("backend.tf lacks %s:\n%s", want, text)
		}
	}
	if providers := string(root["envs/dev/app/providers.tf"]); !strings.Contains(providers, `"us-east-1"`) {
		t.Errorf("providers.tf has another region:\n%s", providers)
	}
}

// Whatever is not of its pattern is refused, so that no value can become code.
func TestRenderRefuses(t *testing.T) {
	for name, change := range map[string]func(*Project){
		"project":     func(p *Project) { p.Name = `core"` },
		"bucket":      func(p *Project) { p.Backend.Bucket = "a\nb" },
		"region":      func(p *Project) { p.Region = "${{ secrets.X }}" },
		"version":     func(p *Project) { p.Release.Version = "1.0.0; id" },
		"checksum":    func(p *Project) { p.Release.Checksums["tfpilot-ci_0.1.0_Linux_X64"] = "x" },
		"asset":       func(p *Project) { p.Release.Checksums["other"] = strings.Repeat("ab", 32) },
		"environment": func(p *Project) { p.Environments[0].Slug = "../.." },
		"no lock":     func(p *Project) { p.Backend.UseLockfile = false },
		"state key":   func(p *Project) { p.Environments[0].StateKey = "../x" },
		"own backend": func(p *Project) { p.Environments[0].Backend = &Backend{Bucket: "x y", UseLockfile: true} },
		"no role":     func(p *Project) { p.Runs.PlanRole = "" },
		"one role":    func(p *Project) { p.Runs.ApplyRole = p.Runs.PlanRole },
		"role":        func(p *Project) { p.Runs.ApplyRole = "arn:aws:iam::1:user/x" },
		"runner":      func(p *Project) { p.Runs.Runner = "${{ vars.X }}" },
		"actor":       func(p *Project) { p.Runs.Actor = "x' || 'y" },
		"releases":    func(p *Project) { p.Runs.Releases = "http://example.com/x" },
		"owner":       func(p *Project) { p.Owners = []string{"@a\n* @evil"} },
	} {
		p := testProject()
		change(&p)
		if _, err := Render(p, templates.FS); err == nil {
			t.Errorf("%s was not refused", name)
		}
	}
}
