package ci_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/terraform"
	"github.com/tfpilot/tfpilot/internal/testing/bucket"
)

// One request through the shipped workflows, act and the real Terraform: planned,
// applied once, destroyed and cleaned up.
func TestJourney(t *testing.T) {
	w := newHarness(t)
	ctx := t.Context()
	text := requestFile("logs", "")
	head := w.propose(text)

	plan := w.request(lifecycle.KindPlan, lifecycle.PurposeOpen, head, text, "")
	planned, log := w.must(plan)
	if planned.Conclusion != "success" || planned.Counts.Add != 2 || planned.Digest == "" {
		t.Fatalf("plan result: %+v\n%s", planned, log)
	}
	summary, err := w.app.Summary(ctx, "core", plan.cid)
	if err != nil || terraform.Digest(summary) != planned.Digest {
		t.Errorf("digest of the stored summary: %v", err)
	}
	shown, ok := w.s3.Read(requestsBucket, "results/core/"+plan.cid+"/plan.txt")
	if !ok || !strings.Contains(string(shown), "+ create terraform_data.thing") {
		t.Errorf("plan text: %v\n%s", ok, shown)
	}
	if !strings.Contains(log, strings.TrimSpace(string(shown))) {
		t.Errorf("the log does not show the plan:\n%s", log)
	}
	for where, said := range map[string]string{"log": log, "summary": string(summary), "plan text": string(shown)} {
		if strings.Contains(said, "hunter2") || strings.Contains(said, bucket.Secret("run-plan-core")) {
			t.Errorf("a secret is in the %s:\n%s", where, said)
		}
	}
	claim, err := w.app.Claim(ctx, "core", plan.cid)
	if err != nil || claim.RunID != w.runID || claim.SHA != head {
		t.Errorf("claim: %+v %v", claim, err)
	}

	merged := w.merge()
	apply := w.request(lifecycle.KindApply, lifecycle.PurposeOpen, merged, text, planned.Digest)
	applied, log := w.must(apply)
	if string(applied.Outputs["endpoint"]) != `"logs.example.com"` ||
		!slices.Equal(applied.Sensitive, []string{"password"}) || applied.Digest != planned.Digest {
		t.Errorf("apply result: %+v\n%s", applied, log)
	}
	state, ok := w.s3.Read("tfpilot-terraform-state", "core/dev/app/terraform.tfstate")
	if !ok || !strings.Contains(string(state), "terraform_data") {
		t.Fatalf("state: %v", ok)
	}
	if keys := w.s3.Keys("tfpilot-terraform-state", ""); len(keys) != 1 {
		t.Errorf("state bucket: %v", keys)
	}

	again := w.request(lifecycle.KindApply, lifecycle.PurposeOpen, merged, text, planned.Digest)
	repeated, _ := w.must(again)
	if !repeated.Nothing {
		t.Errorf("a second apply found something to do: %+v", repeated)
	}

	destroyPlan := w.request(lifecycle.KindPlan, lifecycle.PurposeDestroy, merged, text, "")
	going, _ := w.must(destroyPlan)
	if going.Counts.Destroy != 2 {
		t.Fatalf("destroy plan: %+v", going)
	}
	shown, ok = w.s3.Read(requestsBucket, "results/core/"+destroyPlan.cid+"/plan.txt")
	if !ok || strings.Contains(string(shown), "hunter2") ||
		!strings.Contains(string(shown), "- destroy terraform_data.thing") {
		t.Errorf("text of the destroy plan: %v\n%s", ok, shown)
	}
	destroy := w.request(lifecycle.KindDestroy, lifecycle.PurposeDestroy, merged, text, going.Digest)
	w.must(destroy)
	state, _ = w.s3.Read("tfpilot-terraform-state", "core/dev/app/terraform.tfstate")
	if strings.Contains(string(state), "terraform_data") {
		t.Errorf("state after destroy:\n%s", state)
	}

	cleanup := w.request(lifecycle.KindCleanup, lifecycle.PurposeDestroy, merged, text, "")
	w.must(cleanup)
	changed := command(t, w.bare, "git", "diff", "--name-status", "main", "cleanup/"+requestID)
	if strings.TrimSpace(changed) != "D\t"+requestPath {
		t.Errorf("cleanup branch changes %q", changed)
	}
}
