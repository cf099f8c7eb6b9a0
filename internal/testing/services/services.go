// Package services owns the services that TfPilot needs, as simulators on this machine, for the tests of the
// commands, the doctor and the wiring: bucket, Redis, Slack, GitHub and a model, with the environment variables
// that lead there. It is only for tests.
package services

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	tfpilot "github.com/tfpilot/tfpilot"
	"github.com/tfpilot/tfpilot/internal/bootstrap"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/sim/github"
	"github.com/tfpilot/tfpilot/internal/sim/openai"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
	"github.com/tfpilot/tfpilot/internal/sim/slack"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/testing/bucket"
	"github.com/tfpilot/tfpilot/internal/testing/inprocess"
	"github.com/tfpilot/tfpilot/slackapp"
)

// Services are the simulators. Of the people, dana (developer), vic (viewer) and adam (admin) are linked,
// zoe is not.
type Services struct {
	T      *testing.T
	Store  *store.Store
	Index  *queue.Index
	Redis  *miniredis.Miniredis
	Bucket *s3.Server

	// Of New only.
	Slack  *slack.Server
	Scopes string // of the bot token, as Slack names them with its answers
	Model  *openai.Server
	GitHub *github.Server
	Files  map[string][]byte // of the infra repository
}

// YAML is the tfpilot.yaml.
const YAML = `projects:
  - name: core
    owner: acme
    repo: infra-core
    environments:
      - {key: dev, slug: app, channel: C0INFRADEV, backend: {bucket: ` + bucket.States + `}}
`

// Runs are the roles that runs assume.
var Runs = bootstrap.Runs{PlanRole: "arn:aws:iam::111111111111:role/plan", ApplyRole: "arn:aws:iam::111111111111:role/apply"}

// NewStorage starts the bucket and Redis, which most commands need.
func NewStorage(t *testing.T) *Services {
	t.Helper()
	config := filepath.Join(t.TempDir(), "tfpilot.yaml")
	if err := os.WriteFile(config, []byte(YAML), 0o600); err != nil {
		t.Fatal(err)
	}
	d := &Services{T: t, Redis: miniredis.RunT(t), Bucket: bucket.New(t, "core")}
	address := d.Serve(d.Bucket)
	d.Set(map[string]string{
		"TFPILOT_CONFIG": config, "TFPILOT_REQUESTS_BUCKET": bucket.Requests, "AWS_REGION": bucket.Region, "AWS_ENDPOINT_URL_S3": address,
		"AWS_ACCESS_KEY_ID": bucket.App, "AWS_SECRET_ACCESS_KEY": bucket.Secret(bucket.App), "REDIS_URL": "redis://" + d.Redis.Addr(),
		"TFPILOT_ADMINS": "adam", "TFPILOT_VIEWERS": "vic",
	})
	d.Store = d.As(bucket.App)
	redis, err := queue.Open("redis://"+d.Redis.Addr(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = redis.Close() })
	d.Index = queue.NewIndex(redis)
	for login, id := range map[string]int64{"dana": 1001, "vic": 1005, "adam": 1004} {
		who := lifecycle.Identity{SlackTeam: "T0ACME0001", SlackUser: "U0" + strings.ToUpper(login), Login: login, GithubID: id}
		if err := d.Store.PutIdentity(t.Context(), who); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// New starts everything that the doctor asks.
func New(t *testing.T) *Services {
	t.Helper()
	w := NewStorage(t)
	var names []string
	for _, s := range slackapp.Scopes() {
		names = append(names, s.Name)
	}
	w.Scopes = strings.Join(names, ",")
	w.Model = openai.New(openai.Config{Keys: []string{"sk-canary"}})
	w.Set(map[string]string{
		"SLACK_BOT_TOKEN": "xoxb-canary", "SLACK_APP_TOKEN": "xapp-canary", "SLACK_API_URL": w.workspace() + "/api/",
		"GITHUB_APP_ID": "77", "GITHUB_APP_INSTALLATION_ID": "2", "GITHUB_WEBHOOK_SECRET": "canary-canary-canary",
		"OPENAI_API_KEY": "sk-canary", "OPENAI_BASE_URL": w.Serve(w.Model) + "/v1",
	})
	w.ServeGitHub()
	w.Evicts(map[string]string{"CONFIG": "noeviction"})
	return w
}

// Evicts lets Redis name its maxmemory-policy by some commands, and refuse others.
func (w *Services) Evicts(policies map[string]string) {
	w.Redis.Server().SetPreHook(func(c *server.Peer, command string, _ ...string) bool {
		policy := policies[command]
		switch {
		case command == "CONFIG" && policy != "":
			c.WriteStrings([]string{"maxmemory-policy", policy})
		case command == "INFO" && policy != "":
			c.WriteBulk("# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:" + policy + "\r\n")
		case command == "CONFIG" || command == "INFO":
			c.WriteError("NOPERM this user has no permissions to run the command")
		default:
			return false
		}
		return true
	})
}

func (w *Services) workspace() string {
	w.T.Helper()
	var err error
	w.Slack, err = slack.New(slack.Config{
		Team: slack.Team{ID: "T0ACME0001", Name: "Acme", Domain: "acme"}, Users: []slack.User{{ID: "U0DANA0001", Name: "dana"}},
		Channels: []slack.Channel{{ID: "C0INFRADEV", Name: "infra-dev"}, {ID: "C0ARCHIVED", Name: "old", Archived: true}},
		Bot:      slack.Bot{UserID: "U0TFPILOT0", Name: "tfpilot"}, BotToken: "xoxb-canary", AppToken: "xapp-canary", Manifest: tfpilot.SlackManifest,
	})
	if err != nil {
		w.T.Fatal(err)
	}
	w.T.Cleanup(func() { _ = w.Slack.Close() })
	return w.Serve(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		w.Slack.Handler().ServeHTTP(answer, r)
		maps.Copy(rw.Header(), answer.Header())
		rw.Header().Del("X-OAuth-Scopes")
		if w.Scopes != "" {
			rw.Header().Set("X-OAuth-Scopes", w.Scopes)
		}
		rw.WriteHeader(answer.Code)
		_, _ = rw.Write(answer.Body.Bytes())
	}))
}

// As opens the store as one of the identities.
func (d *Services) As(identity string) *store.Store {
	d.T.Helper()
	return bucket.Open(d.T, identity, inprocess.To(d.Bucket), nil)
}

// Serve gives a simulator an address of its own.
func (d *Services) Serve(h http.Handler) string {
	server := httptest.NewServer(h)
	d.T.Cleanup(server.Close)
	return server.URL
}

// Set sets environment variables until the end of the test.
func (d *Services) Set(env map[string]string) {
	for name, value := range env {
		d.T.Setenv(name, value)
	}
}
