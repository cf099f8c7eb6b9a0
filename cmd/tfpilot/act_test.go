package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/doctor"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/internal/wire"
)

// Linking gives the rights of a login, so only admins may do it, and one account belongs
// to one person.
func TestMayLink(t *testing.T) {
	k := &console{Parts: &wire.Parts{Config: &config.Config{People: rbac.Policy{Admins: []string{"adam"}, Approvers: []string{"omar"}}}}}
	for as, ok := range map[string]bool{"adam": true, "Adam": true, "omar": false, "dana": false, "": false} {
		k.as = as
		if err := k.mayLink(); (err == nil) != ok {
			t.Errorf("%q: %v", as, err)
		}
	}
	dana := lifecycle.Identity{SlackTeam: "T1", SlackUser: "U1", Login: "dana", GithubID: 1}
	for _, c := range []struct {
		id   lifecycle.Identity
		want bool
	}{
		{lifecycle.Identity{SlackTeam: "T1", SlackUser: "U1", Login: "dana2", GithubID: 1}, false}, // linked again
		{lifecycle.Identity{SlackTeam: "T1", SlackUser: "U2", Login: "other", GithubID: 1}, true},
		{lifecycle.Identity{SlackTeam: "T1", SlackUser: "U2", Login: "DANA", GithubID: 2}, true},
		{lifecycle.Identity{SlackTeam: "T1", SlackUser: "U2", Login: "omar", GithubID: 3}, false},
	} {
		if got := sharesAccount(dana, c.id); got != c.want {
			t.Errorf("%+v: %v", c.id, got)
		}
	}
}

func TestDoctorSpeaksJSON(t *testing.T) {
	var out strings.Builder
	findings := []doctor.Finding{{What: "Redis responds"}, {What: "Slack accepts the bot token", Err: errors.New("invalid_auth")}}
	if err := writeFindingsJSON(&out, nil, findings); err != nil {
		t.Fatal(err)
	}
	want := `{"notes":[],"checks":[{"what":"Redis responds","ok":true},{"what":"Slack accepts the bot token","ok":false,"error":"invalid_auth"}]}` + "\n"
	if out.String() != want {
		t.Errorf("got %s", out.String())
	}
}
