package docs_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/testing/golden"
	"github.com/tfpilot/tfpilot/slackapp"
)

// The permissions on the install page come from the tables that the manifests are
// compared with.
func TestPermissionTables(t *testing.T) {
	data, err := os.ReadFile("docs/INSTALL.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for name, want := range map[string]string{"slack": slackTable(), "github": githubTable(), "iam": iamTable(t),
		"lifetimes": lifetimeTable()} {
		begin, end := "<!-- "+name+": go test ./docs -update -->\n", "<!-- end of "+name+" -->"
		before, rest, ok := strings.Cut(text, begin)
		have, after, closed := strings.Cut(rest, end)
		if !ok || !closed {
			t.Fatalf("docs/INSTALL.md has no part %q", name)
		}
		if have != want && !golden.Updating() {
			t.Errorf("the part %q of docs/INSTALL.md is not what the code says; run: go test ./docs -update", name)
		}
		text = before + begin + want + end + after
	}
	if golden.Updating() {
		if err := os.WriteFile("docs/INSTALL.md", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func slackTable() string {
	var b strings.Builder
	b.WriteString("| Scope | Why | Without it |\n|---|---|---|\n")
	for _, s := range slackapp.Scopes() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.Name, s.Why, s.Without)
	}
	fmt.Fprintf(&b, "| `%s` (app token) | Open the socket to Slack; there is no inbound URL. | Nothing reaches TfPilot. |\n", slackapp.AppScope)
	return b.String()
}

func githubTable() string {
	var b strings.Builder
	b.WriteString("| Permission | Why | Without it |\n|---|---|---|\n")
	for _, p := range github.AppPermissions {
		fmt.Fprintf(&b, "| `%s: %s` | %s | %s |\n", p.Name, p.Access, p.Why, p.Without)
	}
	fmt.Fprintf(&b, "\nEvents: `%s`. Each is a hint; without them TfPilot reads the same from GitHub, some seconds later.\n", strings.Join(github.AppEvents, "`, `"))
	return b.String()
}

// stops describes what fails without a rule of the IAM policies.
var stops = map[string]string{
	"ListObjects":        "nothing is found that was not enqueued, and a missing object looks like a forbidden one",
	"ReadObjects":        "nothing is known; start-up refuses",
	"WriteObjects":       "nothing can be requested; start-up refuses",
	"DeleteObjects":      "withdrawn grants stay until they expire, documents stay out of history; start-up refuses",
	"ReadGrant":          "every run stops at its guard",
	"ReadBack":           "a run whose answer was lost cannot tell that the claim is its own, and stops",
	"CreateClaim":        "every run stops at its guard",
	"CreateResult":       "no plan is shown, since a run whose result is missing does not count",
	"ReadBackEffect":     "a run whose answer was lost cannot tell that its result is stored, and counts as failed",
	"CreateEffectResult": "no apply and no destroy counts as done",
	"ListState":          "the backend cannot be initialized where there is no state yet",
	"ReadState":          "no plan",
	"WriteState":         "no apply and no destroy",
	"Unlock":             "the state stays locked after the first apply",
	"ReadLock":           "no plan where the table holds the state's checksum",
	"LockTable":          "no apply and no destroy where the table locks the state",
	"FindLock":           "`tfpilot environments unlock` cannot tell that a state is not locked",
	"RemoveLock":         "`tfpilot environments unlock` cannot remove the lock that a killed run left",
}

func iamTable(t *testing.T) string {
	var b strings.Builder
	b.WriteString("| Role | Action | On | Why | Without it |\n|---|---|---|---|---|\n")
	row := func(role, sid string, actions []string, on, why string) {
		without, ok := stops[sid]
		if !ok {
			t.Errorf("say what stops without %s", sid)
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s |\n", role, strings.Join(actions, "`, `"), on, why, without)
	}
	for _, p := range store.Policies("PROJECT") {
		for _, r := range p.Rules {
			row(p.Role, r.Sid, r.Actions, objects(r), r.Why)
		}
		for _, r := range p.Table {
			row(p.Role, r.Sid, r.Actions, "the lock table, only if an environment names one", r.Why)
		}
	}
	return b.String()
}

func lifetimeTable() string {
	var b strings.Builder
	b.WriteString("| Objects | Kept | Why |\n|---|---|---|\n")
	for _, l := range store.Lifetimes {
		fmt.Fprintf(&b, "| `%s` | %d days | %s |\n", l.Prefix, l.Days, l.Why)
	}
	fmt.Fprintf(&b, "| old versions | %d days | to undo what was deleted or overwritten by mistake |\n",
		store.OldVersionDays)
	fmt.Fprintf(&b, "| unfinished uploads | %d days | nothing reads them |\n", store.UploadDays)
	return b.String()
}

// objects says in words which objects a rule is about.
func objects(r store.Rule) string {
	where := "the " + r.Bucket + " bucket"
	switch {
	case len(r.Prefixes) > 4:
		where += ", TfPilot's own prefixes"
	case len(r.Prefixes) > 0:
		where += ", `" + strings.Join(r.Prefixes, "`, `") + "`"
	}
	if r.Suffix != "" {
		where += ", only `*" + r.Suffix + "`"
	}
	switch {
	case r.CreateOnly:
		where += "; only objects that are not there yet"
	case r.Conditional:
		where += "; only with a condition"
	}
	return where
}

// The example of an installation is one that starts.
func TestExampleOfAnInstallation(t *testing.T) {
	const dir = "manifests/overlays/example/"
	data, err := os.ReadFile(dir + "tfpilot.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, faults := config.Parse(data, "tfpilot.yaml", config.Defaults{Region: "eu-central-1"}); len(faults) > 0 {
		t.Error(faults)
	}
	env, err := os.ReadFile(dir + "tfpilot.env")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]config.Variable{}
	for _, v := range config.Variables() {
		known[v.Name] = v
	}
	for line := range strings.Lines(string(env)) {
		name, _, _ := strings.Cut(line, "=")
		if v, ok := known[name]; !ok || v.Secret {
			t.Errorf("%stfpilot.env: %s is not known, or is a secret", dir, name)
		}
	}
}
