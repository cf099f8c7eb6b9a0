package store

import (
	"errors"
	"testing"
)

// The app's own credentials read and write a person's choices; who made none gets everything.
func TestPreferences(t *testing.T) {
	s := openAs(t, newBucket(t), "app")
	for _, quiet := range []bool{false, true, false} {
		if quiet {
			if err := s.PutPreferences(t.Context(), "T0ACME0001", "U0DANA0001", Preferences{Quiet: true}); err != nil {
				t.Fatal(err)
			}
		}
		user := map[bool]string{true: "U0DANA0001", false: "U0OTHER001"}[quiet]
		if p, err := s.Preferences(t.Context(), "T0ACME0001", user); err != nil || p.Quiet != quiet {
			t.Errorf("%s: %+v, %v", user, p, err)
		}
	}
	if _, err := PreferencesKey("T0ACME0001", "../U0DANA0001"); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
}
