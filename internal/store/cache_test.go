package store

import (
	"context"
	"fmt"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
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
		if err != nil || !ok || fmt.Sprintf("%+v", cached) != fmt.Sprintf("%+v", stored) {
			t.Errorf("cached %+v %v, stored %+v %v", cached, ok, stored, err)
		}
		return cached
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
