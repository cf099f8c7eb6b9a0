package ci

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

func lockOf(providers ...string) []byte {
	var b strings.Builder
	for _, p := range providers {
		name, version, _ := strings.Cut(p, " ")
		b.WriteString("provider \"registry.terraform.io/hashicorp/" + name + "\" {\n  version = \"" + version +
			"\"\n  hashes  = [\"h1:x\"]\n}\n")
	}
	return []byte(b.String())
}

// Init may use fewer providers than the committed lock file names, but no other and no
// other version. What is missing is the environment's fault, not the requester's.
func TestLockFileIsBinding(t *testing.T) {
	for name, tt := range map[string]struct {
		committed, left []byte
		want            string
	}{
		"the same": {lockOf("aws 6.0.0"), lockOf("aws 6.0.0"), ""},
		"fewer":    {lockOf("aws 6.0.0", "random 3.6.3"), lockOf("aws 6.0.0"), ""},
		"none":     {lockOf("aws 6.0.0"), nil, ""},
		"one that is missing": {lockOf("random 3.6.3"), lockOf("aws 6.0.0"),
			"does not name registry.terraform.io/hashicorp/aws; run `terraform providers lock`"},
		"another version": {lockOf("aws 6.0.0"), lockOf("aws 6.0.1"), "chose registry.terraform.io/hashicorp/aws 6.0.1 " +
			"instead of 6.0.0"},
		"damaged": {[]byte("provider {"), lockOf("aws 6.0.0"), "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			j := &job{env: map[string]string{"RUNNER_TEMP": t.TempDir()},
				in: inputs{Kind: lifecycle.KindPlan, Environment: lifecycle.Environment{Key: "dev", Slug: "app"}}}
			if err := os.MkdirAll(j.root(), 0o700); err != nil {
				t.Fatal(err)
			}
			if tt.left != nil {
				if err := os.WriteFile(filepath.Join(j.root(), lockFile), tt.left, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			err := j.lockedProviders(tt.committed)
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var denied *refusal
			if !errors.As(err, &denied) || denied.code != lifecycle.CodeEnvironmentBroken ||
				!strings.Contains(denied.text, tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}
