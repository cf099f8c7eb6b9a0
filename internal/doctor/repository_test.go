package doctor_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/bootstrap"
	"github.com/tfpilot/tfpilot/internal/sim/github"
	"github.com/tfpilot/tfpilot/internal/testing/bucket"
)

// repository changes the files of the infra repository before anything is asked.
func repository(change func(files map[string][]byte)) func(*ward) {
	return func(w *ward) {
		w.ServeGitHub(func(c *github.Config) {
			files := maps.Clone(c.Repos[0].Files)
			change(files)
			c.Repos[0].Files = files
		})
	}
}

// replaced replaces a constant in all workflow files that have it.
func replaced(old, with string) func(*ward) {
	return repository(func(files map[string][]byte) {
		for name, text := range files {
			if strings.HasPrefix(name, bootstrap.WorkflowDir) {
				files[name] = []byte(strings.ReplaceAll(string(text), old, with))
			}
		}
	})
}

func without(prefix, suffix string) func(*ward) {
	return repository(func(files map[string][]byte) {
		maps.DeleteFunc(files, func(name string, _ []byte) bool {
			return strings.HasPrefix(name, prefix) && strings.HasSuffix(name, suffix)
		})
	})
}

// An infra repository in which requests would fail later is found before a person asks
// for something.
func TestDoctorReadsTheRepositories(t *testing.T) {
	const workflows, modules, where = "core: workflow files are up to date",
		"core: modules of the catalog are committed", "core: repository acme/infra-core matches tfpilot.yaml"
	findsFaults(t, map[string]fault{
		"plan workflow missing": {without(bootstrap.WorkflowDir+"plan.yml", ""), workflows,
			[]string{".github/workflows/plan.yml is missing", "run tfpilot bootstrap core"}},
		"plan workflow empty": {repository(func(f map[string][]byte) { f[bootstrap.WorkflowDir+"plan.yml"] = nil }),
			workflows, []string{"plan.yml: there are 0 lines"}},
		"no workflows": {without(bootstrap.WorkflowDir, ""), workflows,
			[]string{"apply.yml is missing", "destroy.yml is missing"}},
		"constant not set": {replaced(`TFPILOT_ACTOR: "tfpilot[bot]"`, `TFPILOT_ACTOR: "@actor@"`), workflows,
			[]string{"plan.yml: the actor is not set"}},
		"role is no role": {replaced("arn:aws:iam::111111111111:role/plan", "plan"), workflows,
			[]string{`plan role "plan" is not valid`}},
		"other project": {replaced(`TFPILOT_PROJECT: "core"`, `TFPILOT_PROJECT: "data"`), workflows,
			[]string{`the project is "data"`, `in tfpilot.yaml it is "core"`}},
		"other bucket": {replaced(`"`+bucket.Requests+`"`, `"elsewhere"`), workflows,
			[]string{`the requests bucket is "elsewhere"`, "TFPILOT_REQUESTS_BUCKET"}},
		"other region": {replaced(`"eu-central-1"`, `"us-east-1"`), workflows,
			[]string{`the region is "us-east-1"`, `"eu-central-1"`}},
		"other actor": {replaced("tfpilot[bot]", "helper[bot]"), workflows,
			[]string{`the actor is "helper[bot]"`, `"tfpilot[bot]"`}},
		"other Terraform": {replaced(`"1.11.4"`, `"1.9.0"`), workflows, []string{`Terraform version is "1.9.0"`}},
		"other release": {func(w *ward) { w.version = "0.2.0" }, workflows,
			[]string{`the release version is "0.1.0"`, `"0.2.0"`}},
		"module missing": {without("modules/s3-bucket/", ""), modules,
			[]string{"modules/s3-bucket", "can never be planned", "from the catalog"}},
		"module without code": {without("modules/ecr-repo/", ".tf"), modules, []string{"modules/ecr-repo"}},
		"lock file missing": {without("envs/dev/app/.terraform.lock.hcl", ""),
			"core dev/app: deployed, backend matches", []string{"runs fail without envs/dev/app/.terraform.lock.hcl"}},
		"renamed": {func(w *ward) {
			if err := w.GitHub.Rename("acme/infra-core", "acme", "platform"); err != nil {
				w.T.Fatal(err)
			}
		}, where, []string{"now called acme/platform", "repo: platform", "tfpilot.yaml", "trust policies"}},
	})
}
