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
		fmt.Fprintf(&b, "| `%s` | %s%s%s |", row.Verb, row.Phrase, map[bool]string{true: " (never an author)"}[row.BarsAuthor], map[bool]string{true: "; reserved: not used yet"}[row.Reserved()])
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

var cell = map[Grant]string{No: "", Own: "own", OwnApply: "own ¹", OwnDestroy: "own ²", Yes: "yes"}

const intro = `# Who may do what

This page is written by ` + "`go test ./internal/rbac -update`" + ` from the matrix that decides (` + "`internal/rbac`" + `). Slack,
the command line and the worker all ask the same function; the worker asks again at the moment of the effect.

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
it, for whoever runs the command line holds the app's access to the bucket already. Reading there needs that access and no right: ` + "`requests list`, `show` and `export`" + `
and ` + "`identities list`" + ` ask for no login, and ` + "`TFPILOT_ALLOWED_LOGINS`" + ` does not bind them.

## Authors

Whoever wrote the inputs of a request is its author, recognised by GitHub login or GitHub id. No author approves or rejects it, on any
surface: not in Slack, not by a GitHub review, not on the command line. ` + "`selfApproval: true`" + ` lifts this for one environment, and is ignored in protected ones.
`
