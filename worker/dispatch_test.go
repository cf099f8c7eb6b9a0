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
	env := config.Environment{Project: "core", Key: "prod", Slug: "app", Backend: config.Backend{Bucket: "states", Key: "legacy/prod.tfstate", DynamoDBTable: "locks"}}
	w := &Worker{Structure: config.Structure{Projects: []config.Project{{Name: "core", Environments: []config.Environment{env}}}}}
	j := &job{Worker: w, doc: store.Doc{Request: lifecycle.Request{Project: "core", Environment: lifecycle.Environment{Key: "prod", Slug: "app"}}}}
	g := j.grant(lifecycle.KindPlan, &lifecycle.Attempt{DispatchedAt: new(time.Time)})
	if want := (lifecycle.Backend{Bucket: "states", Key: "legacy/prod.tfstate", DynamoDBTable: "locks"}); g.Backend != want {
		t.Errorf("grant: %+v", g.Backend)
	}
	want := []string{"correlation_id", "dry_run", "environment_key", "environment_slug", "ref", "request_id", "sha"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(inputs("plan-1", g, "main")))); diff != "" {
		t.Error(diff)
	}
}
