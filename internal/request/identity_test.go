package request_test

import (
	"errors"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/request/requesttest"
)

// Linking gives the rights of a login, so only admins may do it, and one account belongs to one person.
func TestLinkOfAnAccount(t *testing.T) {
	dana := requesttest.GithubIDs["dana"]
	user := requesttest.SlackUsers["dana"]
	for name, c := range map[string]struct {
		by, user, login string
		id              int64
		class           request.Class // 0: linked
		field           string
	}{
		"new":                     {by: "adam", user: "U0ZOE", login: "zoe", id: 1009},
		"by an admin, otherwise":  {by: "ADAM", user: "U0ZOE", login: "zoe", id: 1009},
		"again, after a new name": {by: "adam", user: user, login: "dana2", id: dana},
		"by an approver":          {by: "omar", user: "U0ZOE", login: "zoe", id: 1009, class: request.Denied},
		"by a developer":          {by: "dana", user: "U0ZOE", login: "zoe", id: 1009, class: request.Denied},
		"by no login":             {by: "", user: "U0ZOE", login: "zoe", id: 1009, class: request.Denied},
		"account of another":      {by: "adam", user: "U0ZOE", login: "zoe", id: dana, class: request.Conflict},
		"login of another":        {by: "adam", user: "U0ZOE", login: "DANA", id: 1009, class: request.Conflict},
		"a name as user":          {by: "adam", user: "zoe", login: "zoe", id: 1009, class: request.Invalid, field: request.FieldUser},
		"no login":                {by: "adam", user: "U0ZOE", login: "z e", id: 1009, class: request.Invalid, field: request.FieldLogin},
		"negative id":             {by: "adam", user: "U0ZOE", login: "zoe", id: -1, class: request.Invalid, field: request.FieldGithubID},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t)
			id := lifecycle.Identity{SlackTeam: requesttest.Team, SlackUser: c.user, Login: c.login, GithubID: c.id}
			_, err := w.Link(t.Context(), c.by, id)
			var refusal *request.Refusal
			if errors.As(err, &refusal) != (c.class != 0) || refusal == nil && err != nil {
				t.Fatal(err)
			}
			have, err := w.store.Identity(t.Context(), requesttest.Team, c.user)
			if c.class == 0 {
				if err != nil || have.Login != c.login || have.LinkedBy != c.by || have.LinkedAt.IsZero() {
					t.Errorf("linked %+v, %v", have, err)
				}
				return
			}
			if refusal.Class != c.class || c.field != "" && refusal.Faults[0].Field != c.field {
				t.Errorf("refused with %+v", refusal)
			}
			if err == nil && c.user != user {
				t.Errorf("linked %+v", have)
			}
		})
	}
}

func TestUnlink(t *testing.T) {
	w := newFixture(t)
	id := lifecycle.Identity{SlackTeam: requesttest.Team, SlackUser: requesttest.SlackUsers["dana"]}
	if err := w.Unlink(t.Context(), "omar", id); err == nil || w.caller("dana").Login == "" {
		t.Errorf("an approver unlinked dana: %v", err)
	}
	if err := w.Unlink(t.Context(), "adam", lifecycle.Identity{SlackTeam: "acme"}); err == nil {
		t.Error("unlinked nothing")
	}
	if err := w.Unlink(t.Context(), "adam", id); err != nil || w.caller("dana").Login != "" {
		t.Errorf("an admin did not unlink dana: %v", err)
	}
}
