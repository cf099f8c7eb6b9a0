package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	tfpilot "github.com/tfpilot/tfpilot"
	"github.com/tfpilot/tfpilot/internal/bootstrap"
	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/sim/actions"
	"github.com/tfpilot/tfpilot/internal/sim/github"
	"github.com/tfpilot/tfpilot/internal/sim/openai"
	"github.com/tfpilot/tfpilot/internal/sim/slack"
	"github.com/tfpilot/tfpilot/internal/testing/bucket"
	"github.com/tfpilot/tfpilot/slackapp"
)

// ward is a desk with simulators of everything that the doctor asks.
type ward struct {
	*desk
	scopes string // of the bot token, as Slack names them with its answers
	slack  *slack.Server
	model  *openai.Server
	github *github.Server
	files  map[string][]byte // of the infra repository
}

func newWard(t *testing.T) *ward {
	t.Helper()
	w := &ward{desk: newDesk(t)}
	var names []string
	for _, s := range slackapp.Scopes() {
		names = append(names, s.Name)
	}
	w.scopes = strings.Join(names, ",")
	w.model = openai.New(openai.Config{Keys: []string{"sk-canary"}})
	w.set(map[string]string{
		"SLACK_BOT_TOKEN": "xoxb-canary", "SLACK_APP_TOKEN": "xapp-canary", "SLACK_API_URL": w.workspace() + "/api/",
		"GITHUB_APP_ID": "77", "GITHUB_APP_INSTALLATION_ID": "2", "GITHUB_WEBHOOK_SECRET": "canary-canary-canary",
		"OPENAI_API_KEY": "sk-canary", "OPENAI_BASE_URL": w.serve(w.model) + "/v1",
	})
	w.serveGitHub()
	w.evicts(map[string]string{"CONFIG": "noeviction"})
	return w
}

// evicts lets Redis name its maxmemory-policy by some commands, and refuse others.
func (w *ward) evicts(policies map[string]string) {
	w.redis.Server().SetPreHook(func(c *server.Peer, command string, _ ...string) bool {
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

func (w *ward) workspace() string {
	w.t.Helper()
	var err error
	w.slack, err = slack.New(slack.Config{
		Team: slack.Team{ID: "T0ACME0001", Name: "Acme", Domain: "acme"}, Users: []slack.User{{ID: "U0DANA0001", Name: "dana"}},
		Channels: []slack.Channel{{ID: "C0INFRADEV", Name: "infra-dev"}, {ID: "C0ARCHIVED", Name: "old", Archived: true}},
		Bot:      slack.Bot{UserID: "U0TFPILOT0", Name: "tfpilot"}, BotToken: "xoxb-canary", AppToken: "xapp-canary", Manifest: tfpilot.SlackManifest,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = w.slack.Close() })
	return w.serve(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		w.slack.Handler().ServeHTTP(answer, r)
		maps.Copy(rw.Header(), answer.Header())
		rw.Header().Del("X-OAuth-Scopes")
		if w.scopes != "" {
			rw.Header().Set("X-OAuth-Scopes", w.scopes)
		}
		rw.WriteHeader(answer.Code)
		_, _ = rw.Write(answer.Body.Bytes())
	}))
}

// serveGitHub starts GitHub with the infra repository as bootstrap writes it, unless edits make it
// another one.
func (w *ward) serveGitHub(edits ...func(*github.Config)) {
	w.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		w.t.Fatal(err)
	}
	s, _ := config.Parse([]byte(deskYAML), "f", config.Defaults{Region: "eu-central-1"})
	release := bootstrap.Release{Version: "0.1.0", Checksums: map[string]string{"tfpilot-ci_0.1.0_Linux_X64": strings.Repeat("ab", 32)}}
	files, err := bootstrap.Repository(s.Projects[0], config.Store{Bucket: bucket.Requests, Region: "eu-central-1"}, release, testRuns)
	if err != nil {
		w.t.Fatal(err)
	}
	bootstrap.AddLock(files, bootstrap.RenderLock(nil))
	w.files = files
	var handler http.Handler
	address := w.serve(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { handler.ServeHTTP(rw, r) }))
	cfg := github.Config{
		BaseURL: address, Users: []github.User{{Login: "dana", ID: 1001, Token: "ghp_dana"}},
		App:   github.App{ID: 77, Slug: "tfpilot", BotID: 9001, InstallationID: 2, Owner: "acme", PublicKey: &key.PublicKey},
		Repos: []github.Repo{{Owner: "acme", Name: "infra-core", Files: files}}, Runner: atWork{},
	}
	for _, edit := range edits {
		edit(&cfg)
	}
	server, err := github.New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	handler, w.github = server.Handler(), server
	w.t.Cleanup(func() { _ = server.Close(context.Background()) })
	w.set(map[string]string{
		"GITHUB_API_URL":         address + "/api/v3/",
		"GITHUB_APP_PRIVATE_KEY": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
	})
}

// atWork is a runner whose jobs end only with the test.
type atWork struct{}

func (atWork) Run(ctx context.Context, _ actions.Job) actions.Result {
	<-ctx.Done()
	return actions.Result{Conclusion: "cancelled"}
}

// examined runs the doctor and gives what fails, by what was checked.
func (w *ward) examined() (failures map[string]string, checks []string) {
	w.t.Helper()
	code, out, errs := call(w.t, "", "doctor", "--json")
	var got struct {
		Checks []struct {
			What, Error string
			OK          bool
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		w.t.Fatalf("%v\n%s%s", err, out, errs)
	}
	if strings.Contains(out+errs, "canary") {
		w.t.Errorf("a secret shows:\n%s%s", out, errs)
	}
	failures = map[string]string{}
	for _, c := range got.Checks {
		checks = append(checks, c.What)
		if !c.OK {
			failures[c.What] = c.Error
		}
	}
	if (code == cli.Done) != (len(failures) == 0) {
		w.t.Errorf("exit %d with %d failures", code, len(failures))
	}
	return failures, checks
}

// Every part is asked once, and none is changed by that.
func TestDoctorAsksEveryPart(t *testing.T) {
	w := newWard(t)
	failures, checks := w.examined()
	if len(failures) > 0 {
		t.Fatalf("%v", failures)
	}
	want := []string{
		"the module catalog can be read", "bucket " + bucket.Requests + " supports conditional writes", "Redis responds", "Redis does not evict tasks", "Slack accepts the bot token", "the bot token has the required scopes", "TfPilot can post to channel C0INFRADEV",
		"Slack accepts the app token (Socket Mode)", "the GitHub App has exactly the permissions that TfPilot needs", "the clock matches GitHub's",
		"the App has no webhook: TfPilot polls GitHub instead", "core: repository acme/infra-core matches tfpilot.yaml", "core: workflow files are up to date", "core: modules of the catalog are committed", "core dev/app: deployed, backend matches",
		"no state is locked", "the audit logs of the newest requests (at most 20) are complete", "the model returns valid structured output",
	}
	if !slices.Equal(checks, want) {
		t.Errorf("checked %q", checks)
	}
	if n := w.slack.Counts().Calls["apps.connections.open"]; n != 1 || w.model.Calls() != 1 {
		t.Errorf("%d sockets were opened and %d answers requested", n, w.model.Calls())
	}
	t.Setenv("OPENAI_API_KEY", "")
	w.scopes += ",users:read"
	_, checks = w.examined()
	if slices.Contains(checks, want[len(want)-1]) || !slices.Contains(checks, "the bot token has the required scopes; not needed: users:read") {
		t.Errorf("checked %q", checks)
	}
	w.evicts(nil)
	w.serveGitHub(func(c *github.Config) { c.EnterpriseVersion = "3.19.2" })
	_, checks = w.examined()
	if !slices.Contains(checks, "GitHub Enterprise Server 3.19.2 is supported") || !slices.ContainsFunc(checks, func(what string) bool {
		return strings.HasPrefix(what, "cannot tell whether Redis evicts tasks")
	}) {
		t.Errorf("checked %q", checks)
	}
	w.scopes = ""
	if failures, _ = w.examined(); len(failures) > 0 {
		t.Errorf("a Slack that names no scopes: %v", failures)
	}
}

// Each failure tells what to fix, and does not stop the other checks.
func TestDoctorSaysWhatToFix(t *testing.T) {
	const keeps = "Redis does not evict tasks"
	findsFaults(t, map[string]fault{
		"bot token": {func(w *ward) { w.t.Setenv("SLACK_BOT_TOKEN", "xoxb-other") }, "Slack accepts the bot token", []string{"invalid_auth", "SLACK_BOT_TOKEN"}},
		"app token": {func(w *ward) { w.t.Setenv("SLACK_APP_TOKEN", "xoxb-canary") }, "Slack accepts the app token (Socket Mode)", []string{"not_allowed_token_type", "SLACK_APP_TOKEN", "connections:write"}},
		"scopes": {func(w *ward) { w.scopes = "commands,chat:write,im:write,channels:history,groups:history" }, "the bot token has the required scopes",
			[]string{"im:history is missing", "the requester's card stays missing", "reinstall it"}},
		"permissions": {func(w *ward) {
			w.serveGitHub(func(c *github.Config) {
				c.App.Permissions = map[string]string{"contents": "read", "pull_requests": "write", "actions": "write", "metadata": "read", "issues": "write"}
			})
		}, "the GitHub App has exactly the permissions that TfPilot needs", []string{"contents should be write", "issues is granted but not needed"}},
		"installation": {func(w *ward) { w.t.Setenv("GITHUB_APP_INSTALLATION_ID", "3") }, "the GitHub App has exactly the permissions that TfPilot needs", []string{"that the App is installed"}},
		"suspended":    {func(w *ward) { w.github.Suspend(true) }, "the GitHub App has exactly the permissions that TfPilot needs", []string{"suspended"}},
		"clock":        {func(w *ward) { w.github.SetClock(45 * time.Second) }, "the clock matches GitHub's", []string{"seconds behind GitHub's", "synchronize"}},
		"model key":    {func(w *ward) { w.t.Setenv("OPENAI_API_KEY", "sk-other") }, "the model returns valid structured output", []string{"status 401", "OPENAI_API_KEY"}},
		"model":        {func(w *ward) { w.t.Setenv("OPENAI_MODEL", "none") }, "the model returns valid structured output", []string{"OPENAI_MODEL"}},
		"modules": {func(w *ward) {
			path := filepath.Join(w.t.TempDir(), "own.yaml")
			if err := writeFile(path, []byte(deskYAML+"catalog: {dir: /nonexistent}\n")); err != nil {
				w.t.Fatal(err)
			}
			w.t.Setenv("TFPILOT_CONFIG", path)
		}, "the module catalog can be read", []string{"/nonexistent", "catalog.dir"}},
		"environment": {func(w *ward) {
			path := filepath.Join(w.t.TempDir(), "own.yaml")
			if err := writeFile(path, []byte(strings.Replace(deskYAML, "slug: app", "slug: api", 1))); err != nil {
				w.t.Fatal(err)
			}
			w.t.Setenv("TFPILOT_CONFIG", path)
		}, "core dev/api: deployed, backend matches", []string{"run tfpilot bootstrap core"}},
		"channel": {func(w *ward) {
			path := filepath.Join(w.t.TempDir(), "own.yaml")
			if err := writeFile(path, []byte(strings.Replace(deskYAML, "C0INFRADEV", "C0ARCHIVED", 1))); err != nil {
				w.t.Fatal(err)
			}
			w.t.Setenv("TFPILOT_CONFIG", path)
		}, "TfPilot can post to channel C0ARCHIVED", []string{"core dev/app", "is_archived", "tfpilot.yaml"}},
		"bucket":       {func(w *ward) { w.t.Setenv("TFPILOT_REQUESTS_BUCKET", "nobodys") }, "bucket nobodys supports conditional writes", []string{"TFPILOT_REQUESTS_BUCKET", "manifests/iam/app.json"}},
		"Redis evicts": {func(w *ward) { w.evicts(map[string]string{"CONFIG": "allkeys-lru"}) }, keeps, []string{`"allkeys-lru"`, "set it to noeviction"}},
		"Redis evicts and refuses CONFIG": {func(w *ward) { w.evicts(map[string]string{"INFO": "volatile-ttl"}) }, keeps,
			[]string{`"volatile-ttl"`, "set it to noeviction"}},
		"old server": {func(w *ward) { w.serveGitHub(func(c *github.Config) { c.EnterpriseVersion = "3.16.4" }) }, "GitHub Enterprise Server 3.16.4 is supported",
			[]string{"3.17 or later", "upgrade"}},
		"Redis": {func(w *ward) { w.redis.Close() }, "Redis responds", []string{"REDIS_URL"}},
	})
}

// fault is one thing that is wrong, and what the doctor says about it.
type fault struct {
	breaks func(*ward)
	what   string
	says   []string
}

// related are the checks that some faults make fail as well.
var related = map[string][]string{
	"installation": {"core: repository acme/infra-core matches tfpilot.yaml", "core dev/app: deployed, backend matches"},
	"suspended":    {"core: repository acme/infra-core matches tfpilot.yaml", "core dev/app: deployed, backend matches"},
	"bucket":       {"core: workflow files are up to date"}, // which name the other bucket
}

// findsFaults breaks one thing at a time; only the check of it may fail.
func findsFaults(t *testing.T, faults map[string]fault) {
	t.Helper()
	for name, c := range faults {
		t.Run(name, func(t *testing.T) {
			w := newWard(t)
			c.breaks(w)
			failures, _ := w.examined()
			for _, word := range c.says {
				if !strings.Contains(failures[c.what], word) {
					t.Errorf("%s: %q does not say %q", c.what, failures[c.what], word)
				}
			}
			delete(failures, c.what)
			for _, what := range related[name] {
				delete(failures, what)
			}
			if len(failures) > 0 {
				t.Errorf("fails as well: %v", slices.Collect(maps.Values(failures)))
			}
		})
	}
}

func TestDoctorTellsRolesToScripts(t *testing.T) {
	w := newWard(t)
	code, out, errs := call(t, "", "doctor", "--roles", "--json")
	var got struct {
		Roles         []struct{ Login, Role string }
		EverybodyElse string
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != cli.Done {
		t.Fatalf("exit %d, %v\n%s%s", code, err, out, errs)
	}
	if len(got.Roles) != 2 || got.Roles[0].Login != "adam" || got.Roles[0].Role != "admin" || got.EverybodyElse != "developer" {
		t.Errorf("got %+v", got)
	}
	w.says(cli.Done, "everyone else", "doctor", "--roles")
}
