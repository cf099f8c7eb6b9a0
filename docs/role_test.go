package docs_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

// defaultSession is how long the action takes a role for when nothing is said, and how long
// AWS lets a role be taken for.
const defaultSession = 3600

// workflow is what these tests read of a workflow file.
type workflow struct {
	name, text string
	Jobs       map[string]struct {
		Minutes int `yaml:"timeout-minutes"`
		Steps   []struct {
			If   string         `yaml:"if"`
			With map[string]any `yaml:"with"`
		} `yaml:"steps"`
	} `yaml:"jobs"`
}

func workflows(t *testing.T) (all []workflow) {
	t.Helper()
	files, err := filepath.Glob("templates/workflows/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("workflows: %q %v", files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		w := workflow{name: filepath.Base(name), text: string(text)}
		if err := yaml.Unmarshal(text, &w); err != nil {
			t.Fatal(name, err)
		}
		all = append(all, w)
	}
	return all
}

// A session that ends before the job does would lose the state of what was applied; AWS gives
// none that is longer than the role allows.
func TestSessionOutlastsTheJob(t *testing.T) {
	install, err := os.ReadFile("docs/INSTALL.md")
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string]int{}
	for _, m := range regexp.MustCompile(`create-role --role-name tfpilot-(plan|apply)-core .*--max-session-duration (\d+)`).FindAllStringSubmatch(string(install), -1) {
		allowed["@"+m[1]+"_role@"], _ = strconv.Atoi(m[2])
	}
	for _, w := range workflows(t) {
		for id, job := range w.Jobs {
			role, session := "", defaultSession
			for _, step := range job.Steps { // the last role that is taken counts: it is the one that writes
				// to report is a matter of seconds
				if took, ok := step.With["role-to-assume"].(string); ok && !strings.Contains(step.If, "always()") {
					role, session = took, seconds(step.With["role-duration-seconds"])
				}
			}
			if session < job.Minutes*60 {
				t.Errorf("%s: %s may take %d minutes, and its session ends after %d seconds", w.name, id, job.Minutes, session)
			}
			if most := max(allowed[role], defaultSession); session > most {
				t.Errorf("%s: docs/INSTALL.md lets %s be taken for %d seconds, and the workflow asks for %d", w.name, role, most,
					session)
			}
		}
	}
}

func seconds(given any) int {
	if n, ok := given.(uint64); ok {
		return int(n)
	}
	return defaultSession
}

// A role may be taken by exactly the workflow files that take it, on the default branch: a plan
// cannot ask for the role that writes.
func TestRolesTrustTheirWorkflows(t *testing.T) {
	for role, variable := range map[string]string{"plan": `"@plan_role@"`, "apply": `"@apply_role@"`} {
		var taking []string
		for _, w := range workflows(t) {
			if strings.Contains(w.text, variable) {
				taking = append(taking, "OWNER/REPO/.github/workflows/"+w.name+"@refs/heads/main")
			}
		}
		want := map[string]any{"StringEquals": map[string]any{
			"token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
			"token.actions.githubusercontent.com:sub": []string{"repo:OWNER/REPO:ref:refs/heads/main",
				"repo:OWNER@OWNER_ID/REPO@REPO_ID:ref:refs/heads/main"},
			"token.actions.githubusercontent.com:job_workflow_ref": taking,
		}}
		if diff := cmp.Diff(asJSON(t, want), asJSON(t, condition(t, "manifests/iam/trust/"+role+".json"))); diff != "" {
			t.Errorf("the trust policy of the %s role (-want +got):\n%s", role, diff)
		}
	}
}

// condition is under which condition the one statement of a trust policy holds; its lists
// are sorted, as they mean any of them.
func condition(t *testing.T, name string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var policy struct {
		Statement []struct{ Condition map[string]map[string]any }
	}
	if err := json.Unmarshal(data, &policy); err != nil || len(policy.Statement) != 1 {
		t.Fatalf("%s: %d statements, %v", name, len(policy.Statement), err)
	}
	all := map[string]any{}
	for operator, claims := range policy.Statement[0].Condition {
		for _, value := range claims {
			if list, ok := value.([]any); ok {
				slices.SortFunc(list, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
			}
		}
		all[operator] = claims
	}
	return all
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
