package ci

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/tfpilot/tfpilot/internal/terraform"
	"github.com/tfpilot/tfpilot/internal/view"
)

// maxShown bounds the plan in the run's log and summary, in bytes. GitHub drops a step summary
// over 1 MiB.
const maxShown = 900 << 10

// showPlan prints the whole redacted plan in the log of the run and in its summary.
func (j *job) showPlan(s *terraform.Summary) {
	plan := view.OfPlan(s)
	text := j.shown(plan, view.Strings, plan.Text())
	j.say("::group::Plan")
	printInert(j.out, text)
	j.say("::endgroup::")
	path := j.env["GITHUB_STEP_SUMMARY"]
	if path == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = io.WriteString(f, j.planPage(s, plan))
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}
	if err != nil { // the log has it, and so have Slack and the pull request
		j.say("::warning::The plan could not be written to the summary of the run.")
	}
}

// planPage returns the plan as Markdown. Its content cannot end the code block early.
func (j *job) planPage(s *terraform.Summary, plan view.Plan) string {
	text := j.shown(plan, view.Diffs, strings.Join(view.Diffs(plan.Lines()), "\n"))
	ticks := "```"
	// In Markdown a code block ends at as many backticks as it began with, so use more than the
	// text contains.
	for strings.Contains(text, ticks) {
		ticks += "`"
	}
	return fmt.Sprintf("### TfPilot plan of %s\n\nDigest `%s`\n\n%sdiff\n%s\n%s\n", j.in.RequestID, s.Digest(), ticks,
		strings.TrimRight(text, "\n"), ticks)
}

// shown returns the text of the plan within the bound. A larger plan starts with the changes
// that control access, and ends with where to find the rest.
func (j *job) shown(plan view.Plan, draw func([]view.Line) []string, whole string) string {
	if len(whole) <= maxShown {
		return whole
	}
	text := strings.Join(draw(plan.AccessFirst().Lines()), "\n")
	text = text[:strings.LastIndexByte(text[:maxShown], '\n')+1]
	return text + fmt.Sprintf("This is not the whole plan: it is too long for the run. Read all of it with: tfpilot requests plan %s\n", j.in.RequestID)
}
