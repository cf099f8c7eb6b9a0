package github

import (
	"context"
	"fmt"
	"net/http"
)

// RunsAtWork lists the runs of a workflow that are in progress, at most pageSize. Queued runs are
// not included: they have done nothing yet.
func (c *Client) RunsAtWork(ctx context.Context, repo Repo, workflow string) ([]Run, error) {
	if !workflowFile.MatchString(workflow) {
		return nil, fmt.Errorf("workflow %q: %w", workflow, errName)
	}
	path, err := repo.path("/actions/workflows/%s/runs?status=in_progress&per_page=%d", workflow, pageSize)
	if err != nil {
		return nil, err
	}
	var out struct {
		Runs []wireRun `json:"workflow_runs"`
	}
	if _, err := c.call(ctx, http.MethodGet, path, nil, &out); err != nil {
		return nil, fmt.Errorf("list runs of %s at work: %w", workflow, err)
	}
	runs := make([]Run, 0, len(out.Runs))
	for _, w := range out.Runs {
		runs = append(runs, w.run())
	}
	return runs, nil
}
