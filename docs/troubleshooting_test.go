package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
)

// The troubleshooting page explains every reason for which a run fails or a step of the worker does not
// work, and names no code that does not exist.
func TestTroubleshootingNamesEveryReason(t *testing.T) {
	text, err := os.ReadFile("docs/TROUBLESHOOTING.md")
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), "internal/lifecycle/code.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, d := range file.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		about := group.Doc.Text()
		if !strings.HasPrefix(about, "Why a run") && !strings.HasPrefix(about, "Why a step") {
			continue
		}
		for _, s := range group.Specs {
			for _, v := range s.(*ast.ValueSpec).Values {
				code, err := strconv.Unquote(v.(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				found++
				if !strings.Contains(string(text), "`"+code+"`") {
					t.Errorf("docs/TROUBLESHOOTING.md does not explain %s", code)
				}
			}
		}
	}
	if found < 25 {
		t.Errorf("found only %d codes", found)
	}
}
