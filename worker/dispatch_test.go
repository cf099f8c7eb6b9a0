package worker

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

// The grant says where the environment keeps its state. The dispatch itself carries no
// more than what names the work: an older GitHub Enterprise Server takes ten inputs.
func TestGrantNamesTheBackend(t *testing.T) {
	env := config.Environment{Project: "core", Key: "prod", Slug: "app",
		Backend: config.Backend{Bucket: "states", Key: "legacy/prod.tfstate", DynamoDBTable: "locks"}}
	w := &Worker{Structure: config.Structure{Projects: []config.Project{{Name: "core",
		Environments: []config.Environment{env}}}}}
	j := &job{Worker: w, doc: store.Doc{Request: lifecycle.Request{Project: "core",
		Environment: lifecycle.Environment{Key: "prod", Slug: "app"}}}}
	g := j.grant(lifecycle.KindPlan, &lifecycle.Attempt{DispatchedAt: new(time.Time)})
	if want := (lifecycle.Backend{Bucket: "states", Key: "legacy/prod.tfstate",
		DynamoDBTable: "locks"}); g.Backend != want {
		t.Errorf("grant: %+v", g.Backend)
	}
	want := []string{"correlation_id", "dry_run", "environment_key", "environment_slug", "ref", "request_id", "sha"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(inputs("plan-1", g, "main")))); diff != "" {
		t.Error(diff)
	}
}

// Every worker makes the same key for a request, another one for another, and none for a run that makes no summary.
func TestFingerprintKeys(t *testing.T) {
	w, other := &Worker{FingerprintSecret: []byte("one")}, &Worker{FingerprintSecret: []byte("two")}
	key := w.fingerprintKey(lifecycle.KindPlan, "req_aaaaaaaaaaaaa")
	switch {
	case len(key) != 64, key != w.fingerprintKey(lifecycle.KindApply, "req_aaaaaaaaaaaaa"):
		t.Error("plan and apply do not share a key")
	case key == w.fingerprintKey(lifecycle.KindPlan, "req_bbbbbbbbbbbbb"),
		key == other.fingerprintKey(lifecycle.KindPlan, "req_aaaaaaaaaaaaa"):
		t.Error("another request or secret has the same key")
	case w.fingerprintKey(lifecycle.KindDriftPlan, "") != "",
		w.fingerprintKey(lifecycle.KindCleanup, "req_aaaaaaaaaaaaa") != "":
		t.Error("a run without a summary gets a key")
	}
}
