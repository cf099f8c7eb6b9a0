package worker

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/terraform"
	"github.com/tfpilot/tfpilot/internal/view"
)

func logGroups(n int) *terraform.Summary {
	s := &terraform.Summary{}
	for i := range n {
		s.Changes = append(s.Changes, terraform.Change{
			Address: fmt.Sprintf("module.tfpilot_req_a.aws_cloudwatch_log_group.this[%d]", i),
			Type:    "aws_cloudwatch_log_group", Actions: []string{"create"},
			After: map[string]any{"name": strings.Repeat("`", i%5) + "/x", "note": strings.Repeat("é", 400),
				"days": json.Number("30")},
		})
	}
	s.Changes = append(s.Changes, terraform.Change{
		Address: "module.tfpilot_req_a.aws_iam_role.zz_admin", Type: "aws_iam_role", Actions: []string{"create"},
		After: map[string]any{"assume_role_policy": `{"Statement":[{"Principal":{"AWS":"*"}}]}`},
	})
	return s
}

// The comments hold the whole plan within GitHub's limit. A plan that is too long for them says
// so, and leaves out nothing that decides who may do what.
func TestPlanCommentsHoldThePlan(t *testing.T) {
	r := &lifecycle.Request{ID: "req_a", Requester: lifecycle.Person{Login: "dana"}, Reason: "Logs `of` the web team."}
	for _, c := range []struct {
		groups, parts int
		partial       bool
	}{{1, 1, false}, {20, 1, false}, {300, 3, false}, {3000, maxPlanParts, true}} {
		s := logGroups(c.groups)
		bodies, partial := planComments(r, lifecycle.Plan{Digest: "sha256:x", SHA: "abc"}, "https://github.test/run",
			view.OfPlan(s))
		if len(bodies) != c.parts || partial != c.partial {
			t.Errorf("%d groups: %d comments, partial %v", c.groups, len(bodies), partial)
		}
		all := strings.Join(bodies, "\n")
		for i, b := range bodies {
			if n := utf8.RuneCountInString(b); n > maxComment {
				t.Errorf("%d groups: comment %d has %d characters", c.groups, i, n)
			}
			if strings.Count(b, "<details>") != strings.Count(b, "</details>") {
				t.Errorf("%d groups: comment %d is not closed", c.groups, i)
			}
		}
		if !strings.Contains(all, `"AWS": "*"`) || !strings.Contains(bodies[0], "Logs `of` the web team.") ||
			!strings.Contains(bodies[0], "dana") {
			t.Errorf("%d groups: something is missing", c.groups)
		}
		for i := range c.groups {
			if !partial && !strings.Contains(all, fmt.Sprintf("this[%d]\n", i)) {
				t.Errorf("%d groups: %d is missing", c.groups, i)
			}
		}
		if said := strings.Contains(all, "not the whole plan"); said != partial {
			t.Errorf("%d groups: declared partial: %v", c.groups, said)
		}
	}
}

// What a plan holds cannot end the block that shows it.
func TestPlanCommentsAreInert(t *testing.T) {
	s := &terraform.Summary{Changes: []terraform.Change{{
		Address: "module.tfpilot_req_a.aws_x.y", Type: "aws_x", Actions: []string{"create"},
		After: map[string]any{"a": "x\n```\n</details>\n@everyone [click](https://evil.test)\n```", "b": "````"},
	}}}
	bodies, _ := planComments(&lifecycle.Request{}, lifecycle.Plan{}, "", view.OfPlan(s))
	_, block, found := strings.Cut(bodies[0], "`````diff\n")
	if inside, _, closed := strings.Cut(block, "\n`````\n"); !found || !closed || !strings.Contains(inside, "@everyone") {
		t.Errorf("%s", bodies[0])
	}
}
