package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// A pod gets of the secret what its process uses, one variable at a time, and nothing else.
func TestPodsGetOnlyTheirCredentials(t *testing.T) {
	for process, uses := range map[Process][]string{
		App: {"GITHUB_WEBHOOK_SECRET", "OPENAI_API_KEY", "REDIS_URL", "SLACK_APP_TOKEN", "SLACK_BOT_TOKEN"},
		Worker: {"GITHUB_APP_ID", "GITHUB_APP_INSTALLATION_ID", "GITHUB_APP_PRIVATE_KEY", "GITHUB_TOKEN",
			"GITHUB_WEBHOOK_SECRET", "REDIS_URL", "SLACK_BOT_TOKEN"},
	} {
		if got := credentials(process); !slices.Equal(got, uses) {
			t.Errorf("%s uses %v, want %v", process, got, uses)
		}
		if got := mounted(t, process); !slices.Equal(got, uses) {
			t.Errorf("the pod of %s gets %v, want %v", process, got, uses)
		}
	}
	for _, v := range Variables() {
		for _, p := range []Process{App, Worker} {
			if v.Secret && slices.Contains(v.Needed, p) && !slices.Contains(credentials(p), v.Name) {
				t.Errorf("%s requires %s and does not get it", p, v.Name)
			}
		}
	}
}

// credentials are what a process uses of the secret: what is secret, and the ids that belong to the App's key.
func credentials(p Process) (names []string) {
	for _, v := range Variables() {
		_, restricted := onlyFor[v.Name]
		if v.usedBy(p) && (v.Secret || restricted) && !strings.HasPrefix(v.Help, reserved) {
			names = append(names, v.Name)
		}
	}
	slices.Sort(names)
	return names
}

// A process does not even read a credential that only the other one uses, wherever it comes from.
func TestProcessesReadOnlyTheirCredentials(t *testing.T) {
	secrets := map[string]string{
		"SLACK_APP_TOKEN": "xapp-1", "OPENAI_API_KEY": "sk-1", "GITHUB_APP_ID": "x", "GITHUB_APP_PRIVATE_KEY": "x",
		"GITHUB_TOKEN": "ghp_1",
	}
	for _, p := range []Process{App, Worker, CLI, Doctor} {
		r := reader{process: p, source: Source{Lookup: func(name string) (string, bool) {
			v,
				ok := secrets[name]
			return v, ok
		}}}
		for name := range secrets {
			read := r.value(name) != ""
			if want := p == CLI || p == Doctor || onlyFor[name] == p; read != want {
				t.Errorf("%s reads %s: %v, want %v", p, name, read, want)
			}
		}
	}
}

// mounted lists the keys of the secret in the first document of a manifest.
func mounted(t *testing.T, process Process) (names []string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "manifests", "base", string(process)+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var deployment struct {
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct {
						Env []struct {
							Name      string `yaml:"name"`
							ValueFrom struct {
								SecretKeyRef struct {
									Key string `yaml:"key"`
								} `yaml:"secretKeyRef"`
							} `yaml:"valueFrom"`
						} `yaml:"env"`
						EnvFrom []map[string]any `yaml:"envFrom"`
					} `yaml:"containers"`
				} `yaml:"spec"`
			} `yaml:"template"`
		} `yaml:"spec"`
	}
	if err := yaml.Unmarshal(data, &deployment); err != nil || len(deployment.Spec.Template.Spec.Containers) != 1 {
		t.Fatalf("%s: %v", process, err)
	}
	c := deployment.Spec.Template.Spec.Containers[0]
	for _, from := range c.EnvFrom {
		if _, whole := from["secretRef"]; whole {
			t.Errorf("the pod of %s gets a whole secret", process)
		}
	}
	for _, e := range c.Env {
		if key := e.ValueFrom.SecretKeyRef.Key; key != "" {
			if key != e.Name {
				t.Errorf("%s: %s comes from %s", process, e.Name, key)
			}
			names = append(names, key)
		}
	}
	slices.Sort(names)
	return names
}
