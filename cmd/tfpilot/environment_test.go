package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Who holds an environment can be seen, and an admin who names the holder and says why
// takes it away.
func TestEnvironmentIsReleasedByForce(t *testing.T) {
	d := newDesk(t)
	d.says(cli.Done, "free", "environments", "list")
	id, cid := d.opened(), "apply-"+strings.Repeat("a", 32)
	env := lifecycle.Environment{Key: "dev", Slug: "app"}
	for i, request := range []string{id, "req_abcdefghijklm"} {
		_, err := d.Store.UpdateEnvironment(t.Context(), "core", env,
			func(e lifecycle.EnvironmentState) (lifecycle.EnvironmentState, error) {
				entry := lifecycle.LeaseEntry{CorrelationID: cid[:len(cid)-1] + string(rune('a'+i)), RequestID: request,
					Title: "Bucket", Kind: lifecycle.KindApply, By: "dana", Since: time.Now()}
				return e.Enqueue(entry, time.Now()), nil
			})
		if err != nil {
			t.Fatal(err)
		}
	}
	d.says(cli.Done, "held by the apply of "+id, "environments", "list")
	d.says(cli.Done, "1. waiting: the apply of req_abcdefghijklm", "environments", "list")

	release := func(more ...string) []string { return append([]string{"environments", "release"}, more...) }
	for says, args := range map[string][]string{
		"--project":            release("--env", "dev/app", "--as", "adam", "--reason", "x"),
		"--env":                release("--project", "core", "--as", "adam", "--reason", "x"),
		"--as LOGIN":           release("--project", "core", "--env", "dev/app", "--reason", "x"),
		"--reason is required": release("--project", "core", "--env", "dev/app", "--as", "adam", "--confirm", id),
		"use --confirm " + id:  release("--project", "core", "--env", "dev/app", "--as", "adam", "--reason", "x"),
		"is held by the apply of": release("--project", "core", "--env", "dev/app", "--as", "adam", "--reason", "x",
			"--confirm", "req_abcdefghijklm"),
	} {
		d.says(cli.Usage, says, args...)
	}
	full := release("--project", "core", "--env", "dev/app", "--confirm", id, "--reason", "its runner is lost", "--json")
	d.says(cli.Failed, "Only admins can force-release an environment", append(full, "--as", "dana")...)
	if state, err := d.Store.Environment(t.Context(), "core", env); err != nil || state.Holder.RequestID != id {
		t.Fatalf("lease %+v, %v", state, err)
	}
	var out struct {
		Released lifecycle.LeaseEntry `json:"released"`
	}
	if err := json.Unmarshal([]byte(d.says(cli.Done, id, append(full, "--as", "adam")...)), &out); err != nil ||
		out.Released.RequestID != id {
		t.Errorf("%+v, %v", out, err)
	}
	d.says(cli.Usage, "is held by the apply of req_abcdefghijklm", append(full, "--as", "adam")...)
	if state, err := d.Store.Environment(t.Context(), "core", env); err != nil ||
		state.Holder.RequestID != "req_abcdefghijklm" {
		t.Errorf("lease %+v, %v", state, err)
	}
}
