package worker_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/testing/bucket"
	"github.com/tfpilot/tfpilot/internal/testing/inprocess"
	"github.com/tfpilot/tfpilot/worker"
)

// manyDocuments makes the tests of this file as large as the numbers in docs/PERFORMANCE.md.
var manyDocuments = flag.Int("documents", 1000, "documents in the bucket of the tests of rebuilds, sweeps and syncs")

const slowS3 = 30 * time.Millisecond

// slow answers each call after the time that S3 takes, and counts the calls that are under way.
type slow struct {
	next     http.RoundTripper
	calls    atomic.Int64
	now, top atomic.Int64
	strike   func(call int64) error // nil: each call is answered
}

func (s *slow) RoundTrip(r *http.Request) (*http.Response, error) {
	n := s.calls.Add(1)
	now := s.now.Add(1)
	defer s.now.Add(-1)
	for top := s.top.Load(); now > top && !s.top.CompareAndSwap(top, now); top = s.top.Load() {
	}
	select {
	case <-time.After(slowS3):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if s.strike != nil {
		if err := s.strike(n); err != nil {
			return nil, err
		}
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return s.next.RoundTrip(r)
}

// archive is a slow bucket with many documents, and an index.
type archive struct {
	t     testing.TB
	s3    *s3.Server
	slow  *slow
	redis *miniredis.Miniredis
	store *store.Store
	index *queue.Index
}

func withArchive(t *testing.T, story func(*archive)) {
	t.Helper()
	builtin()
	synctest.Test(t, func(t *testing.T) {
		a := &archive{t: t, s3: bucket.New(t, "core"), redis: miniredis.NewMiniRedis()}
		a.redis.ClockTTL(true)
		a.slow = &slow{next: inprocess.To(a.s3)}
		a.store = bucket.Open(t, bucket.App, a.slow, nil)
		link, err := queue.Open("redis://redis:6379/0",
			func(context.Context, string, string) (net.Conn, error) { return a.redis.Dial() })
		if err != nil {
			t.Fatal(err)
		}
		a.index = queue.NewIndex(link)
		story(a)
		if err := link.Close(); err != nil {
			t.Error(err)
		}
		a.redis.Close()
		time.Sleep(10 * time.Second) // what still dials gives up
	})
}

func manyID(i int) string { return fmt.Sprintf("req_aaaaaaa%06d", i) }

// fill writes copies of a document: half of them live, half archived.
func fill(t testing.TB, to *s3.Server, doc []byte, id string, n int) {
	t.Helper()
	for i := range n {
		other := manyID(i)
		key, err := store.RequestKey(other)
		if i >= n/2 {
			key, err = store.HistoryKey(other)
		}
		if err == nil {
			err = to.Write(bucket.Requests, key, bytes.ReplaceAll(doc, []byte(id), []byte(other)))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (a *archive) fill(n int) {
	a.t.Helper()
	doc, err := a.store.Create(a.t.Context(), newRequest(a.t, reqA, "dana", dev))
	if err != nil {
		a.t.Fatal(err)
	}
	key, _ := store.RequestKey(reqA)
	data, _ := a.s3.Read(bucket.Requests, key)
	fill(a.t, a.s3, data, doc.Request.ID, n)
}

func (a *archive) page() queue.Page {
	a.t.Helper()
	page, err := a.index.List(a.t.Context(), queue.Query{Limit: 200})
	if err != nil {
		a.t.Fatal(err)
	}
	return page
}

func (a *archive) rows() int {
	a.t.Helper()
	n, q := 0, queue.Query{Limit: 200}
	for {
		page, err := a.index.List(a.t.Context(), q)
		if err != nil {
			a.t.Fatal(err)
		}
		n += len(page.Rows)
		if q.Cursor = page.Cursor; q.Cursor == "" {
			return n
		}
	}
}

// A rebuild reads as many documents at once as there are readers, and no more. Lists show what was
// read so far, the live documents first, and are marked as not complete.
func TestRebuildOfManyDocuments(t *testing.T) {
	withArchive(t, func(a *archive) {
		n := *manyDocuments
		a.fill(n)
		from := time.Now()
		a.slow.calls.Store(0)
		a.slow.top.Store(0)
		ended := make(chan error)
		go func() { ended <- worker.Reindex(a.t.Context(), a.store, a.index) }()
		time.Sleep(10 * slowS3)
		switch page := a.page(); {
		case !page.Rebuilding || len(page.Rows) == 0:
			t.Errorf("meanwhile: %d rows, rebuilding %v", len(page.Rows), page.Rebuilding)
		default:
			for _, r := range page.Rows {
				if r.ID != reqA && r.ID >= manyID(n/2) {
					t.Errorf("%s of the archive comes before live ones", r.ID)
				}
			}
		}
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		took, calls := time.Since(from), a.slow.calls.Load()
		t.Logf("%d documents: %s, %d S3 calls, at most %d at once", n, took, calls, a.slow.top.Load())
		if a.page().Rebuilding || a.rows() != n+1 {
			t.Errorf("%d rows of %d, rebuilding %v", a.rows(), n+1, a.page().Rebuilding)
		}
		// An archived document costs two reads: the live one comes first.
		reads, lists := int64(n+n/2), int64(n/1000+4)
		if most := time.Duration(reads/store.Readers+lists+4) * slowS3; took > most {
			t.Errorf("took %s, more than %s", took, most)
		}
		if calls > reads+lists || a.slow.top.Load() > store.Readers+1 {
			t.Errorf("%d calls, at most %d at once", calls, a.slow.top.Load())
		}
	})
}

// A rebuild that does not read every page of the list, or that is stopped, or that S3 does not answer,
// never marks the index as complete, and leaves no reader behind.
func TestRebuildThatIsCutOff(t *testing.T) {
	gone := errors.New("connection reset")
	for name, c := range map[string]struct {
		after  int64 // calls
		strike error
		cancel bool
	}{
		"the list":                 {after: 0, strike: gone},
		"the documents":            {after: 40, strike: gone},
		"the archive":              {after: 250, strike: gone},
		"stopped at once":          {after: 1, cancel: true},
		"stopped among documents":  {after: 50, cancel: true},
		"stopped near its end":     {after: 296, cancel: true},
		"stopped with its readers": {after: 20, cancel: true, strike: gone},
	} {
		t.Run(name, func(t *testing.T) {
			withArchive(t, func(a *archive) {
				a.fill(200)
				ctx, stop := context.WithCancel(a.t.Context())
				defer stop()
				a.slow.calls.Store(0)
				a.slow.strike = func(call int64) error {
					if call <= c.after {
						return nil
					}
					if c.cancel {
						stop()
					}
					return c.strike
				}
				err := worker.Reindex(ctx, a.store, a.index)
				a.slow.strike = nil
				if page := a.page(); err == nil || !page.Rebuilding || a.slow.now.Load() != 0 {
					t.Errorf("%v, rebuilding %v, %d calls under way", err, page.Rebuilding, a.slow.now.Load())
				}
				time.Sleep(time.Second)
				if err := worker.Reindex(a.t.Context(), a.store, a.index); err != nil || a.page().Rebuilding || a.rows() != 201 {
					t.Errorf("the next rebuild: %v, %d rows", err, a.rows())
				}
			})
		})
	}
}

// withUnreadCopies opens a request and adds copies of it, each with a pull request of its own, that
// no worker has read. The only worker is idle.
func withUnreadCopies(t *testing.T, story func(w *harness, p *process, copies int)) {
	t.Helper()
	withHarness(t, setup{}, func(w *harness) {
		w.open(reqA)
		w.settled(reqA)
		w.pass(10 * time.Minute)
		w.settled(reqA)
		w.pause()
		w.silent()
		p, n := w.idleWorker(), *manyDocuments
		key, err := store.RequestKey(reqA)
		w.must(err)
		doc, ok := w.bucket.Read(bucket.Requests, key)
		number := []byte(fmt.Sprintf(`"number":%d,`, w.request(reqA).PR.Number))
		if !ok || bytes.Count(doc, number) != 1 {
			t.Fatalf("no number of a pull request in %s", doc)
		}
		for i := range n {
			other := manyID(i)
			key, err := store.RequestKey(other)
			w.must(err)
			data := bytes.ReplaceAll(doc, []byte(reqA), []byte(other))
			data = bytes.Replace(data, number, []byte(fmt.Sprintf(`"number":%d,`, 1000+i)), 1)
			w.must(w.bucket.Write(bucket.Requests, key, data))
		}
		story(w, p, n)
	})
}

// withCopies also lets the idle worker read the copies.
func withCopies(t *testing.T, story func(w *harness, p *process, copies int)) {
	t.Helper()
	withUnreadCopies(t, func(w *harness, p *process, copies int) {
		w.must(p.Sweep(context.Background()))
		story(w, p, copies)
	})
}

// The first sweep of a worker reads all documents, as many at once as there are readers. A damaged
// one does not block the others.
func TestFirstSweepOfManyDocuments(t *testing.T) {
	withUnreadCopies(t, func(w *harness, p *process, copies int) {
		key, err := store.RequestKey(manyID(0))
		w.must(err)
		w.must(w.bucket.Write(bucket.Requests, key, []byte("no document")))
		w.gate.s3Takes.Store(int64(slowS3))
		began := time.Now()
		_, calls, _ := w.spent(func() { w.must(p.Sweep(context.Background())) })
		took := time.Since(began)
		t.Logf("%d documents: %s, %d S3 calls", copies+1, took, calls)
		if most := time.Duration(copies/store.Readers+copies/1000+20) * slowS3; took > most {
			t.Errorf("took %s, more than %s", took, most)
		}
		w.gate.s3Takes.Store(0)
		_, calls, names := w.spent(func() { w.must(p.Sweep(context.Background())) })
		if most := copies/1000 + 3; calls > most { // the damaged one is read again
			t.Errorf("the next sweep made %d S3 calls, more than %d:\n%.2000s", calls, most, names)
		}
	})
}

// A sweep ends with an error when S3 returns none of the documents, long before it has tried them
// all. The next one reads them.
func TestFirstSweepWithoutAnswers(t *testing.T) {
	withUnreadCopies(t, func(w *harness, p *process, copies int) {
		for n := range 4 * copies {
			w.gate.once(fault{"s3 GET requests", n + 1, errorBefore})
		}
		_, calls, _ := w.spent(func() {
			if err := p.Sweep(context.Background()); err == nil {
				t.Error("the sweep succeeded")
			}
		})
		t.Logf("%d S3 calls", calls)
		if calls > copies/2 {
			t.Errorf("%d S3 calls for %d documents", calls, copies)
		}
		w.gate.heal()
		_, calls, _ = w.spent(func() { w.must(p.Sweep(context.Background())) })
		if calls < copies {
			t.Errorf("the next sweep made %d S3 calls for %d documents", calls, copies)
		}
	})
}

// A sweep in which nothing changed only lists: one call for each thousand requests.
func TestSweepOfManyDocuments(t *testing.T) {
	withCopies(t, func(w *harness, p *process, copies int) {
		for range 3 {
			w.pass(time.Minute)
			_, calls, names := w.spent(func() { w.must(p.Sweep(context.Background())) })
			t.Logf("%d documents: %d S3 calls", copies+1, calls)
			if most := copies/1000 + 2; calls > most || strings.Contains(names, "requests/") {
				t.Errorf("%d S3 calls, more than %d:\n%.2000s", calls, most, names)
			}
		}
	})
}

// A sync reads a request from S3 only when GitHub has news about it, however many there are.
func TestSyncOfManyDocuments(t *testing.T) {
	withCopies(t, func(w *harness, p *process, copies int) {
		repo := github.Repo{Owner: "acme", Name: "infra-core"}
		count := func(when string, most int) {
			t.Helper()
			w.pass(time.Minute)
			began := time.Now()
			_, calls, names := w.spent(func() { w.must(p.Sync(context.Background(), repo)) })
			t.Logf("%d documents, %s: %d S3 calls in %s", copies+1, when, calls, time.Since(began))
			if calls > most {
				t.Errorf("%s: %d S3 calls, more than %d:\n%.2000s", when, calls, most, names)
			}
		}
		count("the first", 0)
		count("no news", 0)
		w.comment("look")
		count("a comment", 0)
		w.review("omar", "APPROVE")
		count("an approval", 12) // of the document and of the people who may approve
		if !w.request(reqA).Approval.Approved {
			t.Error("the review was not seen")
		}
		count("no more news", 0)
	})
}
