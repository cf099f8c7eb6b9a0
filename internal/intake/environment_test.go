package intake

import (
	"strings"
	"testing"
)

func TestWordThatMatchesSeveralEnvironmentsChoosesNone(t *testing.T) {
	all := Environments{
		{Project: "core", Key: "prod", Slug: "app"}, {Project: "core", Key: "prod", Slug: "db"},
		{Project: "core", Key: "dev", Slug: "app"},
	}
	got := all.Resolve(all[2], "", "production")
	if got.Project != "core" || got.Environment != "" || !strings.Contains(got.Note, "core prod/app, core prod/db") {
		t.Errorf("%+v", got)
	}
	if got := all.Resolve(all[1], "", "prod"); got.Environment != "prod/db" {
		t.Errorf("in the channel of prod/db: %+v", got)
	}
}

func TestWordsThatNameNoEnvironment(t *testing.T) {
	all := Environments{
		{Project: "core", Key: "dev", Slug: "app"}, {Project: "core", Key: "prod", Slug: "app", Protected: true},
		{Project: "payments", Key: "dev", Slug: "api"},
	}
	for _, text := range []string{
		"a bucket, not in prod", "a lambda with environment variables", "a bucket in this environment",
		"access to the api", "a bucket in frankfurt",
		"logs in our default environment", "a live dashboard of tests", "dev2dev tools", "a bucket in core",
	} {
		if got := namedEnvs(all, text); len(got) > 0 {
			t.Errorf("%q: %+v", text, got)
		}
	}
}
