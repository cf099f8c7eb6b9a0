package github

import (
	"cmp"
	"crypto/rsa"
	"log/slog"
	"net/http"
	"time"

	"github.com/tfpilot/tfpilot/internal/sim/actions"
)

// Config configures a Server.
type Config struct {
	BaseURL string // address for people and git, for example http://127.0.0.1:4001
	DataDir string // empty: in memory, without files and processes

	App   App
	Users []User
	Repos []Repo
	// Assets maps "owner/repo/tag/name" to a file that is served as a release asset.
	Assets map[string]string

	Runner  actions.Runner // nil: runs stay queued
	MaxJobs int            // runs at the same time; 0: 2
	// QueueDelay is how long a run waits for a runner.
	QueueDelay time.Duration
	// ListLag is how long lists omit a new run, as on GitHub.
	ListLag time.Duration
	// OldServer answers like GitHub Enterprise Server 3.19 and older, which does not know
	// return_run_details and accepts ten inputs.
	OldServer bool
	// EnterpriseVersion is the version of GitHub Enterprise Server; empty: github.com. An old server
	// has version 3.19.0 by default.
	EnterpriseVersion string

	WebhookURL    string
	WebhookSecret string
	WebhookEvents []string          // empty: the three that TfPilot subscribes to
	Transport     http.RoundTripper // for webhooks; nil: the default one

	Limits Limits
	Log    *slog.Logger // nil: discards
}

// App is the one GitHub App.
type App struct {
	ID             int64
	Slug, Name     string
	BotID          int64 // user id of "<slug>[bot]"
	InstallationID int64
	Owner          string // account with the installation
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

// Repo is a repository with its initial content.
type Repo struct {
	Owner, Name string
	Files       map[string][]byte
	Vars        map[string]string // initial variables
	Roles       map[string]string // login to admin, write or read; everyone else can read
	// RequiredReviews protects the default branch if it is above zero.
	RequiredReviews int
	// Outside means that the App is not installed here.
	Outside bool
}

// Limits are GitHub's limits. Zero is the documented value, below zero is no limit.
type Limits struct {
	PerHour        int // requests of one principal: 5000
	PointsPerMin   int // 900; a read costs 1 and a write 5
	ContentPerMin  int // requests that create content: 80
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
