package demo

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// dispatches starts the apply workflow by hand, with inputs that look right.
func (j *journey) dispatches(ctx context.Context) error {
	raw := make([]byte, 16)
	if _, err := rand.Read(raw); err != nil {
		return err
	}
	forged := "apply-" + hex.EncodeToString(raw)
	pr, err := j.dana.opens(ctx, j.adams)
	if err != nil {
		return err
	}
	key, slug, _ := strings.Cut(j.adams.env(), "/")
	err = j.dana.github(ctx, http.MethodPost, "/repos/"+j.adams.repo+applyWorkflow+"/dispatches",
		map[string]any{"ref": "main", "inputs": map[string]string{
			"request_id": j.adams.id, "environment_key": key, "environment_slug": slug, "sha": pr.Head.SHA, "ref": "main",
			"correlation_id": forged, "dry_run": "false",
		}}, nil)
	if err != nil {
		return err
	}
	current, err := j.dana.awaitRun(ctx, j.adams.repo, forged, 1)
	if err != nil {
		return err
	}
	if err := j.stoppedAtGuard(ctx, j.adams.repo, current); err != nil {
		return err
	}
	return j.inCloud(ctx, j.adams, false)
}

var correlation = regexp.MustCompile(`apply-[0-9a-f]{32}`)

// reruns clicks GitHub's own re-run button on a run that succeeded.
func (j *journey) reruns(ctx context.Context) error {
	good, err := j.dana.awaitRun(ctx, j.bucket.repo, j.bucket.id, 1)
	if err != nil {
		return err
	}
	if err := j.dana.github(ctx, http.MethodPost, fmt.Sprintf("/repos/%s/actions/runs/%d/rerun", j.bucket.repo, good.ID),
		nil, nil); err != nil {
		return err
	}
	j.rerun = correlation.FindString(good.DisplayTitle)
	again, err := j.dana.awaitRun(ctx, j.bucket.repo, j.bucket.id, 2)
	if err != nil {
		return err
	}
	if err := j.stoppedAtGuard(ctx, j.bucket.repo, again); err != nil {
		return err
	}
	_, err = j.dana.sees(ctx, j.bucket, soon, stateApplied)
	return err
}

const applyWorkflow = "/actions/workflows/apply.yml"

type run struct {
	ID           int64
	DisplayTitle string `json:"display_title"`
	Attempt      int    `json:"run_attempt"`
	Conclusion   string
}

// awaitRun waits for the end of an attempt of the apply run whose title contains the words.
func (p *person) awaitRun(ctx context.Context, repo, words string, attempt int) (run, error) {
	var found run
	err := until(ctx, later, "the end of the run with "+words, func(ctx context.Context) (bool, string, error) {
		var all struct {
			Runs []run `json:"workflow_runs"`
		}
		if err := p.reads(ctx, "/repos/"+repo+applyWorkflow+"/runs?per_page=50", &all); err != nil {
			return false, "", err
		}
		for _, r := range all.Runs {
			if strings.Contains(r.DisplayTitle, words) && r.Attempt == attempt {
				found = r
			}
		}
		return found.Conclusion != "", fmt.Sprintf("run %d", found.ID), nil
	})
	return found, err
}

// guard is the step that stops a run that TfPilot did not start, before it gets any credential.
const guard = "Validate inputs"

// rights lists the steps that could read or change anything.
var rights = []string{"Assume plan role", "Assume apply role", "Apply"}

// stoppedAtGuard checks that the first guard failed, and that no later step ran that could have an
// effect.
func (j *journey) stoppedAtGuard(ctx context.Context, repo string, r run) error {
	var jobs struct {
		Jobs []struct {
			Steps []struct{ Name, Conclusion string }
		}
	}
	if err := j.dana.reads(ctx, fmt.Sprintf("/repos/%s/actions/runs/%d/jobs", repo, r.ID), &jobs); err != nil {
		return err
	}
	var seen []string
	failed := ""
	for _, job := range jobs.Jobs {
		for _, s := range job.Steps {
			seen = append(seen, s.Name+": "+s.Conclusion)
			if failed == "" && s.Conclusion == "failure" {
				failed = s.Name
			}
			if s.Conclusion != "skipped" && slices.Contains(rights, s.Name) {
				return notSeen("no step that uses a credential", strings.Join(seen, "\n"))
			}
		}
	}
	if r.Conclusion != "failure" || failed != guard {
		return notSeen("a run that fails at "+guard, r.Conclusion+"\n"+strings.Join(seen, "\n"))
	}
	return nil
}
