package release

import (
	"strings"
	"testing"
)

// Only a released version can be downloaded, so doctor compares no other with what the workflows name.
func TestPublished(t *testing.T) {
	for version, want := range map[string]string{
		"1.2.3": "1.2.3", "0.10.0": "0.10.0", Dev: "", "": "", "1.2": "", "v1.2.3": "", "1.2.3-rc.1": "", "1.2.3\n": "", "1.2.3.4": "",
	} {
		if got := Published(version); got != want {
			t.Errorf("%q: %q, want %q", version, got, want)
		}
	}
}

// The name is the one that a workflow puts together from the runner's own words.
func TestAssetHasTheRunnersWords(t *testing.T) {
	got := Asset("1.2.3")
	rest, ok := strings.CutPrefix(got, "tfpilot-ci_1.2.3_")
	system, processor, both := strings.Cut(rest, "_")
	if !ok || !both || system != "Linux" && system != "macOS" || processor != "X64" && processor != "ARM64" {
		t.Errorf("got %q", got)
	}
}
