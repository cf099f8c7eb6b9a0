package bootstrap

import (
	"fmt"
	"strings"
)

// codeowners puts what runs under review, all of a root included: an override file there
// changes its provider. The requests' own files stay free: their review is the approval
// in TfPilot.
func codeowners(p Project) string {
	if len(p.Owners) == 0 {
		return "# Name who reviews what runs, for example:\n# /.github/ @acme/platform\n# /modules/ @acme/platform\n" +
			"# /envs/ @acme/platform\n# /envs/**/tfpilot_req_*.tf\n# /envs/**/*_override.tf @acme/platform\n"
	}
	owners := strings.Join(p.Owners, " ")
	return fmt.Sprintf("/.github/ %[1]s\n/modules/ %[1]s\n/envs/ %[1]s\n/envs/**/tfpilot_req_*.tf\n"+
		"/envs/**/*_override.tf %[1]s\n", owners)
}

func readme(p Project) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\nInfrastructure of project `%s`, requested in Slack, generated and run by "+
		"[TfPilot](https://github.com/tfpilot/tfpilot).\n\n", p.Repo, p.Name)
	b.WriteString("| Path | What it is |\n|---|---|\n")
	b.WriteString("| `envs/<key>/<slug>/` | one Terraform root with one state; each `tfpilot_req_….tf` in it is one " +
		"request |\n")
	b.WriteString("| `modules/` | what can be requested |\n")
	b.WriteString("| `.github/workflows/` | plan, apply, destroy, cleanup and drift; only TfPilot starts them |\n\n")
	if len(p.Environments) > 0 {
		b.WriteString("| Environment | State |\n|---|---|\n")
		for _, e := range p.Environments {
			fmt.Fprintf(&b, "| `%s/%s` | `s3://%s/%s` |\n", e.Key, e.Slug, p.backend(e).Bucket, StateKey(p.Name, e))
		}
		b.WriteString("\n")
	}
	runs := p.runs()
	b.WriteString("## Identities and runners\n\nThese are constants of the workflow files, so that a change " +
		"is reviewed. No variable or secret of the repository is read.\n\n")
	b.WriteString("| What | Value |\n|---|---|\n")
	fmt.Fprintf(&b, "| Role that plans: reads states and grants, writes claims and the results of plans; its trust "+
		"policy admits these workflows of the default branch only | `%s` |\n", runs.PlanRole)
	fmt.Fprintf(&b, "| Role that applies; its trust policy admits `apply.yml` and `destroy.yml` of the default branch "+
		"only, because a plan runs the code of modules and providers, which must not get this role | `%s` |\n", runs.ApplyRole)
	fmt.Fprintf(&b, "| Login that dispatches | `%s` |\n| Runner | `%s` |\n| Releases | <%s> |\n\n", runs.Actor,
		runs.Runner, runs.Releases)
	b.WriteString("Each root needs a `.terraform.lock.hcl`, or no run starts there: it fixes the providers. `tfpilot " +
		"bootstrap` makes it; `terraform providers lock` adds a provider.\n" +
		"A run executes only code that was approved with its plan. A change of a module or of a root stops what is " +
		"approved and not yet applied, until it is planned again.\n")
	b.WriteString("Do not edit the generated files by hand: TfPilot refuses to plan, merge or apply what it did not " +
		"write.\n")
	return b.String()
}
