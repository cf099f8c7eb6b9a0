package worker_test

import (
	"context"
	"testing"

	gh "github.com/google/go-github/v62/github"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

// executable makes the request's file executable on its branch, with TfPilot's commit message,
// and changes nothing else.
func (w *harness) executable(login string) {
	w.t.Helper()
	ctx, git, r := context.Background(), w.as(login).Git, w.request(reqA)
	ref, _, err := git.GetRef(ctx, "acme", "infra-core", "heads/"+r.Target.Branch)
	w.must(err)
	parent, _, err := git.GetCommit(ctx, "acme", "infra-core", ref.Object.GetSHA())
	w.must(err)
	created, _, err := git.CreateTree(ctx, "acme", "infra-core", parent.Tree.GetSHA(), []*gh.TreeEntry{
		{Path: gh.String(r.Target.Path), Mode: gh.String("100755"), Type: gh.String("blob"), SHA: gh.String(r.Target.Blob)},
	})
	w.must(err)
	commit, _, err := git.CreateCommit(ctx, "acme", "infra-core", &gh.Commit{Message: parent.Message, Tree: created,
		Parents: []*gh.Commit{parent}}, nil)
	w.must(err)
	ref.Object.SHA = commit.SHA
	_, _, err = git.UpdateRef(ctx, "acme", "infra-core", ref, false)
	w.must(err)
}

// Only the mode of the file changed, which a comparison does not show: the run refuses
// it, and Restore helps.
func TestChangedModeIsRestored(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.open(reqA)
		w.ledger.fails("plan", &refusedRun{lifecycle.CodeContentDiffers})
		w.executable("dana")
		w.until(reqA, "refused", func(d store.Doc) bool {
			return d.Request.Problem != nil && d.Request.Problem.Code == lifecycle.CodeContentDiffers
		})
		w.ledger.fails("plan", nil)
		if no := lifecycle.Can(w.request(reqA), lifecycle.ActionRestore); no != nil {
			w.t.Fatalf("restore: %s", no.Text)
		}
		w.click(reqA, lifecycle.ActionRestore, "dana")
		w.planned(reqA, lifecycle.PurposeOpen)
		w.approve(reqA)
		w.merge(reqA)
		w.apply(reqA)
		w.assertInvariants()
	})
}
