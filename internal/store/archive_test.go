package store

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
)

func TestArchive(t *testing.T) {
	s := openAs(t, newBucket(t), "app")
	doc := mustCreate(t, s, testID)
	archived, err := s.Archive(t.Context(), doc)
	if err != nil || !archived.Archived {
		t.Fatalf("archive: %v, archived %v", err, archived.Archived)
	}
	got, err := s.Get(t.Context(), testID)
	if err != nil || !got.Archived || got.ETag != archived.ETag || got.Request.ArchivedAt == nil ||
		doc.Request.ArchivedAt != nil {
		t.Errorf("get after archiving: %v, %v, archived at %v, before at %v", err, got.Archived, got.Request.ArchivedAt,
			doc.Request.ArchivedAt)
	}
	if _, err := s.Update(t.Context(), testID, worker, message("1.1")); !errors.Is(err, ErrArchived) {
		t.Errorf("change of an archived document: %v", err)
	}
	if _, err := s.Patch(t.Context(), doc, worker, message("1.1")); !errors.Is(err, ErrArchived) {
		t.Errorf("change with the document from before: %v", err)
	}
	if _, err := s.Archive(t.Context(), doc); err != nil {
		t.Errorf("archiving again: %v", err)
	}
	for e, err := range s.List(t.Context()) {
		t.Errorf("still listed: %v %v", e, err)
	}
	n := 0
	for range s.ListArchived(t.Context()) {
		n++
	}
	if n != 1 {
		t.Errorf("%d documents in history", n)
	}
}

// TestArchivedEarlier: what was archived before documents reported it is archived since its last change.
func TestArchivedEarlier(t *testing.T) {
	s := openAs(t, newBucket(t), "app")
	r := lifecycle.Request{Schema: lifecycle.Schema, ID: testID, UpdatedAt: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	if _, err := s.putHistory(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	got, err := s.Get(t.Context(), testID)
	if err != nil || got.Request.ArchivedAt == nil || !got.Request.ArchivedAt.Equal(r.UpdatedAt) {
		t.Errorf("%v, archived at %v", err, got.Request.ArchivedAt)
	}
}

// A submit that comes again after its request was archived makes no second one.
func TestCreateAfterArchive(t *testing.T) {
	srv := newBucket(t)
	s := openAs(t, srv, "app")
	doc := mustCreate(t, s, testID)
	if _, err := s.Archive(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
	got, err := s.Create(t.Context(), doc.Request)
	if !errors.Is(err, ErrExists) || !got.Archived || got.Request.ID != testID {
		t.Errorf("create again: %v, archived %v", err, got.Archived)
	}
	for e := range s.List(t.Context()) {
		t.Errorf("a second document lives: %v", e)
	}
	inject(t, srv, s3.Fault{Kind: s3.FaultDenied, Verb: "GetObject", KeyPrefix: PrefixHistory})
	if _, err := s.Create(t.Context(), doc.Request); err == nil {
		t.Error("created without knowing whether the id is taken")
	}
}

// A crash is a call that failed for good: archiving is then begun again with what
// is stored.
func TestArchiveCrashPoints(t *testing.T) {
	points := map[string]s3.Fault{
		"before the copy": {Kind: s3.FaultDenied, Verb: "PutObject", Count: 1},
		"after the copy":  {Kind: s3.FaultDenied, Verb: "DeleteObject", Count: 1},
	}
	for name, f := range points {
		t.Run(name, func(t *testing.T) {
			srv := newBucket(t)
			s := openAs(t, srv, "app")
			doc := mustCreate(t, s, testID)
			inject(t, srv, f)
			if _, err := s.Archive(t.Context(), doc); err == nil {
				t.Fatal("the fault did not strike")
			}
			got, err := s.Get(t.Context(), testID)
			if err != nil || got.Archived {
				t.Fatalf("after the crash: %v, archived %v", err, got.Archived)
			}
			// someone changes it before archiving is repeated: the copy is out of date
			got, err = s.Patch(t.Context(), got, worker, message("1.1"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Archive(t.Context(), doc); !errors.Is(err, ErrConflict) {
				t.Fatalf("archiving the version of before: %v", err)
			}
			if _, err := s.Archive(t.Context(), got); err != nil {
				t.Fatal(err)
			}
			last, err := s.Get(t.Context(), testID)
			if err != nil || !last.Archived || len(last.Request.Slack.Messages) != 1 {
				t.Errorf("history lacks the last change: %v, archived %v, %d messages", err, last.Archived,
					len(last.Request.Slack.Messages))
			}
		})
	}
}

func TestArchiveSurvivesLostAnswers(t *testing.T) {
	for _, verb := range []string{"PutObject", "DeleteObject"} {
		t.Run(verb, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := newBucket(t)
				s := openAs(t, srv, "app")
				doc := mustCreate(t, s, testID)
				inject(t, srv, s3.Fault{Kind: s3.FaultLost, Verb: verb, Count: 2})
				if _, err := s.Archive(t.Context(), doc); err != nil {
					t.Fatal(err)
				}
				got, err := s.Get(t.Context(), testID)
				if err != nil || !got.Archived {
					t.Errorf("%v, archived %v", err, got.Archived)
				}
			})
		})
	}
}

// The archived bytes are the document's own, nonce and version included, and when it was archived.
func TestArchiveIsACopy(t *testing.T) {
	s := openAs(t, newBucket(t), "app")
	doc := mustCreate(t, s, testID)
	key, _ := RequestKey(testID)
	before, err := s.get(t.Context(), key, maxDocument)
	if err != nil {
		t.Fatal(err)
	}
	archived, err := s.Archive(t.Context(), doc)
	if err != nil {
		t.Fatal(err)
	}
	key, _ = HistoryKey(testID)
	after, err := s.get(t.Context(), key, maxDocument)
	at := `,"archivedAt":"` + archived.Request.ArchivedAt.Format(time.RFC3339Nano) + `"`
	if err != nil || !bytes.Equal(before.data, bytes.Replace(after.data, []byte(at), nil, 1)) {
		t.Errorf("%v\n%s\n%s", err, before.data, after.data)
	}
}
