package rbac

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// A verb that no feature asks for, by its name or as the verb of an action, would be a permission for nothing.
func TestEachVerbIsUsed(t *testing.T) {
	used := verbsUsed(t)
	for _, row := range Matrix() {
		if !used[constants(t)[row.Verb]] && VerbOf(lifecycle.Action(row.Verb)) == "" {
			t.Errorf("nothing uses %s", row.Verb)
		}
	}
}

// verbsUsed returns the names that other packages select from this one.
func verbsUsed(t *testing.T) map[string]bool {
	t.Helper()
	used := map[string]bool{}
	for _, dir := range []string{"cmd", "slackapp", "worker", "internal/web", "internal/request"} {
		err := filepath.WalkDir(filepath.Join("..", "..", dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := s.X.(*ast.Ident); ok && x.Name == "rbac" {
						used[s.Sel.Name] = true
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return used
}

// constants returns the name of each verb's constant.
func constants(t *testing.T) map[Verb]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "matrix.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declaredNames := map[Verb]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			if kind, ok := v.Type.(*ast.Ident); ok && kind.Name == "Verb" {
				declaredNames[Verb(strings.Trim(v.Values[0].(*ast.BasicLit).Value, `"`))] = v.Names[0].Name
			}
		}
		return true
	})
	return declaredNames
}
