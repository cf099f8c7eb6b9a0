package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/testing/services"
)

// desk is where an operator types commands: the services are simulated.
type desk struct{ *services.Services }

func newDesk(t *testing.T) *desk {
	t.Helper()
	return &desk{services.NewStorage(t)}
}

// newFullDesk also has Slack, GitHub and a model.
func newFullDesk(t *testing.T) *desk {
	t.Helper()
	return &desk{services.New(t)}
}

// says runs a command and looks for a word in what it prints.
func (d *desk) says(code int, word string, args ...string) (out string) {
	d.T.Helper()
	got, out, errs := call(d.T, "", args...)
	if got != code || !strings.Contains(out+errs, word) {
		d.T.Errorf("%v: exit %d, want %d and %q\nout: %.2000s\nerr: %.2000s", args, got, code, word, out, errs)
	}
	return out
}

// opened opens a request as dana and gives its id.
func (d *desk) opened() string {
	d.T.Helper()
	out := d.says(cli.Done, "req_", "requests", "open", "s3-bucket", "--project", "core", "--env", "dev/app", "--as",
		"dana", "--reason", "for the test", "name=acme-desk")
	_, rest, _ := strings.Cut(out, "\nID: ")
	id, _, _ := strings.Cut(rest, "\n")
	return id
}

// writeFile writes a file and the directories that it is in.
func writeFile(path string, content []byte) error {
	return errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o600))
}
