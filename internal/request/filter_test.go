package request_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/request/requesttest"
)

func TestReadFilter(t *testing.T) {
	w := newFixture(t)
	for text, want := range map[string]request.Filter{
		"":                     {},
		"Mine OPEN waiting":    {Mine: true, Open: true, Waiting: true},
		"@me":                  {Mine: true},
		"plan-ready failed":    {Statuses: []lifecycle.Status{lifecycle.StatusPlanReady, lifecycle.StatusFailed}},
		"PlanReady":            {Statuses: []lifecycle.Status{lifecycle.StatusPlanReady}},
		"prod prod/app core":   {Environments: []string{"prod", "prod/app", "core"}},
		"@Dana <@U0ANA|ana>":   {People: []string{"dana", "U0ANA"}},
		"artifacts s3 @":       {Words: []string{"artifacts", "s3", "@"}},
		"prod/other  req_abc ": {Words: []string{"prod/other", "req_abc"}},
	} {
		if got, err := w.ReadFilter(text); err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("%q: %v %s", text, err, cmp.Diff(want, got))
		}
	}
	_, err := w.ReadFilter(strings.Repeat("ä", request.MaxFilter+1))
	if r := refused(t, "too long", err); r.Class != request.Invalid || r.Faults[0].Field != request.FieldFilter {
		t.Errorf("%+v", r)
	}
}

// All parts of a filter must match. What is applied without a problem is not open.
func TestFindSelects(t *testing.T) {
	w := newFixture(t)
	for i, r := range []queue.Row{
		{ID: "req_aaaaaaaaaaaa1",
			Title: "S3 bucket alpha", Environment: "dev/app", Status: "failed", Requester: "Dana"},
		{ID: "req_aaaaaaaaaaaa2",
			Title: "S3 bucket beta", Environment: "prod/app", Status: "applied", Requester: "ana", RequesterSlack: "U0ANA"},
		{ID: "req_aaaaaaaaaaaa3",
			Title: "S3 bucket gamma", Environment: "prod/app", Status: "closed", Requester: "dana", Settled: true},
		{ID: "req_aaaaaaaaaaaa4",
			Title: "Queue delta", Environment: "prod/app", Status: "applied", Requester: "dana", Problem: "Drift."},
	} {
		r.Version, r.Project, r.Module, r.CreatedAt = 1, "core", "s3-bucket", requesttest.At.AddDate(0, 0, -i)
		w.must(w.index.Put(t.Context(), r))
	}
	for text, want := range map[string]string{
		"": "1234", "mine": "134", "open": "14", "prod": "234", "prod/app dev": "1234", "core": "1234", "applied": "24",
		"failed closed": "13", "@ana": "2", "<@U0ANA>": "2", "@ana @dana": "1234", "BUCKET": "1234", "QUEUE": "4", "s3 delta": "4",
		"prod mine open": "4", "aaaaaaaaaaaa2": "2", "nothing": "",
	} {
		f, err := w.ReadFilter(text)
		w.must(err)
		list, err := w.Newest(t.Context(), w.caller("dana"), f, 100)
		got := ""
		for _, r := range list.Rows {
			got += r.ID[len(r.ID)-1:]
		}
		if err != nil || list.More || got != want {
			t.Errorf("%q: %s, want %s; %v %v", text, got, want, list.More, err)
		}
	}
	list, err := w.Newest(t.Context(), w.caller("dana"), request.Filter{}, 3)
	if err != nil || !list.More || len(list.Rows) != 3 {
		t.Errorf("%d rows, more %v: %v", len(list.Rows), list.More, err)
	}
}

// A request waits for the people whose button works: not for its author, and not for people without the role.
func TestFindWhatWaits(t *testing.T) {
	for name, c := range map[string]struct {
		env  string
		want map[string]int
	}{
		"dev":  {"dev", map[string]int{"dana": 0, "ana": 1, "omar": 1, "adam": 1, "vic": 0}},
		"prod": {"prod", map[string]int{"dana": 0, "ana": 0, "omar": 1, "adam": 1, "vic": 0}},
	} {
		w := newFixture(t)
		w.put(requesttest.Planned(c.env), false)
		doc, err := w.Get(t.Context(), w.caller("vic"), requesttest.ID)
		w.must(err)
		w.must(w.index.Put(t.Context(), queue.RowOf(doc.Request, false)))
		w.must(
			w.index.Put(
				t.Context(),
				queue.Row{ID: "req_aaaaaaaaaaaa9",
					Version: 1, Needs: "approve", Requester: "dana"},
			),
		) // no document
		for who, want := range c.want {
			page, err := w.Find(t.Context(), w.caller(who), request.Filter{Waiting: true}, "", 10)
			if err != nil || page.Total != want || len(page.Rows) != want {
				t.Errorf("%s, %s: %d of %d: %v", name, who, len(page.Rows), page.Total, err)
			}
		}
	}
}

// Without a GitHub login, no request is the caller's own.
func TestFindOwnOfAnUnknownCaller(t *testing.T) {
	w := newFixture(t)
	for words, c := range map[string]request.Caller{"Whose requests?": {Operator: true}, "Link it at the desk.": {Source: request.SourceSlack}} {
		for _, f := range []request.Filter{{Mine: true}, {Waiting: true}} {
			_, err := w.Find(t.Context(), c, f, "", 10)
			var refusal *request.Refusal
			if !errors.As(err, &refusal) || !strings.Contains(refusal.Text, words) {
				t.Errorf("%+v: %v", c, err)
			}
		}
	}
}
