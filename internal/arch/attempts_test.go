package arch

import (
	"go/ast"
	"slices"
	"testing"
)

// What is said about a request is decided in internal/view, from the attempts of its runs. A
// surface that read the attempts itself would say it in words of its own, which then drift apart.
// Surfaces may ask lifecycle which run made a plan, to read what that run stored.
func TestSurfacesDoNotReadAttempts(t *testing.T) { assertRule(t, attempts) }

// surfaces are the packages that show requests to people.
var surfaces = []string{"slackapp", "cmd", "internal/web", "internal/request", "internal/sandbox/page"}

// attemptNames are the fields and methods that lead to the attempts of a request.
var attemptNames = []string{"Attempts", "CurrentRun", "AttemptOf", "FailedStep"}

func attempts(f file) (faults []string) {
	if f.test || !underAny(f.dir, surfaces) {
		return nil
	}
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && slices.Contains(attemptNames, s.Sel.Name) {
			faults = append(faults, "reads "+s.Sel.Name+": ask internal/view what to say")
		}
		return true
	})
	return faults
}
