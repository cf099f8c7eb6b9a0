package rbac

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

func TestDocs(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "RBAC.md")
	want := page()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("docs/RBAC.md is not what the matrix says; run: go test ./internal/rbac -update")
	}
}

// page is docs/RBAC.md, made from the matrix that decides.
func page() string {
	var b strings.Builder
	b.WriteString(intro)
	b.WriteString("| Verb | What | viewer | developer | approver | admin | Protected environments |\n|---|---|---|---|---|---|---|\n")
	for _, row := range Matrix() {
		fmt.Fprintf(&b, "| `%s` | %s%s%s |", row.Verb, row.Phrase, barred(row), map[bool]string{true: "; reserved: not used yet"}[row.Reserved()])
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
		return " (never an author, nor who requested the round)"
	case r.BarsAuthor:
		return " (never an author)"
	case r.BarsRequester:
		return " (never who requested the round)"
	default:
		return ""
	}
}

var cell = map[Grant]string{No: "", Own: "own", OwnApply: "own ¹", OwnDestroy: "own ²", Yes: "yes"}

const intro = `# Who may do what

This page is written by ` + "`go test ./internal/rbac -update`" + ` from the matrix that decides (` + "`internal/rbac`" + `). Slack,
the command line and the worker all ask the same function; the worker asks again whenever it carries out what was requested.

## Roles

Rights belong to GitHub logins, which are compared without case. The role is that of the first list that names the login:
` + "`TFPILOT_ADMINS`, `TFPILOT_APPROVERS`, `TFPILOT_VIEWERS`" + `, else developer. Without a linked GitHub login nobody is more than a viewer.
When ` + "`TFPILOT_ALLOWED_LOGINS`" + ` is set, whoever it does not name may do nothing at all; for reading on the command line see below.

## The matrix

"own" is a request that the person asked for. An empty cell means no. Whatever is not in this table is refused.
A verb that is reserved has its rights already, so that they stand before there is a command or button for it.

`

const outro = `
¹ where the environment says ` + "`apply: requester`" + `
² where the environment says ` + "`destroy: requester`" + `; the destroy still needs the approval of somebody else

## Protected environments

An environment with ` + "`protected: true`" + `, and always ` + "`prod`" + `, asks for more: the verbs with a list in the last column are allowed only to people
whom that list names as well. An empty list there allows nobody, and start-up says so. ` + "`plan`" + ` needs the list only when a person asks for it;
the plan that a new request makes due runs with the rights of whoever asked for it.

## The command line

` + "`--as LOGIN`" + ` says who asks: that login's rights count for everything that changes something, for ` + "`requests sync`" + ` and for ` + "`reindex`" + `. Nothing proves
it, for whoever runs the command line holds the app's access to the bucket already. Reading there needs that access and no right: without ` + "`--as`" + `, ` + "`requests list`" + `, ` + "`show`" + `,
` + "`plan`" + ` and ` + "`export`" + ` and ` + "`identities list`" + ` ask for no login, and ` + "`TFPILOT_ALLOWED_LOGINS`" + ` does not bind them. With it, they show what that login may see.

An approval needs ` + "`--confirm`" + ` with the digest of the plan that you read, and a destroy needs ` + "`--confirm`" + ` with the environment, as Slack asks for both in a window.

## Authors and requesters

The people who wrote the inputs of a request are its authors. The person who requests a destroy, or a new plan of what was merged, is an author of that
round. Authors are recognized by GitHub login, by GitHub id, and by the Slack account, which may be linked to another login by now. No author approves, on any
surface: not in Slack, not by a GitHub review, not on the command line. No author of the inputs rejects; the requester of a round may dismiss it.
` + "`selfApproval: true`" + ` lifts this for one environment, and is ignored in protected ones.

## How long an approval counts

An approval counts as long as everything that made it valid still holds. TfPilot checks all of it when it records the approval, when it carries out a merge, an
apply or a destroy, and once more directly before it merges or starts the run:

- the Slack account is linked to that GitHub login and that GitHub id, and on GitHub the login still belongs to that id;
- the person may approve: role, ` + "`TFPILOT_ALLOWED_LOGINS`" + `, the list of a protected environment, no author, not the requester of the round;
- in a protected environment, the approval was confirmed by typing;
- the person has not changed their mind since, on any surface: *Withdraw approval* in Slack or ` + "`tfpilot requests withdraw`" + `, a rejection, a review on GitHub
  that requests changes, a review that was dismissed.

Within a minute after a link has changed, a sweep voids what that person approved and what is not applied yet; the same happens after a role or a list has changed
and the workers have restarted. A void approval never counts again. Whether a login still belongs to its GitHub id is asked of GitHub at most every five minutes for each
login and worker.
A review on GitHub counts only for an account that is linked to a Slack account, as a click does.
`
