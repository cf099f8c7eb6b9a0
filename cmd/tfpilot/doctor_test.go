package main

import (
	"encoding/json"
	"testing"

	"github.com/tfpilot/tfpilot/internal/cli"
)

// The doctor fails when one check fails, and scripts get the same.
func TestDoctorEndsWithWhatItFound(t *testing.T) {
	w := newFullDesk(t)
	w.says(cli.Done, "ok  Redis responds", "doctor")
	t.Setenv("SLACK_BOT_TOKEN", "xoxb-other")
	w.says(cli.Failed, "FAIL  Slack accepts the bot token", "doctor")
	var got struct {
		Checks []struct{ OK bool }
	}
	if err := json.Unmarshal([]byte(w.says(cli.Failed, "invalid_auth", "doctor", "--json")), &got); err != nil ||
		len(got.Checks) < 10 {
		t.Errorf("%d checks, %v", len(got.Checks), err)
	}
}

func TestDoctorTellsRolesToScripts(t *testing.T) {
	w := newFullDesk(t)
	code, out, errs := call(t, "", "doctor", "--roles", "--json")
	var got struct {
		Roles         []struct{ Login, Role string }
		EverybodyElse string
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != cli.Done {
		t.Fatalf("exit %d, %v\n%s%s", code, err, out, errs)
	}
	if len(got.Roles) != 2 || got.Roles[0].Login != "adam" || got.Roles[0].Role != "admin" ||
		got.EverybodyElse != "developer" {
		t.Errorf("got %+v", got)
	}
	w.says(cli.Done, "everyone else", "doctor", "--roles")
}
