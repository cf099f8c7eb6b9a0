package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// A dispatch is the one call that cannot be repeated: each success starts another run. GitHub's
// older answer, 204 without a body, does not even name the run. So each run has the request and a
// correlation id in its title, and after an unknown outcome the run is searched by that title
// before anything is started again.

var workflowFile = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}\.ya?ml$`)

// DispatchInput is one workflow to start.
type DispatchInput struct {
	Repo     Repo   // required
	Workflow string // required; file name, plan.yml
	Ref      string // required; the default branch, whose file runs
	Inputs   map[string]string
}

// Run is a workflow run as GitHub returned it. A run that has ended has a Conclusion.
type Run struct {
	ID           int64
	Attempt      int
	URL          string // for people
	RepoID       int64
	Name         string // of the workflow
	Path         string // of the workflow's file; may end in @ref
	DisplayTitle string
	Event        string
	HeadBranch   string
	HeadSHA      string
	Actor        Actor
	Status       string
	Conclusion   lifecycle.Conclusion
	CreatedAt    time.Time
	UpdatedAt    time.Time
	CompletedAt  time.Time // zero while it runs
}

type wireRun struct {
	ID           int64                `json:"id"`
	Attempt      int                  `json:"run_attempt"`
	HTMLURL      string               `json:"html_url"`
	Name         string               `json:"name"`
	Path         string               `json:"path"`
	DisplayTitle string               `json:"display_title"`
	Event        string               `json:"event"`
	HeadBranch   string               `json:"head_branch"`
	HeadSHA      string               `json:"head_sha"`
	Actor        *Actor               `json:"actor"`
	Status       string               `json:"status"`
	Conclusion   lifecycle.Conclusion `json:"conclusion"`
	CreatedAt    time.Time            `json:"created_at"`
	UpdatedAt    time.Time            `json:"updated_at"`
	CompletedAt  *time.Time           `json:"completed_at"`
	Repository   *wireRepo            `json:"repository"`
}

func (w wireRun) run() Run {
	r := Run{
		ID: w.ID, Attempt: max(1, w.Attempt), URL: w.HTMLURL, Name: w.Name, Path: w.Path,
		DisplayTitle: w.DisplayTitle, Event: w.Event, HeadBranch: w.HeadBranch, HeadSHA: w.HeadSHA,
		Status: w.Status, Conclusion: w.Conclusion, CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt,
		CompletedAt: completedAt(w.Status, w.CompletedAt, w.UpdatedAt),
	}
	if w.Actor != nil {
		r.Actor = *w.Actor
	}
	if w.Repository != nil {
		r.RepoID = w.Repository.ID
	}
	return r
}

// completedAt is the only rule for when a run ended: GitHub's own time if it returns one, else
// the time of the last change of a completed run.
func completedAt(status string, completed *time.Time, updated time.Time) time.Time {
	switch {
	case status != "completed":
		return time.Time{}
	case completed != nil && !completed.IsZero():
		return *completed
	default:
		return updated
	}
}

// Dispatch starts a workflow. The returned run has only an id and an address, and neither if this
// version of GitHub does not return them. Dispatch cannot be repeated: after an unknown outcome
// the caller has to search for the run with FindRuns.
func (c *Client) Dispatch(ctx context.Context, in DispatchInput) (Run, error) {
	if !workflowFile.MatchString(in.Workflow) {
		return Run{}, fmt.Errorf("workflow %q: %w", in.Workflow, errName)
	}
	path, err := in.Repo.path("/actions/workflows/%s/dispatches", in.Workflow)
	if err != nil {
		return Run{}, err
	}
	run, err := c.dispatch(ctx, path, in, !c.noRunDetails.Load())
	if err != nil && refusesRunDetails(err) && !c.noRunDetails.Load() {
		if run, err = c.dispatch(ctx, path, in, false); err == nil {
			c.noRunDetails.Store(true) // proved by the call that went through without
		}
	}
	if err != nil {
		return Run{}, fmt.Errorf("dispatch %s: %w", in.Workflow, err)
	}
	return run, nil
}

func (c *Client) dispatch(ctx context.Context, path string, in DispatchInput, details bool) (Run, error) {
	body := struct {
		Ref     string            `json:"ref"`
		Inputs  map[string]string `json:"inputs,omitempty"`
		Details bool              `json:"return_run_details,omitempty"`
	}{in.Ref, in.Inputs, details}
	var out struct {
		ID      int64  `json:"workflow_run_id"`
		HTMLURL string `json:"html_url"`
	}
	if _, err := c.call(ctx, http.MethodPost, path, body, &out); err != nil {
		return Run{}, err
	}
	return Run{ID: out.ID, URL: out.HTMLURL}, nil
}

// refusesRunDetails recognizes GitHub Enterprise Server before 3.21, which rejects a request with
// a field that it does not know. Nothing was started in that case.
func refusesRunDetails(err error) bool {
	var refused *Refused
	if !errors.As(err, &refused) {
		return false
	}
	return refused.Status == http.StatusBadRequest || refused.Status == http.StatusUnprocessableEntity &&
		strings.Contains(refused.Message, "return_run_details")
}

// Run reads a run: its newest attempt.
func (c *Client) Run(ctx context.Context, repo Repo, id int64) (Run, error) {
	return c.readRun(ctx, repo, "/actions/runs/%d", id)
}

// FirstRun reads a run as it was before anyone ran it again: that is the one that
// TfPilot started.
func (c *Client) FirstRun(ctx context.Context, repo Repo, id int64) (Run, error) {
	return c.readRun(ctx, repo, "/actions/runs/%d/attempts/1", id)
}

func (c *Client) readRun(ctx context.Context, repo Repo, format string, id int64) (Run, error) {
	path, err := repo.path(format, id)
	if err != nil {
		return Run{}, err
	}
	var out wireRun
	if _, err := c.call(ctx, http.MethodGet, path, nil, &out); err != nil {
		return Run{}, fmt.Errorf("run %d: %w", id, err)
	}
	return out.run(), nil
}

// RunQuery selects the runs to list.
type RunQuery struct {
	Since time.Time // created at or after
	Until time.Time // and at or before; zero is now
	ETag  string    // of the last listing with the same query
}

// FindRuns lists the dispatched runs, newest first. GitHub may take some seconds to list a new
// run. A listing that does not reach back to Since is Partial: runs that it lacks may exist. The
// ETag is set only if the whole listing is on one page, because an unchanged first page proves
// nothing about the next one.
func (c *Client) FindRuns(ctx context.Context, repo Repo, q RunQuery) (Listing[Run], error) {
	base, err := repo.path("/actions/runs?per_page=%d&event=workflow_dispatch", pageSize)
	if err != nil {
		return Listing[Run]{}, err
	}
	if !q.Until.IsZero() {
		base += "&created=" + queryEscape(q.Since.UTC().Format(time.RFC3339)+".."+q.Until.UTC().Format(time.RFC3339))
	}
	var all Listing[Run]
	for page, etag := 1, q.ETag; page <= maxPages; page, etag = page+1, "" {
		var out struct {
			Runs []wireRun `json:"workflow_runs"`
		}
		a, err := c.do(ctx, &c.rest, http.MethodGet, fmt.Sprintf("%s&page=%d", base, page), etag, nil, &out)
		if err != nil {
			return Listing[Run]{}, fmt.Errorf("list runs: %w", err)
		}
		if a.same {
			return Listing[Run]{ETag: etag, Same: true}, nil
		}
		all.ETag = ""
		for _, w := range out.Runs {
			if w.CreatedAt.Before(q.Since.Truncate(time.Second)) {
				all.ETag = firstPage(page, a.etag)
				return all, nil
			}
			all.Items = append(all.Items, w.run())
		}
		if len(out.Runs) < pageSize {
			all.ETag = firstPage(page, a.etag)
			return all, nil
		}
	}
	all.Partial = true
	return all, nil
}

func firstPage(page int, etag string) string {
	if page == 1 {
		return etag
	}
	return ""
}

// Step is the step in which a run failed.
type Step struct {
	Job        string
	Step       string // empty when no step of the job failed, or none began
	Conclusion lifecycle.Conclusion
	URL        string // of the job
}

// FailedStep finds the first step that made a run fail; ErrNotFound if no job failed.
func (c *Client) FailedStep(ctx context.Context, repo Repo, runID int64) (Step, error) {
	path, err := repo.path("/actions/runs/%d/jobs?filter=latest&per_page=%d", runID, pageSize)
	if err != nil {
		return Step{}, err
	}
	type part struct {
		Name       string               `json:"name"`
		Conclusion lifecycle.Conclusion `json:"conclusion"`
	}
	var out struct {
		Jobs []struct {
			part
			HTMLURL string `json:"html_url"`
			Steps   []part `json:"steps"`
		} `json:"jobs"`
	}
	if _, err := c.call(ctx, http.MethodGet, path, nil, &out); err != nil {
		return Step{}, fmt.Errorf("jobs of run %d: %w", runID, err)
	}
	for _, job := range out.Jobs {
		if !isFailure(job.Conclusion) {
			continue
		}
		found := Step{Job: cutRunes(job.Name, 100), Conclusion: job.Conclusion, URL: job.HTMLURL}
		for _, s := range job.Steps {
			if isFailure(s.Conclusion) {
				found.Step, found.Conclusion = cutRunes(s.Name, 100), s.Conclusion
				break
			}
		}
		return found, nil
	}
	return Step{}, fmt.Errorf("failed step of run %d: %w", runID, ErrNotFound)
}

// isFailure also counts canceled and timed-out jobs, whose last step is the one to read.
func isFailure(conclusion lifecycle.Conclusion) bool {
	switch conclusion {
	case "", lifecycle.ConclusionSuccess, lifecycle.ConclusionSkipped, lifecycle.ConclusionNeutral:
		return false
	}
	return true
}
