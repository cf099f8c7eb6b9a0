package queue

import (
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Row is one request as lists show it: a projection of its document, with the status as it was derived
// when the row was put.
type Row struct {
	ID             string    `json:"id"`
	Version        int64     `json:"version"`
	Title          string    `json:"title"`
	Module         string    `json:"module"`
	Project        string    `json:"project"`
	Environment    string    `json:"environment"` // "dev/app"
	Status         string    `json:"status"`
	Requester      string    `json:"requester"` // GitHub login
	RequesterSlack string    `json:"requesterSlack,omitempty"`
	Problem        string    `json:"problem,omitempty"`
	PRURL          string    `json:"prUrl,omitempty"`
	Needs          string    `json:"needs,omitempty"`   // the action that a person has to take next
	Channel        string    `json:"channel,omitempty"` // of its card in Slack
	CardTS         string    `json:"cardTs,omitempty"`
	Settled        bool      `json:"settled,omitempty"` // nothing more will happen by itself
	Archived       bool      `json:"archived,omitempty"`
	CreatedAt      time.Time `json:"createdAt"`
	UpdatedAt      time.Time `json:"updatedAt"`
}

const maxRowProblem = 200 // runes of a problem's text

// RowOf is a request as lists show it now.
func RowOf(r lifecycle.Request, archived bool) Row {
	at := time.Now().UTC()
	status := lifecycle.DeriveLifecycleStatus(r, at)
	row := Row{
		ID: r.ID, Version: r.Version, Title: r.Title, Module: r.Module, Project: r.Project,
		Environment: r.Environment.String(),
		Status:      string(status), Requester: r.Requester.Login, RequesterSlack: r.Requester.SlackUser,
		Settled: archived || status == lifecycle.StatusClosed, Archived: archived,
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
	if next, ok := lifecycle.Awaited(r, at); ok && !archived {
		row.Needs = string(next)
	}
	for _, m := range r.Slack.Messages {
		if m.Role == lifecycle.RoleCard {
			row.Channel, row.CardTS = m.Channel, m.TS
		}
	}
	if r.PR != nil {
		row.PRURL = r.PR.URL
	}
	if r.Problem != nil {
		row.Problem = shorten(r.Problem.Text, maxRowProblem)
	}
	return row
}

func shorten(s string, limit int) string {
	r := []rune(strings.ToValidUTF8(s, "\uFFFD"))
	if len(r) <= limit {
		return string(r)
	}
	return string(r[:limit-1]) + "…"
}
