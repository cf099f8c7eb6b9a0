package terminal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// What others wrote reaches no terminal and no log as a command.
func TestTerminalsShowWhatIsHidden(t *testing.T) {
	var out bytes.Buffer
	_, _ = fmt.Fprintln(Visible(&out), "tfpilot: no\x1b]0;owned\x07such\u202e")
	if got := out.String(); strings.ContainsAny(got, "\x1b\x07\u202e") ||
		!strings.Contains(got, `\u001b]0;owned\u0007such\u202e`) {
		t.Errorf("%q", got)
	}
	out.Reset()
	slog.New(slog.NewJSONHandler(Visible(&out), nil)).Info("x\u202e\U000e0041\x1b")
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || strings.Contains(out.String(), "\u202e") ||
		line["msg"] != "x\u202e\U000e0041\x1b" {
		t.Errorf("%q %v", out.String(), err)
	}
}
