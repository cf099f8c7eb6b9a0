package store

import (
	"errors"
	"testing"
)

func TestDraftKeys(t *testing.T) {
	for thread, ok := range map[string]bool{
		"D0DANA0001": true, "C0INFRADEV-1795390000.000100": true,
		"": false, "../x": false, "C0INFRADEV-": false, "C0INFRADEV-17953/0000.000100": false, "d0dana": false,
	} {
		if _, err := DraftKey("T0ACME0001", "U0DANA0001", thread); (err == nil) != ok {
			t.Errorf("%q: %v", thread, err)
		}
	}
	if _, err := DraftKey("T0ACME0001", "U0/../DANA", "D0DANA0001"); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
}

// TestDraftsAreNeverOverwritten holds that the second of two writers with the same state gets ErrConflict.
func TestDraftsAreNeverOverwritten(t *testing.T) {
	s := openAs(t, newBucket(t), "app")
	ctx := t.Context()
	if _, _, err := s.Draft(ctx, "T0ACME0001", "U0DANA0001", "D0DANA0001"); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	put := func(etag, data string) error {
		return s.PutDraft(ctx, "T0ACME0001", "U0DANA0001", "D0DANA0001", etag, []byte(data))
	}
	if err := put("", `{"n":1}`); err != nil {
		t.Fatal(err)
	}
	if err := put("", `{"n":2}`); !errors.Is(err, ErrConflict) {
		t.Errorf("created twice: %v", err)
	}
	if err := put("", `{"n":1}`); err != nil {
		t.Errorf("its own bytes: %v", err)
	}
	_, etag, err := s.Draft(ctx, "T0ACME0001", "U0DANA0001", "D0DANA0001")
	if err != nil {
		t.Fatal(err)
	}
	if err := put(etag, `{"n":3}`); err != nil {
		t.Fatal(err)
	}
	if err := put(etag, `{"n":4}`); !errors.Is(err, ErrConflict) {
		t.Errorf("replaced twice: %v", err)
	}
	if data, _, err := s.Draft(ctx, "T0ACME0001", "U0DANA0001", "D0DANA0001"); err != nil || string(data) != `{"n":3}` {
		t.Errorf("%s %v", data, err)
	}
	if err := s.PutDraft(ctx, "T0ACME0001", "U0DANA0001", "D0OTHER", "", make([]byte, MaxDraft+1)); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
}
