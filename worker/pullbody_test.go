package worker

import (
	"strings"
	"testing"
)

// Text of a person or a provider stays inside its code span or block in the pull request, and shows
// the characters that a reader cannot see.
func TestPullRequestShowsWhatIsHidden(t *testing.T) {
	const text = "a `b` ```c\x1b[2J\a\r\u202ed\u200be\u2066f"
	for name, got := range map[string]string{"span": inlineCode(text), "block": fence(text), "cell": cell(text)} {
		if strings.ContainsAny(got, "\a\r\x1b\u200b\u202e\u2066") {
			t.Errorf("%s: hidden characters: %q", name, got)
		}
		for _, shown := range []string{`\u001b[2J`, `\u202e`, `\u200b`, `\u2066`, "````"} {
			if !strings.Contains(got, shown) {
				t.Errorf("%s: %q lacks %q", name, got, shown)
			}
		}
	}
}
