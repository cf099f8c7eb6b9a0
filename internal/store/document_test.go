package store

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
)

func TestRoundTripKeepsUnknownFields(t *testing.T) {
	s := openAs(t, newBucket(t), "app")
	mustCreate(t, s, testID)
	key, _ := RequestKey(testID)
	o, err := s.get(t.Context(), key, maxDocument)
	if err != nil {
		t.Fatal(err)
	}
	foreign := strings.Replace(string(o.data), `"title"`, `"fromTheFuture":{"n":12345678901234567890},"title"`, 1)
	foreign = strings.Replace(foreign, `"config":{`, `"config":{"big":9007199254740993,`, 1)
	rawPut(t, s, key, []byte(foreign))
	if _, err := s.Update(t.Context(), testID, worker, message("1.1")); err != nil {
		t.Fatal(err)
	}
	o, err = s.get(t.Context(), key, maxDocument)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"fromTheFuture":{"n":12345678901234567890}`, `"big":9007199254740993`, `"ts":"1.1"`} {
		if !strings.Contains(string(o.data), want) {
			t.Errorf("document lost %s:\n%s", want, o.data)
		}
	}
}

func TestPatchReadsNothingAndWritesOnce(t *testing.T) {
	srv := newBucket(t)
	s := openAs(t, srv, "app")
	doc := mustCreate(t, s, testID)
	srv.ResetCounts()
	doc, err := s.Patch(t.Context(), doc, worker, message("1.1"))
	if err != nil {
		t.Fatal(err)
	}
	if gets, puts := calls(srv, "GetObject"), calls(srv, "PutObject"); gets != 0 || puts != 1 {
		t.Errorf("a patch of the document in hand: %d reads, %d writes", gets, puts)
	}
	srv.ResetCounts()
	same, err := s.Patch(t.Context(), doc, worker, message("1.1"))
	if err != nil || same.ETag != doc.ETag {
		t.Errorf("a patch that changes nothing: %v, ETag %s, want %s", err, same.ETag, doc.ETag)
	}
	if n := srv.Calls(""); n != 0 {
		t.Errorf("a patch that changes nothing made %d calls", n)
	}
}

func TestPatchRefusalReturnsTheNewestDocument(t *testing.T) {
	s := openAs(t, newBucket(t), "app")
	stale := mustCreate(t, s, testID)
	if _, err := s.Update(t.Context(), testID, worker, message("other")); err != nil {
		t.Fatal(err)
	}
	no := errors.New("no")
	doc, err := s.Patch(t.Context(), stale, worker, func(r lifecycle.Request) (lifecycle.Request, error) {
		if len(r.Slack.Messages) > 0 {
			return r, no
		}
		return message("mine")(r)
	})
	if !errors.Is(err, no) || doc.Request.Version != 2 {
		t.Errorf("got version %d, %v; want the newest document with the patch's error", doc.Request.Version, err)
	}
}

// Each call of the fifty writers takes some time, in which the others get ahead. The time is the
// test's own: how busy the machine is decides nothing.
func TestFiftyWritersLoseNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const writers, rounds = 50, 4
		srv := newBucket(t)
		doc := mustCreate(t, openAs(t, srv, "app"), testID)
		var wg sync.WaitGroup
		for w := range writers {
			s := openAs(t, takesTime{srv}, "app")
			wg.Go(func() {
				doc := doc
				for r := range rounds {
					var err error
					if doc, err = s.Patch(t.Context(), doc, worker, message(fmt.Sprintf("%d.%d", w, r))); err != nil {
						t.Errorf("writer %d round %d: %v", w, r, err)
						return
					}
				}
			})
		}
		wg.Wait()
		assertEveryChange(t, openAs(t, srv, "app"), writers*rounds)
		if puts := calls(srv, "PutObject"); puts < writers*rounds+writers {
			t.Errorf("%d writes: the writers did not meet", puts)
		}
	})
}

func assertEveryChange(t *testing.T, s *Store, changes int) {
	t.Helper()
	got, err := s.Get(t.Context(), testID)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got.Request.Slack.Messages); n != changes {
		t.Errorf("%d of %d changes survived", n, changes)
	}
	if got.Request.Version != int64(1+changes) {
		t.Errorf("version %d, want one per change: %d", got.Request.Version, 1+changes)
	}
}

// takesTime lets each call take a millisecond on its way there, and one back.
type takesTime struct{ h http.Handler }

func (s takesTime) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	time.Sleep(time.Millisecond)
	s.h.ServeHTTP(w, r)
	time.Sleep(time.Millisecond)
}

// onlyOnce refuses to be applied on top of itself, as a click on what was just
// clicked is refused: a writer must recognize its own write.
func onlyOnce(r lifecycle.Request) (lifecycle.Request, error) {
	if len(r.Slack.Messages) > 0 {
		return r, errors.New("someone did that already")
	}
	return message("1.1")(r)
}

// Each fault must leave exactly one change behind, reported as a success.
func TestPatchSurvivesFaults(t *testing.T) {
	faults := map[string][]s3.Fault{
		"lost answer": {{Kind: s3.FaultLost, Verb: "PutObject", Count: 1}},
		"lost twice":  {{Kind: s3.FaultLost, Verb: "PutObject", Count: 2}},
		"lost and read fails": {{Kind: s3.FaultLost, Verb: "PutObject", Count: 1},
			{Kind: s3.FaultInternal, Verb: "GetObject", Count: 7}},
		"conflict":    {{Kind: s3.FaultConflict, Verb: "PutObject", Count: 3}},
		"unavailable": {{Kind: s3.FaultUnavailable, Verb: "PutObject", Count: 2}},
		"slow down then lost": {{Kind: s3.FaultSlowDown, Verb: "PutObject", Count: 1},
			{Kind: s3.FaultLost, Verb: "PutObject", Count: 1}},
		"hang longer than timeout": {{Kind: s3.FaultHang, Verb: "PutObject", Count: 1}},
		"late":                     {{Kind: s3.FaultDelay, Delay: 9e9, Verb: "PutObject", Count: 1}},
	}
	for name, list := range faults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := newBucket(t)
				s := openAs(t, srv, "app")
				doc := mustCreate(t, s, testID)
				for _, f := range list {
					inject(t, srv, f)
				}
				doc, err := s.Patch(t.Context(), doc, worker, onlyOnce)
				if err != nil {
					t.Fatal(err)
				}
				stored, err := s.Get(t.Context(), testID)
				if err != nil || stored.Request.Version != 2 || stored.ETag != doc.ETag {
					t.Errorf("stored version %d ETag %s, returned ETag %s, %v", stored.Request.Version, stored.ETag, doc.ETag, err)
				}
			})
		})
	}
}

// A write that arrives after its writer gave up on it is still its own.
func TestLateArrivalOfAnEarlierTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newBucket(t)
		late := &lateWrites{next: srv}
		s := openAs(t, late, "app")
		doc := mustCreate(t, s, testID)
		late.hold = 1
		doc, err := s.Patch(t.Context(), doc, worker, onlyOnce)
		if err != nil {
			t.Fatal(err)
		}
		if doc.Request.Version != 2 || len(doc.Request.Slack.Messages) != 1 {
			t.Errorf("version %d with %d messages", doc.Request.Version, len(doc.Request.Slack.Messages))
		}
	})
}

func TestPatchStops(t *testing.T) {
	srv := newBucket(t)
	s := openAs(t, srv, "app")
	doc := mustCreate(t, s, testID)
	inject(t, srv, s3.Fault{Kind: s3.FaultDenied, Verb: "PutObject"})
	if _, err := s.Patch(t.Context(), doc, worker, message("1.1")); !errors.Is(err, ErrDenied) {
		t.Errorf("denied: %v", err)
	}
	if n := calls(srv, "PutObject"); n != 2 { // the creation and one try
		t.Errorf("a denied write was tried %d times", n-1)
	}
}

func TestCreate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newBucket(t)
		s := openAs(t, srv, "app")
		inject(t, srv, s3.Fault{Kind: s3.FaultLost, Verb: "PutObject", Count: 1})
		doc := mustCreate(t, s, testID)
		again, err := s.Create(t.Context(), newRequest(testID))
		if !errors.Is(err, ErrExists) || again.Request.WriteNonce != doc.Request.WriteNonce || again.ETag != doc.ETag {
			t.Errorf("second create: %v, nonce %s, want the stored one %s", err, again.Request.WriteNonce,
				doc.Request.WriteNonce)
		}
		inject(t, srv, s3.Fault{Kind: s3.FaultConflict, Verb: "PutObject", Count: 2})
		if _, err := s.Create(t.Context(), newRequest("req_conflict000")); err != nil {
			t.Errorf("create after 409: %v", err)
		}
	})
}

func TestGetRefusesWhatItCannotTrust(t *testing.T) {
	s := openAs(t, newBucket(t), "app")
	cases := map[string]struct {
		data string
		want error
	}{
		"a newer schema":    {`{"schema":2,"id":"` + testID + `"}`, ErrSchema},
		"another document":  {`{"schema":1,"id":"req_otherotherot"}`, nil},
		"not JSON":          {`<html>`, nil},
		"too large to read": {`{"id":"` + strings.Repeat("x", maxDocument) + `"}`, ErrTooLarge},
	}
	for name, tc := range cases {
		key, _ := RequestKey(testID)
		if err := s.overwrite(t.Context(), key, []byte(tc.data), 2*maxDocument); err != nil {
			t.Fatal(err)
		}
		_, err := s.Get(t.Context(), testID)
		if err == nil || tc.want != nil && !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
	if _, err := s.Get(t.Context(), "req_missing00000"); !errors.Is(err, ErrNotFound) {
		t.Errorf("missing: %v", err)
	}
	if _, err := s.Get(t.Context(), "../grants/x"); !errors.Is(err, ErrKey) {
		t.Errorf("path: %v", err)
	}
}

// Made in the test's own time, since a thousand documents take a busy machine longer than one call may.
func TestListPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openAs(t, newBucket(t), "app")
		const n = 1100
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() { mustCreate(t, s, fmt.Sprintf("req_%010d", i)) })
		}
		wg.Wait()
		rawPut(t, s, "requests/someone-elses.txt", []byte("x"))
		seen := map[string]bool{}
		for e, err := range s.List(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if e.ETag == "" || e.Modified.IsZero() {
				t.Fatalf("entry %+v lacks its ETag or time", e)
			}
			seen[e.ID] = true
		}
		if len(seen) != n {
			t.Errorf("listed %d of %d documents", len(seen), n)
		}
		for range s.ListArchived(t.Context()) {
			t.Error("something is archived")
		}
	})
}

func FuzzDecode(f *testing.F) {
	data, err := encodeRequest(newRequest(testID))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"schema":1,"id":"x","config":{"a":[1,{"b":1e400}]},"runs":{"plan":{"attempts":[null,{"x":1}]}},"wanted":null,"y":[]}`))
	f.Add([]byte(`{"schema":1}{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decodeRequest(data)
		if err != nil {
			return
		}
		once, err := encodeRequest(r)
		if err != nil {
			return // a time or number that JSON cannot carry
		}
		again, err := decodeRequest(once)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, once)
		}
		twice, err := encodeRequest(again)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("round trip changes the document: %v\n%s\n%s", err, once, twice)
		}
	})
}

func BenchmarkPatch(b *testing.B) {
	s := openAs(b, newBucket(b), "app")
	doc := mustCreate(b, s, testID)
	flip := func(r lifecycle.Request) (lifecycle.Request, error) {
		r.Reason = map[string]string{"": "x", "x": "y", "y": "x"}[r.Reason]
		return r, nil
	}
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if doc, err = s.Patch(b.Context(), doc, worker, flip); err != nil {
			b.Fatal(err)
		}
		doc.Request.Audit.Pending = nil // the worker flushes them
	}
}
