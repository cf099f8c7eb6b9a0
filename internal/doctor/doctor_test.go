package doctor_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/doctor"
	"github.com/tfpilot/tfpilot/internal/release"
	"github.com/tfpilot/tfpilot/internal/sim/github"
	"github.com/tfpilot/tfpilot/internal/testing/bucket"
	"github.com/tfpilot/tfpilot/internal/testing/services"
)

// ward is the services that the doctor asks.
type ward struct {
	*services.Services
	version string // of this TfPilot
}

func newWard(t *testing.T) *ward {
	t.Helper()
	return &ward{Services: services.New(t), version: release.Dev}
}

// configure replaces tfpilot.yaml.
func (w *ward) configure(yaml string) {
	w.T.Helper()
	path := filepath.Join(w.T.TempDir(), "own.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		w.T.Fatal(err)
	}
	w.T.Setenv("TFPILOT_CONFIG", path)
}

// examined runs the doctor and gives what fails, by what was checked.
func (w *ward) examined() (failures map[string]string, checks []string) {
	w.T.Helper()
	cfg, err := config.Load(config.Doctor, config.OS())
	if err != nil {
		w.T.Fatal(err)
	}
	findings, err := doctor.Run(w.T.Context(), cfg, w.version)
	if err != nil {
		w.T.Fatal(err)
	}
	failures = map[string]string{}
	for _, f := range findings {
		checks = append(checks, f.What)
		if f.Failed() {
			failures[f.What] = f.Err.Error()
		}
		if strings.Contains(f.What+failures[f.What], "canary") {
			w.T.Errorf("a secret shows: %+v", f)
		}
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
		"the module catalog can be read", "bucket " + bucket.Requests + " supports conditional writes", "Redis responds",
		"Redis does not evict tasks", "Slack accepts the bot token", "the bot token has the required scopes",
		"TfPilot can post to channel C0INFRADEV",
		"Slack accepts the app token (Socket Mode)", "the GitHub App has exactly the permissions that TfPilot needs",
		"the clock matches GitHub's",
		"the App has no webhook: TfPilot polls GitHub instead", "core: repository acme/infra-core matches tfpilot.yaml",
		"core: workflow files are up to date", "core: modules of the catalog are committed",
		"core dev/app: deployed, backend matches",
		"no state is locked", "the audit logs of the newest requests (at most 20) are complete",
		"the model returns valid structured output",
	}
	if !slices.Equal(checks, want) {
		t.Errorf("checked %q", checks)
	}
	if n := w.Slack.Counts().Calls["apps.connections.open"]; n != 1 || w.Model.Calls() != 1 {
		t.Errorf("%d sockets were opened and %d answers requested", n, w.Model.Calls())
	}
	t.Setenv("OPENAI_API_KEY", "")
	w.Scopes += ",users:read"
	_, checks = w.examined()
	if slices.Contains(checks, want[len(want)-1]) || !slices.Contains(checks,
		"the bot token has the required scopes; not needed: users:read") {
		t.Errorf("checked %q", checks)
	}
	w.Evicts(nil)
	w.ServeGitHub(func(c *github.Config) { c.EnterpriseVersion = "3.19.2" })
	_, checks = w.examined()
	if !slices.Contains(checks, "GitHub Enterprise Server 3.19.2 is supported") ||
		!slices.ContainsFunc(checks, func(what string) bool {
			return strings.HasPrefix(what, "cannot tell whether Redis evicts tasks")
		}) {
		t.Errorf("checked %q", checks)
	}
	w.Scopes = ""
	if failures, _ = w.examined(); len(failures) > 0 {
		t.Errorf("a Slack that names no scopes: %v", failures)
	}
}

// Each failure tells what to fix, and does not stop the other checks.
func TestDoctorSaysWhatToFix(t *testing.T) {
	const keeps = "Redis does not evict tasks"
	findsFaults(t, map[string]fault{
		"bot token": {func(w *ward) { w.T.Setenv("SLACK_BOT_TOKEN", "xoxb-other") }, "Slack accepts the bot token",
			[]string{"invalid_auth", "SLACK_BOT_TOKEN"}},
		"app token": {func(w *ward) { w.T.Setenv("SLACK_APP_TOKEN", "xoxb-canary") },
			"Slack accepts the app token (Socket Mode)", []string{"not_allowed_token_type", "SLACK_APP_TOKEN",
				"connections:write"}},
		"scopes": {func(w *ward) { w.Scopes = "commands,chat:write,im:write,channels:history,groups:history" },
			"the bot token has the required scopes",
			[]string{"im:history is missing", "the requester's card stays missing", "reinstall it"}},
		"permissions": {func(w *ward) {
			w.ServeGitHub(func(c *github.Config) {
				c.App.Permissions = map[string]string{"contents": "read", "pull_requests": "write", "actions": "write",
					"metadata": "read", "issues": "write"}
			})
		}, "the GitHub App has exactly the permissions that TfPilot needs",
			[]string{"contents should be write", "issues is granted but not needed"}},
		"installation": {func(w *ward) { w.T.Setenv("GITHUB_APP_INSTALLATION_ID", "3") },
			"the GitHub App has exactly the permissions that TfPilot needs", []string{"that the App is installed"}},
		"suspended": {func(w *ward) { w.GitHub.Suspend(true) },
			"the GitHub App has exactly the permissions that TfPilot needs", []string{"suspended"}},
		"clock": {func(w *ward) { w.GitHub.SetClock(45 * time.Second) }, "the clock matches GitHub's",
			[]string{"seconds behind GitHub's", "synchronize"}},
		"model key": {func(w *ward) { w.T.Setenv("OPENAI_API_KEY", "sk-other") },
			"the model returns valid structured output", []string{"status 401", "OPENAI_API_KEY"}},
		"model": {func(w *ward) { w.T.Setenv("OPENAI_MODEL", "none") },
			"the model returns valid structured output", []string{"OPENAI_MODEL"}},
		"modules": {func(w *ward) { w.configure(services.YAML + "catalog: {dir: /nonexistent}\n") },
			"the module catalog can be read", []string{"/nonexistent", "catalog.dir"}},
		"environment": {func(w *ward) { w.configure(strings.Replace(services.YAML, "slug: app", "slug: api", 1)) },
			"core dev/api: deployed, backend matches", []string{"run tfpilot bootstrap core"}},
		"channel": {func(w *ward) { w.configure(strings.Replace(services.YAML, "C0INFRADEV", "C0ARCHIVED", 1)) },
			"TfPilot can post to channel C0ARCHIVED", []string{"core dev/app", "is_archived", "tfpilot.yaml"}},
		"bucket": {func(w *ward) { w.T.Setenv("TFPILOT_REQUESTS_BUCKET", "nobodys") },
			"bucket nobodys supports conditional writes", []string{"TFPILOT_REQUESTS_BUCKET", "manifests/iam/app.json"}},
		"Redis evicts": {func(w *ward) { w.Evicts(map[string]string{"CONFIG": "allkeys-lru"}) }, keeps,
			[]string{`"allkeys-lru"`, "set it to noeviction"}},
		"Redis evicts and refuses CONFIG": {func(w *ward) { w.Evicts(map[string]string{"INFO": "volatile-ttl"}) }, keeps,
			[]string{`"volatile-ttl"`, "set it to noeviction"}},
		"old server": {func(w *ward) { w.ServeGitHub(func(c *github.Config) { c.EnterpriseVersion = "3.16.4" }) },
			"GitHub Enterprise Server 3.16.4 is supported",
			[]string{"3.17 or later", "upgrade"}},
		"Redis": {func(w *ward) { w.Redis.Close() }, "Redis responds", []string{"REDIS_URL"}},
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
