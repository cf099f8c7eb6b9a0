package worker

import (
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

// A run is told where its environment keeps the state, and the grant confirms it.
func TestDispatchNamesTheBackend(t *testing.T) {
	env := config.Environment{Project: "core", Key: "prod", Slug: "app", Backend: config.Backend{Bucket: "states", Key: "legacy/prod.tfstate", DynamoDBTable: "locks"}}
	w := &Worker{Structure: config.Structure{Projects: []config.Project{{Name: "core", Environments: []config.Environment{env}}}}}
	j := &job{Worker: w, doc: store.Doc{Request: lifecycle.Request{Project: "core", Environment: lifecycle.Environment{Key: "prod", Slug: "app"}}}}
	a := &lifecycle.Attempt{DispatchedAt: new(time.Time)}
	g := j.grant(lifecycle.KindPlan, a)
	if want := (lifecycle.Backend{Bucket: "states", Key: "legacy/prod.tfstate", DynamoDBTable: "locks"}); g.Backend != want {
		t.Errorf("grant: %+v", g.Backend)
	}
	in := inputs("plan-1", g, a)
	for name, want := range map[string]string{
		"backend_bucket": "states", "backend_key": "legacy/prod.tfstate", "backend_table": "locks", "backend_lockfile": "false",
	} {
		if in[name] != want {
			t.Errorf("input %s is %q, want %q", name, in[name], want)
		}
	}
}
