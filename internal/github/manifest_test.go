package github

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The manifest of the GitHub App asks for what the code uses and for nothing else.
func TestManifestAsksForWhatTheCodeUses(t *testing.T) {
	data, err := os.ReadFile("../../manifests/github-app.json")
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Name, Description, URL string
		Public                 bool
		Hook                   struct {
			URL    string
			Active bool
		} `json:"hook_attributes"`
		Permissions map[string]string `json:"default_permissions"`
		Events      []string          `json:"default_events"`
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Permissions, m.Permissions); diff != "" {
		t.Errorf("permissions (-code +manifest):\n%s", diff)
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(AppEvents)), m.Events); diff != "" {
		t.Errorf("events (-code +manifest):\n%s", diff)
	}
	if m.Public || !m.Hook.Active {
		t.Error("the App is private and gets webhooks")
	}
	for _, p := range AppPermissions {
		if p.Why == "" || p.Without == "" {
			t.Errorf("permission %s: say why, and what stops without it", p.Name)
		}
	}
}
