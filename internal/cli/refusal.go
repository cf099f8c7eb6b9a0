package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
)

// Flags are where the fields of a use case are entered.
var Flags = map[string]string{
	request.FieldReason: "--reason", request.FieldConfirm: "--confirm",
	request.FieldProject: "--project", request.FieldEnvironment: "--env", request.FieldModule: "MODULE",
	request.FieldTeam: "--team", request.FieldUser: "--user", request.FieldLogin: "--login",
	request.FieldGithubID: "--github-id",
	request.FieldAs:       "--as",
}

// Refused says a refusal as the command line does: what has to be corrected after its flag, and what
// helps here. as is the login that --as names, id the request.
func Refused(err error, as, id string) error {
	var no *request.Refusal
	if !errors.As(err, &no) {
		return err
	}
	switch {
	case no.Class == request.Invalid && len(no.Faults) > 0:
		lines := make([]string, 0, len(no.Faults))
		for _, f := range no.Faults {
			where := Flags[f.Field]
			if name, ok := f.Input(); ok {
				where = name
			}
			lines = append(lines, where+": "+f.Text)
		}
		if no.Code == lifecycle.CodeUnread {
			lines = append(lines, planHint(id))
		}
		return Usagef("%s", strings.Join(lines, "\n"))
	case no.Code == lifecycle.CodeStale:
		return fmt.Errorf("%w\n%s", no, planHint(id))
	case no.Class == request.Missing:
		return fmt.Errorf("%w\n%s", no, "Run tfpilot requests list to see all requests.")
	case no.Code == lifecycle.CodeNotLinked:
		return fmt.Errorf("no identity is linked to %q: %w", as, no)
	case no.Unwrap() != nil:
		return fmt.Errorf("%w (%w)", no, no.Unwrap())
	default:
		return no
	}
}

// planHint says how a plan is read and confirmed here.
func planHint(id string) string {
	return fmt.Sprintf("Run tfpilot requests plan %s, then confirm with --confirm and the digest after the plan.", id)
}
