package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

// The structs that are decoded into and the table have the same keys.
func TestTableEqualsStructs(t *testing.T) {
	var fields []string
	var walk func(path string, typ reflect.Type)
	walk = func(path string, typ reflect.Type) {
		for i := range typ.NumField() {
			f := typ.Field(i)
			at := dotted(path, f.Tag.Get("yaml"))
			fields = append(fields, at)
			switch {
			case f.Type.Kind() == reflect.Slice:
				walk(at+"[]", f.Type.Elem())
			case f.Type.Kind() == reflect.Struct:
				walk(at, f.Type)
			}
		}
	}
	walk("", reflect.TypeFor[fileYAML]())
	var table []string
	for _, k := range Keys() {
		table = append(table, k.Path)
	}
	if diff := cmp.Diff(table, fields); diff != "" {
		t.Error(diff)
	}
}

func TestExample(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "tfpilot.example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalWithOptions(data, &fileYAML{}, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	s, faults := Parse(data, "tfpilot.example.yaml", Defaults{Region: "eu-central-1"})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if len(s.Projects) != 2 || s.Worker.Sweep != time.Minute || s.Catalog.Dir != "./modules" {
		t.Errorf("%+v", s)
	}
	lines := strings.Split(string(data), "\n")
	for _, k := range Keys() {
		name := k.Path[strings.LastIndex(k.Path, ".")+1:]
		if !slices.ContainsFunc(lines, func(l string) bool { return commented(lines, l, name) }) {
			t.Errorf("%s is not in the example with a comment above it", k.Path)
		}
	}
}

// commented reports whether line l sets the key name and is in a comment.
func commented(lines []string, l, name string) bool {
	i := slices.Index(lines, l)
	key := strings.TrimPrefix(strings.TrimSpace(l), "- ")
	return i > 0 && strings.HasPrefix(key, name+":") && strings.HasPrefix(strings.TrimSpace(lines[i-1]), "#")
}

const head = "projects:\n  - name: core\n    owner: acme\n    repo: infra-core\n    environments:\n"

func TestFileFaults(t *testing.T) {
	const dev = "      - {key: dev, slug: app, channel: C0INFRADEV, backend: {bucket: tfstate}}\n"
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "f.yaml: must contain one YAML document; start from tfpilot.example.yaml"},
		{"not YAML", "projects: [", "f.yaml: [1:11] sequence end token ']' not found"},
		{"a list", "- a\n", "f.yaml:1: must be a map"},
		{"unknown keys, all of them", head + dev + "    bas: main\nmodel: {timeot: 1s}\n",
			"f.yaml:7: projects[0].bas: is not a valid key; valid keys here: base, environments, name, owner, repo, title\n" +
				"f.yaml:8: model.timeot: is not a valid key; valid keys here: timeout"},
		{"unknown key in a list in a list", head +
			"      - {key: dev, slug: app, chanel: C0INFRADEV, channel: C0INFRADEV, backend: {bucket: tfstate}}\n",
			"f.yaml:6: projects[0].environments[0].chanel: is not a valid key; valid keys here: apply, approvals, backend, " +
				"channel, destroy, key, protected, region, selfApproval, slug"},
		{"same key twice", head + dev + "worker: {}\nworker: {}\n",
			`f.yaml: [8:1] mapping key "worker" already defined at [7:1]`},
		{"wrong kinds, all of them", "projects: core\nworker:\n  concurrency: many\n  syncQuick: 15\ncatalog:\n" +
			"  replace: 'yes'\nmodel:\n",
			"f.yaml:1: projects: must be a list\nf.yaml:3: worker.concurrency: must be a number\n" +
				"f.yaml:4: worker.syncQuick: must be a duration such as 30s or 5m\n" +
				"f.yaml:6: catalog.replace: must be true or false\n" +
				"f.yaml:7: model: has no value; add one or remove the key"},
		{"alias", "projects: &p\n  - name: core\n", "f.yaml:1: projects: must be a list"},
		{"nothing in it", "model: {timeout: 5s}\n", "f.yaml: projects: is empty or missing; add at least one"},
		{"invalid values", head + "      - {key: Prod, slug: a, channel: '#infra', apply: requestor, destroy: anyone, " +
			"region: mars, backend: {bucket: B, key: /x, useLockfile: false}}\n" +
			"model: {timeout: 2m}\nworker: {concurrency: 0, sweep: often}\ncatalog: {replace: true}\n" +
			"slack: {command: tfpilot}\n",
			`f.yaml:7: model.timeout: "2m" is not valid: want a duration from 1s to 30s
f.yaml:8: worker.sweep: "often" is not valid: want a duration from 1s to 5m0s
f.yaml:8: worker.concurrency: must be 1 to 100
f.yaml:10: slack.command: "tfpilot" is not valid: want a slash command such as /tfpilot
f.yaml:9: catalog.replace: replaces the built-in modules with nothing; set catalog.dir
f.yaml:6: projects[0].environments[0].key: "Prod" is not valid: want 2 to 21 of a-z, 0-9 and -, starting with a letter
f.yaml:6: projects[0].environments[0].slug: "a" is not valid: want 2 to 21 of a-z, 0-9 and -, starting with a letter
f.yaml:6: projects[0].environments[0].channel: "#infra" is not valid: want the ID of a Slack channel, C…; find it in the channel's details
f.yaml:6: projects[0].environments[0].region: "mars" is not valid: want a region such as eu-central-1
f.yaml:6: projects[0].environments[0].apply: "requestor" is not valid: want approvers or requester
f.yaml:6: projects[0].environments[0].destroy: "anyone" is not valid: want admins or requester
f.yaml:6: projects[0].environments[0].backend.bucket: "B" is not valid: want the name of an S3 bucket
f.yaml:6: projects[0].environments[0].backend.key: "/x" is not valid: want a key such as core/dev/app/terraform.tfstate
f.yaml:6: projects[0].environments[0].backend.region: "mars" is not valid: want a region such as eu-central-1
f.yaml:6: projects[0].environments[0].backend.useLockfile: the state would have no lock; set it to true or set dynamodbTable`},
		{"prod unprotected", head + "      - {key: prod, slug: app, channel: C0INFRADEV, protected: false, backend: " +
			"{bucket: tfstate}}\n",
			"f.yaml:6: projects[0].environments[0].protected: prod is always protected; remove this line or rename the " +
				"environment"},
		{"self approval in production", head +
			"      - {key: live, slug: app, channel: C0INFRADEV, protected: true, selfApproval: true, backend: {bucket: " +
			"tfstate}}\n",
			"f.yaml:6: projects[0].environments[0].selfApproval: authors cannot approve in a protected environment; " +
				"remove this line"},
		{"the same root and state twice", head + dev + dev,
			"f.yaml:7: projects[0].environments[1].slug: the Terraform root acme/infra-core/envs/dev/app is already used by " +
				"projects[0].environments[0].slug\n" +
				"f.yaml:7: projects[0].environments[1].backend.key: the state tfstate/core/dev/app/terraform.tfstate is " +
				"already used by projects[0].environments[0].backend.key"},
		{"one repository, two projects", head + dev + "  - name: pay\n    owner: Acme\n    repo: infra-core\n" +
			"    environments:\n      - {key: dev, slug: api, channel: C0PAYMENTS, backend: {bucket: tfstate}}\n",
			"f.yaml:9: projects[1].repo: acme/infra-core is already the repository of projects[0], and a repository belongs " +
				"to one project; use another one, or move these environments there"},
		{"the same name twice", head + dev + "  - name: core\n    owner: acme\n    repo: infra-two\n    environments:\n" +
			"      - {key: dev, slug: api, channel: C0PAYMENTS, backend: {bucket: tfstate}}\n",
			"f.yaml:7: projects[1].name: the name core is already used by projects[0].name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, faults := Parse([]byte(c.text), "f.yaml", Defaults{Region: "eu-central-1"})
			var got []string
			for _, f := range faults {
				got = append(got, f.String())
			}
			if diff := cmp.Diff(c.want, strings.Join(got, "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLookups(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "tfpilot.example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s, _ := Parse(data, "f", Defaults{Region: "eu-central-1"})
	if _, ok := s.Project("nothing"); ok {
		t.Error("a project that is not there was found")
	}
	if _, ok := s.Environment("core", "dev", "api"); ok {
		t.Error("an environment of another project was found")
	}
	prod, ok := s.Environment("core", "prod", "app")
	if !ok || prod.Channel != "C0INFRAPRD" || prod.Root() != "envs/prod/app" || prod.Backend.UseLockfile ||
		prod.Backend.DynamoDBTable != "terraform-locks" {
		t.Errorf("%+v", prod)
	}
	want := []Repo{{"acme", "infra-core", "main"}, {"acme", "infra-payments", "main"}}
	if diff := cmp.Diff(want, s.Repos()); diff != "" {
		t.Error(diff)
	}
	if r := prod.Rules(); !r.Protected || r.Apply != "approvers" || r.Project != "core" {
		t.Errorf("%+v", r)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("projects: &a [*a]\n<<: *a\n"))
	f.Add([]byte("? [a]\n: b\n"))
	f.Add([]byte("projects: !!binary x\n--- \n..."))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, faults := Parse(data, "f", Defaults{Region: "eu-central-1"})
		if len(faults) == 0 && len(s.Projects) == 0 {
			t.Fatal("nothing was found wrong with nothing")
		}
		for _, p := range s.Projects {
			for _, e := range p.Environments {
				if len(faults) == 0 && e.Key == "prod" && !e.Protected {
					t.Fatal("prod is not protected")
				}
			}
		}
	})
}

func approvalsOf(t *testing.T, lines string) (Approvals, Faults) {
	t.Helper()
	s, faults := Parse([]byte(`projects:
  - name: core
    owner: acme
    repo: infra-core
    environments:
      - key: dev
        slug: app
        channel: C0INFRADEV
        region: eu-central-1
        backend: {bucket: acme-tfstate}
`+lines), "tfpilot.yaml", Defaults{})
	if len(s.Projects) == 0 {
		t.Fatal(faults)
	}
	return s.Projects[0].Environments[0].Approvals, faults
}

func TestApprovals(t *testing.T) {
	a, faults := approvalsOf(t, "")
	hours := a.Hours
	if len(faults) > 0 || a.Ask != AskChannel || a.RemindAfter != 4*time.Hour || a.RemindEvery != 8*time.Hour ||
		a.EscalateAfter != 20*time.Hour || a.ExpireAfter != 14*24*time.Hour || a.Close || len(a.EscalateTo) != 0 ||
		hours.Zone != time.UTC || hours.From != 9*time.Hour || hours.To != 17*time.Hour {
		t.Errorf("defaults %+v, %v", a, faults)
	}
	a, faults = approvalsOf(t, `        approvals: {ask: direct, timeZone: Europe/Berlin, workingHours: "08:30-24:00", `+
		`remindAfter: 0s, escalateTo: "ana, omar", expireAfter: 0s, onExpiry: close}
`)
	if len(faults) > 0 || a.Ask != AskDirect || a.RemindAfter != 0 || a.ExpireAfter != 0 || !a.Close ||
		!slices.Equal(a.EscalateTo, []string{"ana", "omar"}) || a.Hours.Zone.String() != "Europe/Berlin" ||
		a.Hours.From != 8*time.Hour+30*time.Minute || a.Hours.To != 24*time.Hour {
		t.Errorf("%+v, %v", a, faults)
	}
	for line, want := range map[string]string{
		"ask: everywhere":             "channel or direct",
		"timeZone: Local":             "not a known time zone",
		"timeZone: Mars/Olympus":      "not a known time zone",
		`workingHours: "17:00-09:00"`: "at least one hour",
		`workingHours: "nine"`:        "at least one hour",
		"remindAfter: -1h":            "is not valid",
		"expireAfter: 5m":             "at least 24h",
		"onExpiry: destroy":           "keep or close",
		"escalateTo: a;b":             "GitHub logins",
	} {
		_, faults := approvalsOf(t, "        approvals: {"+line+"}\n")
		if len(faults) != 1 || !strings.Contains(faults[0].Text, want) {
			t.Errorf("%s: %v", line, faults)
		}
	}
}
