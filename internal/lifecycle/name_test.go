package lifecycle

import (
	"errors"
	"strings"
	"testing"
)

// names are all kinds of names, each with some that are valid and some that are not.
var names = map[string]struct {
	name      Name
	good, bad []string
}{
	"request": {NameRequest, []string{"req_abcdefghij", "req_0123456789abcdef"}, []string{
		"", "req_", "req_abcdefghi", "req_0123456789abcdefg", "req_ABCDEFGHIJ", "req-abcdefghij", "xreq_abcdefghij",
		"req_abcdefghij\n", "req_abcde/../j",
	}},
	"kind": {NameKind, []string{"plan", "apply", "destroy", "cleanup", "drift_plan"},
		[]string{"", "Plan", "plans", "drift", "plan|apply", "plan\n"}},
	"correlation": {NameCorrelation, []string{"plan-" + hex32, "drift_plan-" + hex32}, []string{
		"", "plan", hex32, "plan-" + hex32[1:], "plan-" + hex32 + "0", "plan-" + strings.ToUpper("a"+hex32[1:]), "drift-" +
			hex32, "plan-plan-" + hex32,
		"plan-" + hex32 + "\n",
	}},
	"project":     {NameProject, slugs, notSlugs},
	"environment": {NameEnvironment, slugs, notSlugs},
	"slug":        {NameSlug, slugs, notSlugs},
	"module": {NameModule, []string{"a", "s3-bucket", "a" + strings.Repeat("b", 62)},
		[]string{"", "3s", "-a", "S3", "s3_bucket", "a/b", "..", "a" + strings.Repeat("b", 63)}},
	"owner": {NameOwner, []string{"a", "Acme-Corp", "dana_acme", strings.Repeat("a", 39)},
		[]string{"", "-acme", "_acme", "acme/infra", "acme.", strings.Repeat("a", 40)}},
	"repository": {NameRepository, []string{"a", ".github", "infra.core_1", strings.Repeat("a", 100)}, []string{
		"", ".", "..", "a/b", "a b", "infra\n", strings.Repeat("a", 101),
	}},
	"branch": {NameBranch, []string{"main", "request/req_abcdefghij", "release/1.2", "_wip", strings.Repeat("a", 200)},
		[]string{
			"", "-main", "/main", "main/", "a//b", "a..b", "../main", "a/.b", "main.", "main.lock", "a.lock/b", "a b", "a~1",
			"a^", "a:b", "a@{1}", "refs\\heads",
			"$(id)", "main\n", strings.Repeat("a", 201),
		}},
	"path": {NamePath, []string{"a", "envs/dev/app/tfpilot_req_abcdefghij.tf", ".github/workflows/plan.yml", "größe.tf",
		strings.Repeat("a", maxPath)}, []string{
		"", "/etc/passwd", "a/", "a//b", "./a", "a/./b", "../a", "a/../b", "a b", "a\x00b", "a\nb", "a?b", "a\\b",
		strings.Repeat("a", maxPath+1),
	}},
	"commit": {NameCommit, []string{strings.Repeat("0a", 20)},
		[]string{"", strings.Repeat("0a", 19), strings.Repeat("0A", 20), strings.Repeat("0a", 20) + "0", "main"}},
	"blob": {NameBlob, []string{strings.Repeat("0a", 20)}, []string{"", strings.Repeat("0g", 20)}},
	"digest": {NameDigest, []string{"sha256:" + hex32 + hex32}, []string{"", hex32 + hex32, "sha256:" + hex32,
		"sha512:" + hex32 + hex32}},
	"state lock": {NameStateLock, []string{"0a1b2c3d-0123-4567-89ab-0123456789ab"},
		[]string{"", strings.Repeat("-", 36), hex32 + "0123", "0A1B2C3D-0123-4567-89AB-0123456789AB"}},
	"bucket": {NameBucket, []string{"abc", "acme-tfpilot.state"}, []string{"", "ab", "-ab", "Abc", "a_b", "abc/",
		strings.Repeat("a", 64)}},
	"region": {NameRegion, []string{"eu-central-1", "us-gov-west-1"},
		[]string{"", "eu", "e-1", "EU-central-1", "eu-central-"}},
	"state key": {NameStateKey, []string{"core/dev/app/terraform.tfstate", "a", strings.Repeat("a", maxName)}, []string{
		"", strings.Repeat("a", maxName+1), "/a", "a/", "a//b", "a/../b", ".a", "a b", "a\"b", "${a}",
	}},
	"lock table": {NameDynamoDBTable, []string{"abc", "terraform_locks.core-1"},
		[]string{"", "ab", "a/b", "a b", strings.Repeat("a", 256)}},
}

const hex32 = "0123456789abcdef0123456789abcdef"

var (
	slugs    = []string{"ab", "dev", "a-1", "a" + strings.Repeat("b", 20)}
	notSlugs = []string{"", "a", "1a", "-a", "Dev", "dev_1", "dev/app", "..", "dev\n", "dév", "a" +
		strings.Repeat("b", 21)}
)

func TestNames(t *testing.T) {
	for what, c := range names {
		if c.name.What == "" || c.name.Want == "" || len(c.good) == 0 || len(c.bad) == 0 {
			t.Errorf("%s: %+v", what, c)
		}
		for _, s := range c.good {
			if err := c.name.Check(s); err != nil || !c.name.Valid(s) {
				t.Errorf("%s: %v", what, err)
			}
		}
		for _, s := range c.bad {
			err := c.name.Check(s)
			if !errors.Is(err, ErrName) || c.name.Valid(s) {
				t.Errorf("%s: %q is valid", what, s)
				continue
			}
			if text := err.Error(); !strings.Contains(text, c.name.What) || !strings.Contains(text, c.name.Want) ||
				len(text) > 400 {
				t.Errorf("%s: %q", what, text)
			}
		}
	}
}

// Whatever is valid is safe where names go: on one line, within quotes, as an argument, in
// a key or a path that it cannot climb out of.
func FuzzNames(f *testing.F) {
	for _, c := range names {
		for _, s := range append(append([]string(nil), c.good...), c.bad...) {
			f.Add(s)
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		for what, c := range names {
			if !c.name.Valid(s) {
				continue
			}
			if s == "" || len(s) > maxName || strings.ContainsAny(s, "\x00\n\r\t \\") || strings.Contains("/"+s+"/", "/../") ||
				strings.HasPrefix(s, "/") {
				t.Errorf("%s: %q is valid", what, s)
			}
			if what != "path" && strings.ContainsAny(s, "\"'`$&;|<>(){}[]*?~!#%") {
				t.Errorf("%s: %q is valid", what, s)
			}
			if (what == "commit" || what == "correlation" || what == "request") && strings.Contains(s, "/") {
				t.Errorf("%s: %q is valid", what, s)
			}
		}
		kind, err := ParseCorrelationID(s)
		if err == nil && (kind.Row().Kind != kind || s != string(kind)+"-"+s[len(kind)+1:]) || err != nil && kind != "" {
			t.Errorf("%q is of kind %q: %v", s, kind, err)
		}
	})
}

func TestParseCorrelationID(t *testing.T) {
	for _, row := range KindRows() {
		if kind, err := ParseCorrelationID(string(row.Kind) + "-" + hex32); kind != row.Kind || err != nil {
			t.Errorf("%s: %s %v", row.Kind, kind, err)
		}
		if kind, err := ParseKind(string(row.Kind)); kind != row.Kind || err != nil {
			t.Errorf("%s: %s %v", row.Kind, kind, err)
		}
	}
	if _, err := ParseKind("promote"); !errors.Is(err, ErrName) {
		t.Error(err)
	}
}

func TestValidRepository(t *testing.T) {
	for name, want := range map[string]bool{
		"acme/infra": true, "a/.github": true, "": false, "/": false, "acme": false, "acme/": false, "/infra": false,
		"acme.x/infra": false, "acme/..": false,
		"acme/infra/x": false, "acme/in fra": false, "acme/infra\n": false,
	} {
		if got := ValidRepository(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestRequestPath(t *testing.T) {
	env := Environment{Key: "dev", Slug: "app"}
	if path, err := RequestPath(env, "req_abcdefghij"); err != nil || path != "envs/dev/app/tfpilot_req_abcdefghij.tf" ||
		!NamePath.Valid(path) {
		t.Error(path, err)
	}
	for _, c := range []struct {
		env Environment
		id  string
	}{{Environment{Key: "dev"}, "req_abcdefghij"}, {Environment{Slug: "app"}, "req_abcdefghij"}, {env, "req_../../../x"},
		{Environment{"..", "app", nil}, "req_abcdefghij"}} {
		if path, err := RequestPath(c.env, c.id); err == nil || path != "" {
			t.Errorf("%v %s: %s", c.env, c.id, path)
		}
	}
	for _, branch := range []string{RequestBranch("req_abcdefghij"), CleanupBranch("req_abcdefghij")} {
		if !NameBranch.Valid(branch) {
			t.Error(branch)
		}
	}
}
