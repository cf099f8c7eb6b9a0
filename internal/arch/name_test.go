package arch

import (
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

// boundsOfNames are patterns that only internal/lifecycle may contain. It decides which
// names are valid, so that no package accepts what another one refuses.
var boundsOfNames = []string{
	"req_[", "[0-9a-f]{32}", "[0-9a-f]{40}", "sha256:[0-9a-f]", "[a-z][a-z0-9-]{", "[a-z0-9][a-z0-9-]{", "plan|apply",
	"[A-Za-z0-9._-]{1,100}$",
}

// ownNames have their own rules for names: the core, what imitates outside systems, and the tools.
var ownNames = []string{"internal/lifecycle", "internal/sandbox", "internal/sim", "tools"}

// The sandbox imports nothing of the product, and secretscan has its own patterns.
func TestNamesHaveOneBound(t *testing.T) {
	for _, f := range tree(t) {
		if f.test || underAny(f.dir, append([]string{"internal/secretscan"}, ownNames...)) {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			text, ok := n.(*ast.BasicLit)
			if !ok || text.Kind != token.STRING || !strings.HasPrefix(text.Value[1:], "^") {
				return true
			}
			for _, bound := range boundsOfNames {
				if strings.Contains(text.Value, bound) {
					t.Errorf("%s has its own bound for a name: %s", f.set.Position(text.Pos()), text.Value)
				}
			}
			return true
		})
	}
}

// Logins are compared, and made the keys of maps, by one function of the core; and what is
// protected is decided by one.
func TestLoginsAndProtectionHaveOneRule(t *testing.T) {
	for _, f := range tree(t) {
		if f.test || underAny(f.dir, ownNames) {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				fn, ok := n.Fun.(*ast.SelectorExpr)
				folds := ok && (fn.Sel.Name == "EqualFold" || fn.Sel.Name == "ToLower")
				for _, arg := range n.Args {
					if folds && strings.HasSuffix(strings.ToLower(lastName(arg)), "login") {
						t.Errorf("%s compares logins by itself", f.set.Position(n.Pos()))
					}
				}
			case *ast.BinaryExpr:
				if text, ok := n.Y.(*ast.BasicLit); ok && text.Value == `"prod"` {
					t.Errorf("%s decides by itself what is protected", f.set.Position(n.Pos()))
				}
			}
			return true
		})
	}
}

func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}
