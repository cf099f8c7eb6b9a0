package github

import (
	"cmp"
	"crypto/rsa"
	"log/slog"
	"net/http"
	"time"

	"github.com/tfpilot/tfpilot/internal/sandbox/actions"
)

// Config is everything the simulator is told at its start.
type Config struct {
	BaseURL string // address people and git see, for example http://127.0.0.1:4001
	DataDir string // empty: everything in memory, no file and no process

	App   App
	Users []User
	Repos []Repo
	// Assets maps "owner/repo/tag/name" to a file served as a release asset.
	Assets map[string]string

	Runner  actions.Runner // nil: runs stay queued
	MaxJobs int            // runs at the same time; 0 is 2
	// QueueDelay is how long a run waits for a machine.
	QueueDelay time.Duration
	// ListLag is how long a new run stays out of lists, as on GitHub.
	ListLag time.Duration
	// OldServer answers like GitHub Enterprise Server 3.19 and before, which do
	// not know return_run_details and take ten inputs.
	OldServer bool
	// EnterpriseVersion is that of GitHub Enterprise Server; empty: github.com. An old
	// server is 3.19.0 unless this says otherwise.
	EnterpriseVersion string

	WebhookURL    string
	WebhookSecret string
	WebhookEvents []string          // empty: the three TfPilot subscribes to
	Transport     http.RoundTripper // for webhooks; nil is the default one

	Limits Limits
	Log    *slog.Logger // nil: discards
}

// App is the one GitHub App of the simulated world.
type App struct {
	ID             int64
	Slug, Name     string
	BotID          int64 // user id of "<slug>[bot]"
	InstallationID int64
	Owner          string // account it is installed on
	PublicKey      *rsa.PublicKey
	Permissions    map[string]string // nil: contents, pull_requests, actions write, metadata read
}

// User is a person with a personal access token.
type User struct {
	Login string
	ID    int64
	Name  string
	Token string // ghp_…
}

// Repo is a repository and its first content.
type Repo struct {
	Owner, Name string
	Files       map[string][]byte
	Vars        map[string]string // its variables at first
	Roles       map[string]string // login to admin, write or read; others may read
	// RequiredReviews protects the default branch when above zero.
	RequiredReviews int
	// Outside is where the App is not installed.
	Outside bool
}

// Limits are GitHub's; zero is the documented value, below zero is none.
type Limits struct {
	PerHour        int // requests of one principal: 5000
	PointsPerMin   int // 900, reading costs 1 and writing 5
	ContentPerMin  int // requests that make content: 80
	ContentPerHour int // 500
	Concurrent     int // 100
}

func (l Limits) withDefaults() Limits {
	for v, def := range map[*int]int{
		&l.PerHour: 5000, &l.PointsPerMin: 900, &l.ContentPerMin: 80, &l.ContentPerHour: 500, &l.Concurrent: 100,
	} {
		if *v == 0 {
			*v = def
		}
	}
	return l
}

func (c Config) withDefaults() Config {
	if c.MaxJobs <= 0 {
		c.MaxJobs = 2
	}
	if c.OldServer {
		c.EnterpriseVersion = cmp.Or(c.EnterpriseVersion, "3.19.0")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.App.Permissions == nil {
		c.App.Permissions = map[string]string{
			"contents": "write", "pull_requests": "write", "actions": "write", "metadata": "read",
		}
	}
	if len(c.WebhookEvents) == 0 {
		c.WebhookEvents = []string{"workflow_run", "pull_request", "pull_request_review"}
	}
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	c.Limits = c.Limits.withDefaults()
	return c
}
