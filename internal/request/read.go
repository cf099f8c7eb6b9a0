package request

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/terraform"
)

// read reads a document.
func (s *Service) read(ctx context.Context, id string) (store.Doc, *Refusal) {
	doc, err := s.Documents.Get(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrKey):
		return doc, notFound(id)
	case err != nil:
		return doc, unavailable(err)
	}
	return doc, nil
}

// Get reads a request, archived ones too.
func (s *Service) Get(ctx context.Context, c Caller, id string) (store.Doc, error) {
	if refusal := s.MayRead(c); refusal != nil {
		return store.Doc{}, refusal
	}
	doc, refusal := s.read(ctx, id)
	if refusal != nil {
		return doc, refusal
	}
	return doc, nil
}

// Rebuilding is what every surface adds to a list while the index is being rebuilt. Without it, requests
// that are not in the list yet would look deleted.
const Rebuilding = "The list of requests is being rebuilt. Try again in a minute to see all of them. " +
	"Until then, show a request by its ID."

// List reads a page of the list. While the index is being rebuilt, the page has what was found so far.
func (s *Service) List(ctx context.Context, c Caller, q queue.Query) (queue.Page, error) {
	if !c.Operator {
		if refusal := s.allow(c, rbac.List, rbac.Scope{}); refusal != nil {
			return queue.Page{}, refusal
		}
	}
	page, err := s.Index.List(ctx, q)
	switch {
	case errors.Is(err, queue.ErrCursor):
		return page, &Refusal{Class: Invalid, Code: lifecycle.CodeCursor, cause: err,
			Text: "This list has expired. Start it again."}
	case err != nil:
		return page, &Refusal{Class: Unavailable, Code: lifecycle.CodeUnavailable, cause: err,
			Text: "The list of requests cannot be read right now. Try again in a minute; " +
				"until then, show a request by its ID."}
	}
	return page, nil
}

// Listed are the newest requests.
type Listed struct {
	Rows       []queue.Row
	More       bool // there are older ones
	Rebuilding bool // the index is not complete: requests may be missing
}

// Newest reads page after page of what the filter selects, up to limit rows.
func (s *Service) Newest(ctx context.Context, c Caller, f Filter, limit int) (Listed, error) {
	list := Listed{Rows: []queue.Row{}, More: true}
	for cursor := ""; len(list.Rows) < limit; {
		page, err := s.Find(ctx, c, f, cursor, min(limit-len(list.Rows), queue.MaxListLimit))
		if err != nil {
			return Listed{}, err
		}
		list.Rows, list.Rebuilding = append(list.Rows, page.Rows...), list.Rebuilding || page.Rebuilding
		if cursor = page.Cursor; cursor == "" {
			list.More = page.Partial
			break
		}
	}
	return list, nil
}

// Summaries are what plan runs left.
type Summaries interface {
	RecentSummary(ctx context.Context, project, correlationID string) ([]byte, error)
}

// Plan reads the plan of a request.
func (s *Service) Plan(ctx context.Context, c Caller, id string) (lifecycle.Request, *terraform.Summary, error) {
	doc, err := s.Get(ctx, c, id)
	if err != nil {
		return doc.Request, nil, err
	}
	summary, err := ReadPlan(ctx, s.Plans, doc.Request)
	return doc.Request, summary, err
}

// ReadPlan reads the plan that an approval of the request is bound to: the stored summary. Bytes
// without the plan's digest are refused, so that what people see is what they approve.
func ReadPlan(ctx context.Context, from Summaries, r lifecycle.Request) (*terraform.Summary, error) {
	run := r.PlanRun()
	if run == nil {
		return nil, conflict(lifecycle.CodeNoPlan,
			"This request has no plan right now: a new one is running, or the last one failed.")
	}
	data, err := from.RecentSummary(ctx, r.Project, run.CorrelationID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, conflict(lifecycle.CodeNoPlan,
			"The plan is no longer stored. Re-plan to create a new one, then decide.")
	}
	if err != nil {
		return nil, &Refusal{Class: Unavailable, Code: lifecycle.CodeUnavailable, cause: err,
			Text: "The plan cannot be read right now. Try again in a minute before you decide."}
	}
	if terraform.Digest(data) != r.Plan.Digest {
		return nil, conflict(lifecycle.CodeDigestDiffers, "The stored plan does not have the digest of this request's plan, "+
			"so it is not shown. Re-plan to create a new one.")
	}
	summary, err := terraform.ParseSummary(data)
	if err != nil {
		return nil, conflict(lifecycle.CodePlanUnreadable, "The stored plan cannot be read. Re-plan to create a new one.")
	}
	return summary, nil
}

// Synced is what GitHub is asked about.
type Synced struct {
	Repositories []string
	Request      *lifecycle.Request // nil when all repositories are read
}

// Sync asks GitHub for news: of one request's repository, or of all with an empty id.
func (s *Service) Sync(ctx context.Context, c Caller, id string) (Synced, error) {
	if refusal := s.allow(c, rbac.Sync, rbac.Scope{}); refusal != nil {
		return Synced{}, refusal
	}
	if id == "" {
		out := Synced{Repositories: s.repositories()}
		return out, s.syncAll(ctx, out.Repositories)
	}
	doc, refusal := s.read(ctx, id)
	switch {
	case refusal != nil:
		return Synced{}, refusal
	case doc.Archived:
		return Synced{}, archived()
	}
	doc, err := s.syncRequest(ctx, c, doc)
	return Synced{Repositories: []string{repositoryOf(doc.Request)}, Request: &doc.Request}, err
}

// syncRequest asks GitHub about a request, and has the messages tried again that Slack refused.
func (s *Service) syncRequest(ctx context.Context, c Caller, doc store.Doc) (store.Doc, error) {
	if slices.ContainsFunc(doc.Request.Slack.Messages, lifecycle.Message.Refused) {
		updated, err := s.Documents.Patch(ctx, doc, c.Actor(), lifecycle.RetryMessages())
		if err != nil {
			return doc, RefusalOf(err)
		}
		doc = updated
	}
	s.changed(ctx, doc)
	return doc, s.syncAll(ctx, []string{repositoryOf(doc.Request)})
}

func (s *Service) syncAll(ctx context.Context, repositories []string) error {
	for _, repo := range repositories {
		if err := s.Notifier.Sync(ctx, repo); err != nil {
			return &Refusal{Class: Unavailable, Code: lifecycle.CodeUnavailable, cause: err,
				Text: "The workers cannot be reached right now. They check for changes every minute."}
		}
	}
	return nil
}

func repositoryOf(r lifecycle.Request) string { return r.Target.Owner + "/" + r.Target.Repo }

func (s *Service) repositories() []string {
	var all []string
	for _, p := range s.Projects {
		repo := p.Owner + "/" + p.Repo
		if !slices.ContainsFunc(all, func(have string) bool { return strings.EqualFold(have, repo) }) {
			all = append(all, repo)
		}
	}
	return all
}
