package github_test

import (
	"context"
	"maps"
	"strings"
	"testing"

	gh "github.com/google/go-github/v62/github"

	"github.com/tfpilot/tfpilot/internal/sim/actions"
)

// Anyone with write access to a repository can set its variables, which the runs of everyone receive.
func TestVariables(t *testing.T) {
	ctx, cfg := context.Background(), config()
	seen := make(chan map[string]string, 1)
	cfg.DataDir = t.TempDir()
	cfg.Runner = runnerFunc(func(ctx context.Context, job actions.Job) actions.Result {
		seen <- job.Vars
		return succeed(ctx, job)
	})
	w := newFixture(t, cfg)
	dana := w.as("dana").Actions
	set := func(name, value string) error {
		_, err := dana.CreateRepoVariable(ctx, owner, repo, &gh.ActionsVariable{Name: name, Value: value})
		return err
	}
	if err := set("tfpilot_actor", "vic"); err != nil {
		t.Fatal(err)
	}
	start(t, w, "plan-1", "dev")
	want := map[string]string{"TFPILOT_ACTOR": "vic", "TFPILOT_PLAN_ROLE": "arn:aws:iam::000000000000:role/tfpilot-plan"}
	if got := <-seen; !maps.Equal(got, want) {
		t.Errorf("the run got %v", got)
	}

	refused(t, set("TFPILOT_ACTOR", "x"), 409, "Already exists")
	for name, value := range map[string]string{"GITHUB_ACTOR": "x", "1ST": "x", "A-B": "x",
		"LONG": strings.Repeat("x", 49<<10)} {
		refused(t, set(name, value), 422, "Variable")
	}
	for name, c := range map[string]*gh.Client{"reader": w.as("vic"), "app": w.app} {
		_, err := c.Actions.CreateRepoVariable(ctx, owner, repo, &gh.ActionsVariable{Name: "MINE", Value: name})
		refused(t, err, 403, "")
	}

	if err := w.server.Close(ctx); err != nil {
		t.Fatal(err)
	}
	start(t, newFixture(t, cfg), "plan-2", "dev")
	if got := <-seen; !maps.Equal(got, want) {
		t.Errorf("after a restart, the run got %v", got)
	}
}
