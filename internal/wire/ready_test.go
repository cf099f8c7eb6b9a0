package wire_test

import (
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/testing/services"
	"github.com/tfpilot/tfpilot/internal/wire"
)

// A worker that GitHub does not let in, or whose clock is off, is not ready and says why.
func TestReadyNamesGitHub(t *testing.T) {
	w := services.New(t)
	cfg, err := config.Load(config.Worker, config.OS())
	if err != nil {
		t.Fatal(err)
	}
	p, err := wire.Open(t.Context(), cfg, wire.Credentials{}, wire.NewLog(0, false))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	githubClient, err := p.GitHub()
	if err != nil {
		t.Fatal(err)
	}
	failing := func() (names []string) {
		for _, c := range wire.SignedIn(githubClient) {
			if c.Run(t.Context()) != nil {
				names = append(names, c.Name)
			}
		}
		return names
	}
	if got := failing(); got != nil {
		t.Errorf("before any call: %v", got)
	}
	w.GitHub.SetClock(45 * time.Second)
	_, _ = githubClient.Self(t.Context())
	if got := failing(); len(got) != 1 || got[0] != "clock" {
		t.Errorf("with a clock that is off by a little: %v", got)
	}
	w.GitHub.SetClock(3 * time.Minute)
	_, err = githubClient.Installation(t.Context())
	if got := failing(); len(got) != 2 || err == nil {
		t.Errorf("with a clock that is off: %v, %v", got, err)
	}
}
