package worker

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"github.com/tfpilot/tfpilot/internal/invisible"
)

const maxComment = 60000 // GitHub takes 65,536 characters

// pullBody names the requester, the module and the reason, with the inputs as a table and the
// file itself. Text that a user typed is inert code. The body is never parsed.
func (j *job) pullBody(content []byte) string {
	r := j.request()
	var b strings.Builder
	fmt.Fprintf(&b, "%s requested **%s** in **%s** through TfPilot.\n\n", inlineCode(r.Requester.Login), r.Module, r.Environment)
	if r.Reason != "" {
		fmt.Fprintf(&b, "Why:\n\n%s\n", fence(r.Reason))
	}
	b.WriteString("\n| Input | Value |\n|---|---|\n")
	for _, name := range sortedKeys(r.Config) {
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, cell(r.Config[name]))
	}
	fmt.Fprintf(&b, "\nTfPilot plans, approves and applies only this file, `%s`:\n\n%s\n", r.Target.Path,
		fence(string(content)))
	fmt.Fprintf(&b, "Request `%s`. Approve in Slack, or with a review here once the plan is shown.\n", r.ID)
	return cut(b.String(), maxComment)
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// cell is a value as inert code in one line of a table.
func cell(v any) string {
	text, ok := v.(string)
	if !ok {
		data, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		text = string(data)
	}
	return strings.ReplaceAll(inlineCode(text), "|", "\\|")
}

// code is text as an inline code span that it cannot leave.
func inlineCode(text string) string {
	text = strings.Join(strings.Fields(invisible.Show(text)), " ")
	ticks := strings.Repeat("`", longestRun(text)+1)
	return ticks + " " + text + " " + ticks
}

// fence is text as a code block that it cannot leave.
func fence(text string) string {
	ticks := strings.Repeat("`", max(3, longestRun(text)+1))
	return ticks + "\n" + strings.TrimRight(invisible.Show(text), "\n") + "\n" + ticks + "\n"
}

func longestRun(text string) int {
	longest, n := 0, 0
	for _, c := range text {
		if c != '`' {
			n = 0
			continue
		}
		n++
		longest = max(longest, n)
	}
	return longest
}
