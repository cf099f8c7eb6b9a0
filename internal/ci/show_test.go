package ci

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/terraform"
)

func shownOf(t *testing.T, s *terraform.Summary) (log, page string) {
	t.Helper()
	var out bytes.Buffer
	file := filepath.Join(t.TempDir(), "summary.md")
	if err := os.WriteFile(file, []byte("before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	j := &job{env: map[string]string{"GITHUB_STEP_SUMMARY": file}, out: &out}
	j.in.RequestID = "req_0123456789abc"
	j.showPlan(s)
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	page, kept := strings.CutPrefix(string(written), "before\n")
	if !kept {
		t.Errorf("what other steps wrote is gone: %.40q", written)
	}
	return out.String(), page
}

// The run shows the plan in its log and in its summary, and what the plan holds is text in both.
func TestRunShowsThePlanAsText(t *testing.T) {
	s := &terraform.Summary{Changes: []terraform.Change{{
		Address: "module.tfpilot_req_0123456789abc.aws_x.y", Type: "aws_x", Actions: []string{"create"},
		After: map[string]any{"a": "x\n```\n::set-output name=x::y\n</details><script>", "b": "````"},
	}}}
	log, page := shownOf(t, s)
	before, rest, _ := strings.Cut(log, "::stop-commands::")
	token, _, _ := strings.Cut(rest, "\n")
	inside, _, closed := strings.Cut(rest, "\n::"+token+"::\n")
	if strings.Contains(before, "aws_x") || !closed || !strings.Contains(inside, "+ create aws_x.y") ||
		!strings.Contains(inside, "::set-output") {
		t.Errorf("log:\n%s", log)
	}
	_, block, opened := strings.Cut(page, "\n`````diff\n")
	if block, _, closed := strings.Cut(block, "\n`````\n"); !opened || !closed ||
		!strings.Contains(block, "+   create aws_x.y") || !strings.Contains(page, s.Digest()) {
		t.Errorf("summary:\n%s", page)
	}
}

// A plan larger than GitHub accepts is cut at a line and says so. Changes of permissions come first.
func TestRunShowsTheFirstPartOfALongPlan(t *testing.T) {
	s := &terraform.Summary{}
	for i := range 9000 {
		s.Changes = append(s.Changes, terraform.Change{
			Address: fmt.Sprintf("module.tfpilot_req_0123456789abc.aws_log.x[%d]", i), Type: "aws_log",
			Actions: []string{"create"},
			After:   map[string]any{"n": json.Number("1"), "note": strings.Repeat("é", 60)},
		})
	}
	s.Changes = append(s.Changes, terraform.Change{Address: "module.tfpilot_req_0123456789abc.aws_iam_role.z",
		Type: "aws_iam_role", Actions: []string{"create"}})
	_, page := shownOf(t, s)
	if len(page) > 1<<20 || !strings.Contains(page, "aws_iam_role.z") ||
		!strings.Contains(page, "tfpilot requests plan req_0123456789abc") {
		t.Errorf("%d bytes, ends in %q", len(page), page[len(page)-200:])
	}
}
