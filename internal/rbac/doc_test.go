package rbac

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/testing/golden"
)

func TestDocs(t *testing.T) {
	golden.Check(t, filepath.Join("..", "..", "docs", "RBAC.md"), page())
}

// page is docs/RBAC.md, made from the matrix that decides.
func page() string {
	var b strings.Builder
	b.WriteString(intro)
	b.WriteString("| Verb | What | viewer | developer | approver | admin | Protected environments |\n" +
		"|---|---|---|---|---|---|---|\n")
	for _, row := range Matrix() {
		fmt.Fprintf(&b, "| `%s` | %s%s |", row.Verb, row.Phrase, barred(row))
		for _, role := range Roles() {
			b.WriteString(" " + cell[row.Grant(role)] + " |")
		}
		b.WriteString(map[ProtectedList]string{
			NoList: "", ProdList: " `" + listName(ProdList) + "`", DestroyProdList: " `" + listName(DestroyProdList) + "`",
		}[row.Protected] + " |\n")
	}
	b.WriteString(outro)
	return b.String()
}

// barred names who never has the right, whatever their role.
func barred(r Row) string {
	switch {
	case r.BarsAuthor && r.BarsRequester:
		return " (not an author or a requester of the round)"
	case r.BarsAuthor:
		return " (not an author)"
	case r.BarsRequester:
		return " (not a requester of the round)"
	default:
		return ""
	}
}

var cell = map[Grant]string{No: "", Own: "own", OwnApply: "own ¹", OwnDestroy: "own ²", Yes: "yes"}

const intro = `# Roles and permissions

` + "`go test ./internal/rbac -update`" + ` writes this page from the matrix in ` + "`internal/rbac`" + `.
Slack, the command line and the worker use the same function. The worker checks again when it carries out a
request.

## Roles

Permissions belong to GitHub logins, which are compared without case. The first list that contains the login
sets the role: ` + "`TFPILOT_ADMINS`" + `, ` + "`TFPILOT_APPROVERS`" + `, ` + "`TFPILOT_VIEWERS`" + `, otherwise
developer. A person without a linked GitHub login is at most a viewer. If ` + "`TFPILOT_ALLOWED_LOGINS`" + ` is
set, people who are not on it have no access. For reading on the command line see below.

## The matrix

"own" means requests that the person created. An empty cell means no. Everything that is not in this table is
refused.

`

const outro = `
¹ where the environment has ` + "`apply: requester`" + `
² where the environment has ` + "`destroy: requester`" + `; the destroy still needs an approval by someone else

## Protected environments

An environment with ` + "`protected: true`" + `, and always ` + "`prod`" + `, requires more: for the verbs with
a list in the last column, that list must also contain the person. An empty list allows no one, and TfPilot
warns about it when it starts. ` + "`plan`" + ` needs the list only when a person requests the plan. The first
plan of a new request runs with the permissions of its requester.

## The command line

` + "`--as LOGIN`" + ` sets the login whose permissions count for every change, for ` + "`requests sync`" + `
and for ` + "`reindex`" + `. Nothing proves it, because a person who runs the command line already has the app's
access to the bucket. Reading needs only that access: without ` + "`--as`" + `, ` + "`requests list`" + `,
` + "`show`" + `, ` + "`plan`" + ` and ` + "`export`" + `, and ` + "`identities list`" + `, need no login, and
` + "`TFPILOT_ALLOWED_LOGINS`" + ` does not restrict them. With ` + "`--as`" + `, they show what that login can
see.

An approval needs ` + "`--confirm`" + ` with the digest of the plan that you read. A destroy needs
` + "`--confirm`" + ` with the environment. Slack asks for both in a dialog.

## Authors and requesters

The people who wrote the inputs of a request are its authors. The person who requests a destroy, or a new plan
of merged code, is an author of that round. TfPilot recognizes authors by GitHub login, by GitHub ID, and by
Slack account, which may be linked to another login by now. No author can approve, whether in Slack, by a GitHub
review or on the command line. No author of the inputs can reject. The requester of a round can dismiss it.
` + "`selfApproval: true`" + ` allows authors to approve in one environment. Protected environments ignore it.

## How long an approval counts

An approval counts while everything that made it valid is still true. TfPilot checks all of it when it records
the approval, when it carries out a merge, an apply or a destroy, and once more directly before it merges or
starts the run:

- the Slack account is linked to that GitHub login and that GitHub ID, and on GitHub the login still belongs to
  that ID;
- the person can approve: role, ` + "`TFPILOT_ALLOWED_LOGINS`" + `, the list of a protected environment, not an
  author, not the requester of the round;
- in a protected environment, the person typed the confirmation;
- the person has not changed their mind since, on any surface: *Withdraw approval* in Slack or
  ` + "`tfpilot requests withdraw`" + `, a rejection, a review on GitHub
  that requests changes, or a dismissed review.

Within a minute after a link changes, a sweep dismisses that person's approvals that are not applied yet. The
same happens after a role or a list changes and the workers restart. A dismissed approval never counts again.
TfPilot asks GitHub whether a login still belongs to its ID at most every five minutes for each login and
worker. A review on GitHub counts only if its account is linked to a Slack account, as for a click. `
