package doctor

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/rbac"
)

func TestFindingsAreWritten(t *testing.T) {
	findings := []Finding{
		{What: "Redis responds"}, {What: "Slack accepts the bot token", Err: errors.New("invalid_auth")},
	}
	var text, data strings.Builder
	if err := errors.Join(Write(&text, []string{"a warning"}, findings), WriteJSON(&data, nil, findings)); err != nil {
		t.Fatal(err)
	}
	if want := "note: a warning\nok    Redis responds\nFAIL  Slack accepts the bot token\n        invalid_auth\n"; text.String() != want {
		t.Errorf("got %q", text.String())
	}
	want := `{"notes":[],"checks":[{"what":"Redis responds","ok":true},` +
		`{"what":"Slack accepts the bot token","ok":false,"error":"invalid_auth"}]}` + "\n"
	if data.String() != want {
		t.Errorf("got %s", data.String())
	}
}

// Each login of a list has one line, however it is written.
func TestRolesAreWritten(t *testing.T) {
	policy := rbac.Policy{Admins: []string{"Adam"}, Approvers: []string{"omar"}, ProdAllowed: []string{"adam", "zoe"}}
	var text, data strings.Builder
	if err := errors.Join(WriteRoles(&text, policy, false), WriteRoles(&data, policy, true)); err != nil {
		t.Fatal(err)
	}
	if want := []string{
		"adam", "admin", "omar", "approver", "zoe", "developer",
		"everyone", "else", "with", "a", "linked", "account", "developer",
	}; !slices.Equal(strings.Fields(text.String()), want) {
		t.Errorf("got %q", text.String())
	}
	want := `{"everybodyElse":"developer","roles":[{"login":"adam","role":"admin"},` +
		`{"login":"omar","role":"approver"},{"login":"zoe","role":"developer"}]}` + "\n"
	if data.String() != want {
		t.Errorf("got %s", data.String())
	}
}
