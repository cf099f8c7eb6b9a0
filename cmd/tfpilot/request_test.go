package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/queue"
)

// A command makes its own calls to the bucket and no others: only doctor, app and worker probe it.
func TestCommandsDoNotProbeTheBucket(t *testing.T) {
	d := newDesk(t)
	id := d.opened()
	if err := d.Index.Rebuild(t.Context(), func(func(queue.Row, error) bool) {}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		most int // calls to the bucket
		args []string
	}{
		{0, []string{"requests", "list"}},
		{1, []string{"requests", "show", id}},
		{1, []string{"requests", "show", id, "--json"}},
		{4, []string{"requests", "sync", id, "--as", "dana"}}, // the identities up to hers, and the document
		{4, []string{"identities", "list"}},                   // the list, and three identities
	} {
		d.Bucket.ResetCounts()
		d.says(cli.Done, "", c.args...)
		if n := d.Bucket.Calls("app"); n > c.most {
			t.Errorf("%v: %d calls, want at most %d: %+v", c.args, n, c.most, d.Bucket.Counts())
		}
	}
}

// Syncing and building the index are asked of the matrix, like every other command
// that does something.
func TestMatrixIsAskedOnTheCommandLine(t *testing.T) {
	d := newDesk(t)
	id := d.opened()
	for _, c := range []struct {
		as   string
		code int
		says string
		args []string
	}{
		{"", cli.Usage, "--as LOGIN", []string{"requests", "sync", id}},
		{"zoe", cli.Failed, "no identity is linked", []string{"requests", "sync", id}},
		{"vic", cli.Failed, "can sync with GitHub", []string{"requests", "sync", id}},
		{"dana", cli.Done, "Sync started", []string{"requests", "sync", id}},
		{"", cli.Usage, "--as LOGIN", []string{"reindex"}},
		{"dana", cli.Failed, "Only admins can rebuild the index", []string{"reindex"}},
		{"adam", cli.Done, "Rebuilt the index", []string{"reindex"}},
	} {
		d.says(c.code, c.says, append(c.args, "--as", c.as)...)
	}
	t.Setenv("TFPILOT_ALLOWED_LOGINS", "adam")
	d.says(cli.Failed, "don't have access to TfPilot", "requests", "sync", id, "--as", "dana")
	d.says(cli.Done, id, "requests", "show", id) // reading needs the bucket only
	d.says(cli.Done, id, "requests", "list")
	d.says(cli.Done, id, "requests", "export", id)
}

// With --json standard output is JSON, whatever the command says to people.
func TestJSONWhereScriptsAsk(t *testing.T) {
	d := newDesk(t)
	id := d.opened()
	link := []string{"identities", "link", "--as", "adam", "--team", "T0ACME0001", "--user", "U0ZOE", "--login", "zoe",
		"--github-id", "1009"}
	for _, c := range []struct {
		args  []string
		field string
		want  any
	}{
		{[]string{"requests", "sync", id, "--as", "dana"}, "repository", "acme/infra-core"},
		{[]string{"reindex", "--as", "adam"}, "built", true},
		{link, "login", "zoe"},
		{[]string{"identities", "unlink", "--as", "adam", "--team", "T0ACME0001", "--user", "U0ZOE"}, "linked", false},
		{[]string{"version"}, "version", version},
	} {
		out := d.says(cli.Done, "", append(c.args, "--json")...)
		var got map[string]any
		if err := json.Unmarshal([]byte(out), &got); err != nil || got[c.field] != c.want {
			t.Errorf("%v: %v, want %s %v\n%s", c.args, err, c.field, c.want, out)
		}
	}
}

// A list covers all pages, and reports when it was cut.
func TestListFollowsTheCursor(t *testing.T) {
	d := newDesk(t)
	const all = 2*200 + 30 // the index gives 200 at once
	err := d.Index.Rebuild(t.Context(), func(yield func(queue.Row, error) bool) {
		for i := range all {
			at := time.Date(2026, 3, 1, 0, 0, i/2, 0, time.UTC)
			if !yield(queue.Row{ID: fmt.Sprintf("req_list%09d", i), Version: 1, Title: "t", Project: "core",
				Environment: "dev/app", CreatedAt: at}, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]int{"": all, "--limit 5": 5, "--limit 400": 400,
		fmt.Sprintf("--limit %d", all): all} {
		code, out, errs := call(t, "", append([]string{"requests", "list", "--json"}, strings.Fields(args)...)...)
		var rows []queue.Row
		if err := json.Unmarshal([]byte(out), &rows); err != nil || code != cli.Done || len(rows) != want {
			t.Errorf("%q: exit %d, %d rows, want %d: %v %s", args, code, len(rows), want, err, errs)
		}
		ids := map[string]bool{}
		for _, r := range rows {
			ids[r.ID] = true
		}
		if len(ids) != len(rows) || strings.Contains(errs, "To see more") != (want < all) {
			t.Errorf("%q: %d rows of %d requests, and it said %q", args, len(rows), len(ids), errs)
		}
	}
	d.says(cli.Done, "req_list000000007", "requests", "list", "req_list000000007")
	d.says(cli.Done, "No request matches", "requests", "list", "failed", "prod")
	d.says(cli.Usage, "--as: Whose requests?", "requests", "list", "mine")
	d.says(cli.Usage, "--limit", "requests", "list", "--limit", "0")
	d.Redis.Close()
	d.says(cli.Failed, "check REDIS_URL", "requests", "list")
}

// What is wrong is named, with what would be right.
func TestWrongCallsSayWhatIsRight(t *testing.T) {
	d := newDesk(t)
	open := func(more ...string) []string { return append([]string{"requests", "open", "--as", "dana"}, more...) }
	link := func(team, user, login, id string) []string {
		return []string{"identities", "link", "--as", "adam", "--team", team, "--user", user, "--login", login,
			"--github-id", id}
	}
	for says, args := range map[string][]string{
		`--project: A project is required: core.`: open("s3-bucket"),
		`--env: Unknown environment "dev" in core. Environments: dev/`: open("s3-bucket", "--project", "core", "--env",
			"dev"),
		"--reason: Add a short reason": open("s3-bucket", "name=logs-1", "--project", "core", "--env", "dev/app"),
		"input name is set twice": open("s3-bucket", "name=logs-1", "name=logs-2", "--project", "core",
			"--env", "dev/app"),
		`"../x"`:                              link("../x", "U0ZOE", "zoe", "1009"),
		`--user: invalid Slack user ID "zoe"`: link("T0ACME0001", "zoe", "zoe", "1009"),
		`"zo e"`:                              link("T0ACME0001", "U0ZOE", "zo e", "1009"),
		"user ID -1":                          link("T0ACME0001", "U0ZOE", "zoe", "-1"),
		`ID ""`:                               {"identities", "unlink", "--as", "adam", "--team", "T0ACME0001"},
	} {
		d.says(cli.Usage, says, args...)
	}
	d.opened()
	d.says(cli.Failed, "Run tfpilot requests list to see all requests.", "requests", "show", "req_0")
	if out := d.says(cli.Done, "U0DANA", "identities", "list"); strings.Contains(out, "{") {
		t.Errorf("people get JSON:\n%s", out)
	}
}

func TestEmptyListIsAList(t *testing.T) {
	d := newDesk(t)
	d.says(cli.Failed, "being rebuilt", "requests", "list", "--json")
	d.says(cli.Done, "built", "reindex", "--as", "adam")
	if out := d.says(cli.Done, "", "requests", "list", "--json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("got %s", out)
	}
}

// While the index is rebuilt, people see what is there and are told that it is not all. Scripts get no list.
func TestListWhileTheIndexIsRebuilt(t *testing.T) {
	d := newDesk(t)
	if err := d.Index.Put(t.Context(), queue.Row{ID: "req_abcdefghijklm", Title: "a bucket", Version: 1}); err != nil {
		t.Fatal(err)
	}
	d.says(cli.Done, "req_abcdefghijklm", "requests", "list")
	d.says(cli.Done, "is being rebuilt", "requests", "list")
	d.says(cli.Failed, "is being rebuilt", "requests", "list", "--json")
}
