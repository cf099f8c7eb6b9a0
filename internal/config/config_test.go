package config

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fixture is an environment and its files.
type fixture struct {
	env   map[string]string
	files map[string]string
}

func (w fixture) source() Source {
	return Source{
		Lookup: func(name string) (string, bool) { v, ok := w.env[name]; return v, ok },
		ReadFile: func(path string) ([]byte, error) {
			if text, ok := w.files[path]; ok {
				return []byte(text), nil
			}
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		},
	}
}

// complete is a fixture in which every process starts.
func complete() fixture {
	return fixture{
		env: map[string]string{
			"SLACK_BOT_TOKEN": "xoxb-canary-1", "SLACK_APP_TOKEN": "xapp-canary-2",
			"GITHUB_TOKEN": "ghp-canary-3", "GITHUB_WEBHOOK_SECRET": "canary-4-canary-4",
			"TFPILOT_REQUESTS_BUCKET": "tfpilot-requests", "AWS_REGION": "eu-central-1",
			"REDIS_URL":      "redis://:canary-5@localhost:6379/0",
			"TFPILOT_ADMINS": "adam", "TFPILOT_APPROVERS": "ana, omar",
			"TFPILOT_PROD_ALLOWED_USERS": "omar", "TFPILOT_DESTROY_PROD_ALLOWED_USERS": "adam",
		},
		files: map[string]string{"tfpilot.yaml": small},
	}
}

const small = `projects:
  - name: core
    owner: acme
    repo: infra-core
    environments:
      - {key: dev, slug: app, channel: C0INFRADEV, backend: {bucket: tfstate}}
      - {key: prod, slug: app, channel: C0INFRAPRD, backend: {bucket: tfstate}}
`

func faultsOf(t *testing.T, err error) []string {
	t.Helper()
	var faults Faults
	if err != nil && !errors.As(err, &faults) {
		t.Fatalf("not Faults: %v", err)
	}
	var list []string
	for _, f := range faults {
		list = append(list, f.String())
	}
	return list
}

func TestLoad(t *testing.T) {
	for _, p := range []Process{App, Worker, CLI, Bootstrap, Doctor} {
		c, err := Load(p, complete().source())
		if err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		if len(c.Warnings) != 0 {
			t.Errorf("%s warns: %q", p, c.Warnings)
		}
		if got := c.Policy().Approvers; !cmp.Equal(got, []string{"ana", "omar"}) {
			t.Errorf("approvers %q", got)
		}
		if e, ok := c.Environment("core", "prod", "app"); !ok || !e.Protected ||
			e.Backend.Key != "core/prod/app/terraform.tfstate" || !e.Backend.UseLockfile {
			t.Errorf("core prod/app: %+v %v", e, ok)
		}
	}
}

func TestEnvironmentFaults(t *testing.T) {
	for _, c := range []struct {
		name    string
		process Process
		env     map[string]string
		files   map[string]string
		want    []string
	}{
		{"every missing one together", Worker, map[string]string{"SLACK_BOT_TOKEN": "", "REDIS_URL": "",
			"GITHUB_TOKEN": ""}, nil, []string{
			"SLACK_BOT_TOKEN: is not set (required by the worker): Bot token of the Slack app, `xoxb-…`.",
			"GITHUB_APP_ID: the worker needs GitHub; set the three GITHUB_APP_… variables (or GITHUB_TOKEN)",
			"REDIS_URL: is not set (required by the worker): `redis://` or `rediss://` address of Redis, " +
				"with `maxmemory-policy noeviction`.",
		}},
		{"an app without a webhook secret", App, map[string]string{"GITHUB_WEBHOOK_SECRET": ""}, nil, []string{
			"GITHUB_WEBHOOK_SECRET: is not set (required by the app): Webhook secret of the GitHub App, " +
				"at least 16 characters. The app also signs its messages to the workers with it.",
		}},
		{"a worker that could not tell hints from forged ones", Worker, map[string]string{"GITHUB_WEBHOOK_SECRET": ""}, nil,
			[]string{
				"GITHUB_WEBHOOK_SECRET: is not set (required by the worker): Webhook secret of the GitHub App, " +
					"at least 16 characters. The app also signs its messages to the workers with it.",
			}},
		{"a command line needs little", CLI, map[string]string{"GITHUB_WEBHOOK_SECRET": "", "SLACK_APP_TOKEN": "",
			"SLACK_BOT_TOKEN": "", "GITHUB_TOKEN": ""}, nil, nil},
		{"what writes files needs less", Bootstrap, map[string]string{"GITHUB_WEBHOOK_SECRET": "", "SLACK_APP_TOKEN": "",
			"SLACK_BOT_TOKEN": "", "GITHUB_TOKEN": "", "REDIS_URL": "", "TFPILOT_REQUESTS_BUCKET": ""}, nil, []string{
			"TFPILOT_REQUESTS_BUCKET: is not set (required by tfpilot bootstrap): S3 bucket for all documents. It must " +
				"support conditional writes, which every process tests when it starts.",
		}},
		{"twice", App, map[string]string{"SLACK_BOT_TOKEN_FILE": "/run/bot"},
			map[string]string{"/run/bot": "xoxb-canary-6"}, []string{
				"SLACK_BOT_TOKEN: is set both directly and by SLACK_BOT_TOKEN_FILE; unset one of them",
			}},
		{"a file that is not there", App, map[string]string{"SLACK_BOT_TOKEN": "", "SLACK_BOT_TOKEN_FILE": "/run/bot"}, nil,
			[]string{
				"SLACK_BOT_TOKEN_FILE: open /run/bot: file does not exist; use a file that this process can read",
			}},
		{"an empty file", App, map[string]string{"SLACK_BOT_TOKEN": "", "SLACK_BOT_TOKEN_FILE": "/run/bot"},
			map[string]string{"/run/bot": "\n"}, []string{
				"SLACK_BOT_TOKEN_FILE: the file is empty; it must contain the value",
			}},
		{"both ways into GitHub", Worker, map[string]string{"GITHUB_APP_ID": "7"}, nil, []string{
			"GITHUB_TOKEN: is set together with GITHUB_APP_…; unset one of them",
		}},
		{"half an App", Worker, map[string]string{"GITHUB_TOKEN": "", "GITHUB_APP_ID": "7"}, nil, []string{
			"GITHUB_APP_ID: GITHUB_APP_ID, GITHUB_APP_INSTALLATION_ID and GITHUB_APP_PRIVATE_KEY belong together; set all " +
				"three",
		}},
		{"invalid values", Worker, map[string]string{
			"GITHUB_TOKEN": "", "GITHUB_APP_ID": "seven", "GITHUB_APP_INSTALLATION_ID": "8",
			"GITHUB_APP_PRIVATE_KEY": "canary-7",
			"SLACK_API_URL":          "slack.com", "REDIS_URL": "localhost:6379", "TFPILOT_HTTP_ADDR": "8080",
			"TFPILOT_ADMIN_ADDR": ":70000", "TFPILOT_SESSION_KEY": "canary-8",
			"TFPILOT_ADMINS": "adam, @omar", "TFPILOT_ALLOWED_LOGINS": " , ", "TFPILOT_LOG_LEVEL": "loud",
			"TFPILOT_PUBLIC_URL":    "https://u:canary-9@host",
			"GITHUB_WEBHOOK_SECRET": "canary-10", "TFPILOT_REQUESTS_BUCKET": "No_Bucket",
		}, nil, []string{
			"SLACK_API_URL: is neither http nor https; use a URL such as https://host/path",
			`GITHUB_APP_ID: "seven" is not a positive number`,
			"GITHUB_APP_PRIVATE_KEY: is not a PEM block; use the .pem file that GitHub generated, preferably with " +
				"GITHUB_APP_PRIVATE_KEY_FILE",
			"GITHUB_APP_ID: GITHUB_APP_ID, GITHUB_APP_INSTALLATION_ID and GITHUB_APP_PRIVATE_KEY belong together; set all " +
				"three",
			"GITHUB_WEBHOOK_SECRET: is shorter than 16 characters; generate one with: openssl rand -hex 32",
			`TFPILOT_REQUESTS_BUCKET: "No_Bucket" is not the name of an S3 bucket`,
			"REDIS_URL: is not a redis:// or rediss:// address with a host",
			`TFPILOT_HTTP_ADDR: "8080" is not a valid address to listen on; use host:port or :port`,
			`TFPILOT_ADMIN_ADDR: ":70000" is not a valid address to listen on; use host:port or :port`,
			"TFPILOT_PUBLIC_URL: contains a user or password; use a URL such as https://host/path",
			"TFPILOT_SESSION_KEY: is shorter than 32 characters; generate one with: openssl rand -hex 32",
			`TFPILOT_ADMINS: "@omar" is not a valid GitHub login; use logins separated by commas, without @`,
			"TFPILOT_ALLOWED_LOGINS: is set but contains no login; add one or unset it",
			"TFPILOT_LOG_LEVEL: is not a valid level; use debug, info, warn or error",
		}},
		{"no structure", App, map[string]string{"TFPILOT_CONFIG": "other.yaml"}, nil, []string{
			"TFPILOT_CONFIG: open other.yaml: file does not exist; set it to the path of your tfpilot.yaml",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := complete()
			for k, v := range c.env {
				w.env[k] = v
			}
			for k, v := range c.files {
				w.files[k] = v
			}
			_, err := Load(c.process, w.source())
			if diff := cmp.Diff(c.want, faultsOf(t, err)); diff != "" {
				t.Error(diff)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("a fault shows a secret: %v", err)
			}
		})
	}
}

func TestPrivateKeyFromFile(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	for name, value := range map[string]string{"as it is": text, "line ends escaped": strings.ReplaceAll(text, "\n",
		`\n`)} {
		w := complete()
		delete(w.env, "GITHUB_TOKEN")
		w.env["GITHUB_APP_ID"], w.env["GITHUB_APP_INSTALLATION_ID"] = "7", "8"
		w.env["GITHUB_APP_PRIVATE_KEY_FILE"] = "/run/key"
		w.files["/run/key"] = value
		c, err := Load(Worker, w.source())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if c.GitHub.PrivateKey.Reveal() != text {
			t.Errorf("%s: the key came out changed", name)
		}
	}
}

func TestWarnings(t *testing.T) {
	w := complete()
	for _, k := range []string{"TFPILOT_ADMINS", "TFPILOT_PROD_ALLOWED_USERS", "TFPILOT_DESTROY_PROD_ALLOWED_USERS"} {
		delete(w.env, k)
	}
	w.env["TFPILOT_ALLOWED_LOGINS"] = "Ana"
	c, err := Load(App, w.source())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"TFPILOT_ADMINS is empty: no one can link identities or rebuild the index.",
		"omar is an admin or approver but not in TFPILOT_ALLOWED_LOGINS, so they have no access.",
		"TFPILOT_PROD_ALLOWED_USERS is empty: no one can re-plan, approve, merge or apply in protected environments " +
			"(core prod/app).",
		"TFPILOT_DESTROY_PROD_ALLOWED_USERS is empty: no one can destroy in protected environments (core prod/app).",
	}
	if diff := cmp.Diff(want, c.Warnings); diff != "" {
		t.Error(diff)
	}
}

func TestFaultsOfBothPlacesTogether(t *testing.T) {
	w := complete()
	w.env["REDIS_URL"] = ""
	w.files["tfpilot.yaml"] = small + "slak: {}\n"
	_, err := Load(App, w.source())
	if got := faultsOf(t, err); len(got) != 2 || !strings.HasPrefix(got[0], "REDIS_URL") ||
		!strings.HasPrefix(got[1], "tfpilot.yaml:8: slak") {
		t.Errorf("got %q", got)
	}
}

func TestOS(t *testing.T) {
	t.Setenv("TFPILOT_LOG_LEVEL", "debug")
	if v, ok := OS().Lookup("TFPILOT_LOG_LEVEL"); !ok || v != "debug" {
		t.Errorf("got %q %v", v, ok)
	}
	if _, err := OS().ReadFile(os.DevNull); err != nil {
		t.Error(err)
	}
}
