package github

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A listing that ends before it reaches back far enough says so: a run that it lacks may
// exist.
func TestListingOfTooManyRunsIsPartial(t *testing.T) {
	page := func(created time.Time) string {
		var runs []string
		for i := range pageSize {
			runs = append(runs, fmt.Sprintf(`{"id":%d,"created_at":%q}`, i+1, created.Format(time.RFC3339)))
		}
		return `{"workflow_runs":[` + strings.Join(runs, ",") + `]}`
	}
	var asked []string
	c := newTestClient(t, answers(func(r *http.Request) (*http.Response, error) {
		asked = append(asked, r.URL.Query().Get("created"))
		return reply(200, page(when))(r)
	}))
	list, err := c.FindRuns(t.Context(), core, RunQuery{Since: when.Add(-time.Hour)})
	if err != nil || !list.Partial || len(list.Items) != maxPages*pageSize {
		t.Errorf("%d runs, partial %v, %v", len(list.Items), list.Partial, err)
	}
	list, err = c.FindRuns(t.Context(), core, RunQuery{Since: when.Add(time.Hour)})
	if err != nil || list.Partial {
		t.Errorf("partial %v, %v", list.Partial, err)
	}
	asked = nil
	if _, err = c.FindRuns(t.Context(), core, RunQuery{Since: when, Until: when.Add(time.Hour)}); err != nil ||
		asked[0] != "2026-11-23T08:00:00Z..2026-11-23T09:00:00Z" {
		t.Errorf("asked %q, %v", asked, err)
	}
}
