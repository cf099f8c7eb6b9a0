package request_test

import (
	"io"
	"log/slog"
	"net/http"
	"slices"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/request/requesttest"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/testing/bucket"
	"github.com/tfpilot/tfpilot/internal/testing/inprocess"
)

// fixture is the use cases on a simulated bucket and Redis.
type fixture struct {
	*request.Service
	t      *testing.T
	store  *store.Store
	index  *queue.Index
	cache  *queue.Cache
	bucket *s3.Server
	redis  *miniredis.Miniredis
	down   bool // the bucket does not answer
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	w := &fixture{t: t, redis: miniredis.RunT(t)}
	w.bucket = bucket.New(t, "core")
	redis, err := queue.Open("redis://"+w.redis.Addr(), nil)
	w.must(err)
	w.cache = queue.NewCache(redis, []byte("key"))
	w.store = bucket.Open(t, bucket.App, w, w.cache)
	t.Cleanup(func() { _ = redis.Close() })
	w.index = queue.NewIndex(redis)
	w.must(w.index.Rebuild(t.Context(), func(func(queue.Row, error) bool) {}))
	c, err := catalog.Builtin()
	w.must(err)
	log := slog.New(slog.DiscardHandler)
	w.Service = &request.Service{
		Documents: w.store, People: w.store, Plans: w.store, Index: w.index, Notifier: queue.NewNotifier(redis, log),
		Policy: requesttest.Policy(), Catalog: c, Projects: requesttest.Projects(), LinkHelp: "Link it at the desk.",
		Log: log,
	}
	for login, id := range requesttest.GithubIDs {
		w.must(w.store.PutIdentity(t.Context(), lifecycle.Identity{SlackTeam: requesttest.Team,
			SlackUser: requesttest.SlackUsers[login], Login: login, GithubID: id}))
	}
	return w
}

// RoundTrip hands a call to the bucket.
func (w *fixture) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.down {
		return nil, io.ErrUnexpectedEOF
	}
	return inprocess.To(w.bucket).RoundTrip(r)
}

func (w *fixture) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// put stores a request and its plan.
func (w *fixture) put(r *lifecycle.Request, archive bool) {
	w.t.Helper()
	doc, err := w.store.Create(w.t.Context(), *r)
	w.must(err)
	s := requesttest.Summary()
	w.must(bucket.Open(w.t, "run-plan-"+r.Project, inprocess.To(w.bucket), nil).PutSummary(w.t.Context(),
		r.Project,
		requesttest.Correlation(), s.Bytes()))
	if archive {
		_, err := w.store.Archive(w.t.Context(), doc)
		w.must(err)
	}
}

func (w *fixture) caller(login string) request.Caller {
	w.t.Helper()
	c, err := w.LoginCaller(w.t.Context(), login, request.SourceCLI)
	w.must(err)
	return c
}

// ids are the stored requests.
func (w *fixture) ids() []string {
	w.t.Helper()
	var ids []string
	for e, err := range w.store.List(w.t.Context()) {
		w.must(err)
		ids = append(ids, e.ID)
	}
	slices.Sort(ids)
	return ids
}

// tasks are the keys in Redis that hold tasks.
func (w *fixture) tasks() (n int) {
	for _, key := range w.redis.Keys() {
		if len(key) > 6 && key[:6] == "asynq:" {
			n++
		}
	}
	return n
}
