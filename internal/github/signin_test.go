package github

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	simulator "github.com/tfpilot/tfpilot/internal/sim/github"
)

// A token that GitHub revoked is dropped at once: the call succeeds with a new one.
func TestRevokedTokenIsDropped(t *testing.T) {
	w := newFixture(t)
	if _, err := w.Tip(t.Context(), core, "main"); err != nil {
		t.Fatal(err)
	}
	w.server.RevokeTokens()
	if _, err := w.Tip(t.Context(), core, "main"); err != nil {
		t.Errorf("after the token was revoked: %v", err)
	}
	w.server.RevokeTokens()
	if _, _, err := w.CommitFile(t.Context(), input(t, w)); err != nil {
		t.Errorf("a write after the token was revoked: %v", err)
	}
	if out := w.SignedOut(); out != nil {
		t.Errorf("signed out: %v", out)
	}
}

func input(t *testing.T, w *fixture) CommitInput {
	t.Helper()
	w.server.RevokeTokens()
	sha, err := w.Tip(t.Context(), core, "main")
	if err != nil {
		t.Fatal(err)
	}
	w.server.RevokeTokens()
	return CommitInput{Repo: core, BaseSHA: sha, Branch: testBranch, Path: testFile, Content: []byte("# one\n"),
		Message: "one", When: when}
}

// A clock that is off is named, in words, for the App's own calls and for the
// installation's.
func TestSkewedClock(t *testing.T) {
	for skew, words := range map[time.Duration]string{
		2 * time.Minute:   "clock of TfPilot's machine is about 2 minutes behind GitHub's",
		-2 * time.Minute:  "clock of TfPilot's machine is about 2 minutes ahead of GitHub's",
		-90 * time.Minute: "clock of TfPilot's machine is about 90 minutes ahead of GitHub's",
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newFixture(t)
			w.server.SetClock(skew)
			for name, call := range map[string]func() error{
				"installation": func() error { _, err := w.Tip(t.Context(), core, "main"); return err },
				"App":          func() error { _, err := w.Installation(t.Context()); return err },
			} {
				err := call()
				var out *SignIn
				if !errors.As(err, &out) || !strings.Contains(out.Why(), words) {
					t.Errorf("%s with GitHub's clock %v off: %v", name, skew, err)
				}
			}
			w.server.SetClock(0)
			time.Sleep(2 * time.Minute)
			if _, err := w.Tip(t.Context(), core, "main"); err != nil {
				t.Errorf("with the right clock: %v", err)
			}
		})
	}
}

// A clock that is off by a little is no outage, and is measured.
func TestSkewIsMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFixture(t)
		if _, ok := w.Skew(); ok {
			t.Error("measured before GitHub answered")
		}
		w.server.SetClock(20 * time.Second)
		if _, err := w.Tip(t.Context(), core, "main"); err != nil {
			t.Fatal(err)
		}
		if skew, ok := w.Skew(); !ok || skew > -18*time.Second || skew < -22*time.Second {
			t.Errorf("%v, %v", skew, ok)
		}
	})
}

// While GitHub does not let TfPilot in, it is asked at most once a minute, and every
// caller hears the same.
func TestSignedOutBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFixture(t)
		asked := 0
		c, err := New(Config{
			AppID: 77, InstallationID: 2, PrivateKey: pemKey(), APIURL: "http://github.test/api/v3",
			Transport: answers(func(r *http.Request) (*http.Response, error) {
				asked++
				return simulator.Transport(w.server.Handler()).RoundTrip(r)
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		w.server.Suspend(true)
		begun := time.Now()
		for time.Since(begun) < time.Hour {
			_, err := c.Tip(t.Context(), core, "main")
			var out *SignIn
			if !errors.As(err, &out) || !strings.Contains(out.Why(), "suspended") && !strings.Contains(out.Why(), "no access") {
				t.Fatal(err)
			}
			if wait := out.RetryAfter(); wait > lastSignIn {
				t.Fatalf("wait %v", wait)
			}
			time.Sleep(time.Second)
		}
		if asked > 70 {
			t.Errorf("asked %d times in an hour", asked)
		}
		if out := c.SignedOut(); out == nil || !out.Since.Equal(begun) {
			t.Errorf("signed out: %+v", out)
		}
		w.server.Suspend(false)
		time.Sleep(lastSignIn)
		if _, err := c.Tip(t.Context(), core, "main"); err != nil || c.SignedOut() != nil {
			t.Errorf("let in again: %v, %v", err, c.SignedOut())
		}
	})
}

// A permission that is missing closes nothing else.
func TestMissingPermission(t *testing.T) {
	w := newFixture(t)
	if _, err := w.Tip(t.Context(), core, "main"); err != nil {
		t.Fatal(err)
	}
	if err := w.server.AddFault(simulator.Fault{Kind: simulator.FaultStatus, Status: 403,
		Message: "Resource not accessible by integration", Method: "POST", Path: "/repos/**"}); err != nil {
		t.Fatal(err)
	}
	_, err := w.Dispatch(t.Context(), DispatchInput{Repo: core, Workflow: "plan.yml", Ref: "main"})
	var out *SignIn
	if !errors.As(err, &out) || !strings.Contains(out.Why(), "permission") {
		t.Errorf("%v", err)
	}
	if _, err := w.Tip(t.Context(), core, "main"); err != nil {
		t.Errorf("another call: %v", err)
	}
	if w.SignedOut() == nil {
		t.Error("the operator is not told")
	}
}
