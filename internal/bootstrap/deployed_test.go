package bootstrap

import (
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/templates"
)

// What Render writes can be read back; what was changed by hand is named.
func TestDeployedReadsWhatRenderWrites(t *testing.T) {
	const plan, apply = "plan.yml", "apply.yml"
	replace := func(file, old, with string) func(map[string][]byte) {
		return func(files map[string][]byte) {
			if !strings.Contains(string(files[file]), old) {
				t.Errorf("%s has no %q", file, old)
			}
			files[file] = []byte(strings.ReplaceAll(string(files[file]), old, with))
		}
	}
	for name, c := range map[string]struct {
		change func(map[string][]byte)
		says   []string // none: no fault
	}{
		"as written":      {func(map[string][]byte) {}, nil},
		"bare and single": {replace(plan, `TFPILOT_PROJECT: "core"`, `TFPILOT_PROJECT: core # ours`), nil},
		"single quotes":   {replace(plan, `TFPILOT_PROJECT: "core"`, `TFPILOT_PROJECT: 'core'`), nil},
		"missing": {func(files map[string][]byte) {
			delete(files, plan)
		}, []string{".github/workflows/plan.yml is missing"}},
		"template": {replace(plan, `TFPILOT_ACTOR: "tfpilot[bot]"`, `TFPILOT_ACTOR: "@actor@"`),
			[]string{"plan.yml: the actor is not set"}},
		"empty": {replace(plan, `TFPILOT_PROJECT: "core"`, `TFPILOT_PROJECT:  ""`),
			[]string{`plan.yml: there are 0 lines "TFPILOT_PROJECT: …"`}},
		"nothing": {replace(plan, `TFPILOT_PROJECT: "core"`, `TFPILOT_PROJECT: ""`),
			[]string{"plan.yml: the project is not set"}},
		"no role": {replace(apply, `role-to-assume: "arn:aws:iam::111111111111:role/plan"`, ""),
			[]string{`apply.yml: there are 2 lines "role-to-assume: …", and bootstrap writes 3`}},
		"roles the same": {replace(apply, ":role/apply", ":role/plan"),
			[]string{"apply role is not the same everywhere"}},
		"other version": {replace(apply, `TFPILOT_VERSION: "0.1.0"`, `TFPILOT_VERSION: "0.0.9"`),
			[]string{`the version is not the same everywhere: "0.0.9", "0.1.0"`}},
		"no role's name": {replace(plan, `arn:aws:iam::111111111111:role/plan`, "plan"),
			[]string{"plan role is not the same everywhere"}},
		"actor of the queue": {replace(apply, `github.triggering_actor == 'tfpilot[bot]'`,
			`github.triggering_actor == 'mallory'`), []string{"the actor is not the same everywhere"}},
		"variable instead": {replace(plan, `TFPILOT_ACTOR: "tfpilot[bot]"`, `TFPILOT_ACTOR: ${{ vars.ACTOR }}`),
			[]string{`"TFPILOT_ACTOR: …"`}},
	} {
		t.Run(name, func(t *testing.T) {
			tree, err := Render(deployedProject(), templates.FS)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string][]byte{}
			for path, text := range tree {
				if file, ok := strings.CutPrefix(path, WorkflowDir); ok {
					files[file] = text
				}
			}
			c.change(files)
			got, err := Deployed(files, templates.FS)
			if len(c.says) == 0 {
				if err != nil || got.Name != "core" || got.Runs != deployedProject().Runs ||
					got.Release.Checksums["tfpilot-ci_0.1.0_Linux_X64"] == "" || got.Terraform != "1.11.4" {
					t.Errorf("got %+v, %v", got, err)
				}
				return
			}
			for _, words := range c.says {
				if err == nil || !strings.Contains(err.Error(), words) {
					t.Errorf("%v does not say %q", err, words)
				}
			}
		})
	}
}

func deployedProject() Project {
	return Project{
		Name: "core", Repo: "acme/infra-core", RequestsBucket: "requests", Region: "eu-central-1", Terraform: "1.11.4",
		Release: Release{Version: "0.1.0", Checksums: map[string]string{"tfpilot-ci_0.1.0_Linux_X64": strings.Repeat("ab",
			32)}},
		Runs: Runs{
			PlanRole: "arn:aws:iam::111111111111:role/plan", ApplyRole: "arn:aws:iam::111111111111:role/apply",
			Runner: "ubuntu-24.04", Actor: "tfpilot[bot]", Releases: "https://releases.example/tfpilot",
		},
	}
}
