package store

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
)

// oneCopy is a cache of one document.
type oneCopy struct {
	id, etag string
	data     []byte
}

func (m *oneCopy) Put(_ context.Context, id, etag string, data []byte) {
	m.id, m.etag, m.data = id, etag, data
}

func (m *oneCopy) Get(_ context.Context, id string) (string, []byte, bool) {
	return m.etag, m.data, m.id == id
}

// What is created and changed is in the cache as it is in the bucket, and what an outdated
// copy leads to is written over the newest document, not over the copy.
func TestCachedDocuments(t *testing.T) {
	bucket := newBucket(t)
	s, other := openAs(t, bucket, "app"), openAs(t, bucket, "app")
	s.cache = &oneCopy{}
	if _, ok := s.Cached(t.Context(), testID); ok {
		t.Error("a document that was not written")
	}
	doc, err := s.Create(t.Context(), newRequest(testID))
	if err != nil {
		t.Fatal(err)
	}
	same := func() Doc {
		t.Helper()
		stored, err := s.Get(t.Context(), testID)
		cached, ok := s.Cached(t.Context(), testID)
		outdated := cached
		if cached.Copy = false; err != nil || !ok || fmt.Sprintf("%+v", cached) != fmt.Sprintf("%+v", stored) {
			t.Errorf("cached %+v %v, stored %+v %v", cached, ok, stored, err)
		}
		return outdated
	}
	same()
	note := func(text string) lifecycle.Patch {
		return lifecycle.Noted("task_refused", text, lifecycle.System("worker"), testTime)
	}
	if _, err = s.Patch(t.Context(), doc, lifecycle.System("worker"), note("one")); err != nil {
		t.Fatal(err)
	}
	outdated := same()
	if _, err := other.Update(t.Context(), testID, lifecycle.System("worker"), note("two")); err != nil {
		t.Fatal(err)
	}
	after, err := s.Patch(t.Context(), outdated, lifecycle.System("worker"), note("three"))
	if err != nil || after.Request.Version != outdated.Request.Version+2 || len(after.Request.Audit.Pending) != 4 {
		t.Errorf("%+v, %v", after.Request, err)
	}
	same()
}

// A copy of another request, or one that this version cannot read, is none.
func TestCachedDocumentsAreChecked(t *testing.T) {
	s := openAs(t, newBucket(t), "app")
	for name, m := range map[string]*oneCopy{
		"another request": {testID, `"e"`, []byte(`{"schema":1,"id":"req_zzzzzzzzzzzzz"}`)},
		"a newer schema":  {testID, `"e"`, fmt.Appendf(nil, `{"schema":%d,"id":%q}`, lifecycle.Schema+1, testID)},
		"no document":     {testID, `"e"`, []byte(`[]`)},
		"no ETag":         {testID, "", fmt.Appendf(nil, `{"schema":%d,"id":%q}`, lifecycle.Schema, testID)},
	} {
		s.cache = m
		if doc, ok := s.Cached(t.Context(), testID); ok {
			t.Errorf("%s: %+v", name, doc)
		}
	}
}

// reads counts the calls that read a document or a copy of it from the bucket.
func reads(bucket *s3.Server) (n int) {
	for _, c := range bucket.Counts() {
		if c.Verb == "GetObject" {
			n += c.Calls
		}
	}
	return n
}

// A copy is enough to write a change, and proves neither that a change is in the document nor that it is
// refused: for that the document itself is read, and then is the copy.
func TestPatchOfACopy(t *testing.T) {
	bucket := newBucket(t)
	s, other := openAs(t, bucket, "app"), openAs(t, bucket, "app")
	s.cache = &oneCopy{}
	mustCreate(t, s, testID)
	titled := func(title string) lifecycle.Patch {
		return func(r lifecycle.Request) (lifecycle.Request, error) {
			if r.Title == "final" {
				return r, errFinal
			}
			r.Title = title
			return r, nil
		}
	}
	patch := func(title, want string, most int) error {
		t.Helper()
		from := reads(bucket)
		copied, _ := s.Cached(t.Context(), testID)
		doc, err := s.Patch(t.Context(), copied, lifecycle.System("worker"), titled(title))
		if n := reads(bucket) - from; doc.Request.Title != want || n > most || doc.Copy {
			t.Errorf("%q: %q after %d reads, copy %v", title, doc.Request.Title, n, doc.Copy)
		}
		return err
	}
	elsewhere := func(title string) {
		t.Helper()
		if _, err := other.Update(t.Context(), testID, lifecycle.System("worker"), titled(title)); err != nil {
			t.Fatal(err)
		}
	}
	if err := patch("one", "one", 0); err != nil {
		t.Error(err)
	}
	elsewhere("two")
	if err := patch("one", "one", 1); err != nil { // as the copy is already
		t.Error(err)
	}
	elsewhere("two")
	if err := patch("three", "three", 1); err != nil {
		t.Error(err)
	}
	elsewhere("final")
	if err := patch("three", "final", 1); !errors.Is(err, errFinal) {
		t.Errorf("refused by the document: %v", err)
	}
	if copied, _ := s.Cached(t.Context(), testID); copied.Request.Title != "final" {
		t.Errorf("the copy is still %q", copied.Request.Title)
	}
}

var errFinal = errors.New("final")

// The one who lost a race takes the winner's document from the cache.
func TestLostRaceCostsNoRead(t *testing.T) {
	bucket := newBucket(t)
	s, other := openAs(t, bucket, "app"), openAs(t, bucket, "app")
	s.cache = &oneCopy{}
	other.cache = s.cache
	doc := mustCreate(t, s, testID)
	note := func(text string) lifecycle.Patch {
		return lifecycle.Noted("task_refused", text, lifecycle.System("worker"), testTime)
	}
	if _, err := other.Patch(t.Context(), doc, lifecycle.System("worker"), note("first")); err != nil {
		t.Fatal(err)
	}
	from := reads(bucket)
	doc, err := s.Patch(t.Context(), doc, lifecycle.System("worker"), note("second"))
	if err != nil || doc.Request.Version != 3 || reads(bucket) != from {
		t.Errorf("version %d after %d reads: %v", doc.Request.Version, reads(bucket)-from, err)
	}
}

// An archived document never changes, so its copy is as good as itself.
func TestCopyOfAnArchivedDocument(t *testing.T) {
	s := openAs(t, newBucket(t), "app")
	s.cache = &oneCopy{}
	stored, err := s.Archive(t.Context(), mustCreate(t, s, testID))
	if err != nil {
		t.Fatal(err)
	}
	doc, ok := s.Cached(t.Context(), testID)
	if !ok || !doc.Archived || doc.Copy || doc.ETag != stored.ETag {
		t.Errorf("%v %+v", ok, doc)
	}
}
