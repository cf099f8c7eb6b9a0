package page

import (
	"fmt"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/view"
)

// What the page shows about a request is the product's own view of it. The page only adds where to
// find things in the simulators: the run, pull request, state and message of the request.

// Row is a request in the page's list.
type Row struct {
	ID          string      `json:"id"`
	Title       string      `json:"title"`
	Requester   string      `json:"requester"`
	Project     string      `json:"project"`
	Environment string      `json:"environment"`
	Module      string      `json:"module"`
	CreatedAt   time.Time   `json:"createdAt"`
	UpdatedAt   time.Time   `json:"updatedAt"`
	Archived    bool        `json:"archived"`
	Headline    string      `json:"headline"`
	Sentence    string      `json:"sentence"`
	Problem     string      `json:"problem,omitempty"`
	Steps       []view.Step `json:"steps"`
	Next        view.Next   `json:"next"` // what it waits for; the page adds who that is in the sandbox

	Repo     string `json:"repo"`
	Pull     int    `json:"pull,omitempty"`
	Run      int64  `json:"run,omitempty"` // the newest
	StateKey string `json:"stateKey"`
	Channel  string `json:"channel,omitempty"` // of the card, with its time stamp
	TS       string `json:"ts,omitempty"`
}

// readRequest parses a stored document. A document in the archive counts as archived, even if an older
// version wrote it without that field.
func readRequest(raw []byte, archived bool) (lifecycle.Request, error) {
	var r lifecycle.Request
	if err := lifecycle.Decode(raw, &r); err != nil {
		return r, fmt.Errorf("read document: %w", err)
	}
	if archived && r.ArchivedAt == nil {
		r.ArchivedAt = &r.UpdatedAt
	}
	return r, nil
}

// rowOf renders a request's view as a row.
func rowOf(r lifecycle.Request, env lifecycle.EnvironmentState, now time.Time) Row {
	v := view.OfRequest(view.Facts{Request: r, Environment: env,
		Protected: lifecycle.Protected(r.Environment.Key, false), Now: now})
	row := Row{
		ID: r.ID, Title: v.Title, Requester: v.RequestedBy.Login, Project: r.Project, Environment: r.Environment.String(),
		Module:    r.Module,
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, Archived: v.Archived,
		Headline: v.Headline, Sentence: v.Sentence, Steps: v.Steps, Next: v.Next,
		Repo: r.Target.Owner + "/" + r.Target.Repo, StateKey: r.Project + "/" + r.Environment.String() + "/terraform.tfstate",
	}
	for _, run := range v.Runs {
		row.Run = max(row.Run, run.ID)
	}
	if len(v.Problems) > 0 {
		p := v.Problems[0]
		row.Problem = p.Title + " " + p.Output + p.Text
	}
	if r.PR != nil {
		row.Pull = r.PR.Number
	}
	for _, m := range r.Slack.Messages {
		if m.Role == lifecycle.RoleCard && m.TS != "" {
			row.Channel, row.TS = m.Channel, m.TS
		}
	}
	return row
}
