package arch

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// A request is created, and an intent recorded, in one place: the use cases. What a surface or a
// worker would do beside them would be decided there a second time.
func TestOnlyUseCasesCreateAndRecord(t *testing.T) {
	assertRule(t, secondHands)
	found := map[string]bool{}
	for _, f := range tree(t) {
		for _, what := range writes(f) {
			if f.dir == "internal/request" && !f.test {
				found[what] = true
			}
		}
	}
	for _, what := range []string{"creates a request", "makes the document of a request", "records an action"} {
		if !found[what] {
			t.Errorf("internal/request: nothing %s; is the rule still right?", what)
		}
	}
}

func secondHands(f file) []string {
	switch {
	case f.dir == "internal/story": // requests for tests
		return nil
	case f.dir == "internal/request/requesttest": // the documents of its cases
		return slices.DeleteFunc(writes(f), func(what string) bool { return what == "makes the document of a request" })
	case f.test, underAny(f.dir, []string{"internal/request", "internal/lifecycle", "internal/store"}):
		return nil
	default:
		return writes(f)
	}
}

// writes finds what creates a request or records an action: store.Create(ctx, request), lifecycle.New,
// lifecycle.RecordIntent, and the patch of an action's row, row.Patch(intent).
func writes(f file) (found []string) {
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		fn, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		on := strings.ToLower(lastName(fn.X))
		switch {
		case fn.Sel.Name == "Create" && len(call.Args) == 2 && (on == "store" || on == "documents" || on == "s"):
			found = append(found, "creates a request")
		case on == "lifecycle" && fn.Sel.Name == "New":
			found = append(found, "makes the document of a request")
		case on == "lifecycle" && fn.Sel.Name == "RecordIntent", on == "row" && fn.Sel.Name == "Patch":
			found = append(found, "records an action")
		}
		return true
	})
	return found
}

// Commands call the use cases, not Slack: only what starts the Slack app and what checks its workspace
// know it.
func TestWhoImportsSlack(t *testing.T) { assertRule(t, slackImports) }

func slackImports(f file) []string {
	allowed := f.test || underAny(f.dir, []string{"slackapp", "internal/wire", "internal/doctor", "internal/testing/services"})
	if allowed || !slices.Contains(f.imports, module+"/slackapp") {
		return nil
	}
	return []string{"imports slackapp; call internal/request"}
}

// What tests share is imported by tests only, and nothing else knows that it is tested: a test double
// inside the product would be one that a configuration could reach.
func TestSharedTestCodeIsForTests(t *testing.T) {
	assertRule(t, forTestsInProduct)
	assertRule(t, testingInProduct)
}

// forTests are the packages that only tests import.
var forTests = []string{
	"internal/testing/golden", "internal/testing/inprocess", "internal/testing/bucket", "internal/testing/browser",
	"internal/testing/services",
	"internal/story", "internal/request/requesttest",
}

func forTestsInProduct(f file) (faults []string) {
	if f.test || slices.Contains(forTests, f.dir) {
		return nil
	}
	for _, name := range f.imports {
		if ours, ok := strings.CutPrefix(name, module+"/"); ok && underAny(ours, append(forTests, "internal/testing")) {
			faults = append(faults, "imports "+ours+", which is for tests")
		}
	}
	return faults
}

func testingInProduct(f file) (faults []string) {
	if f.test || slices.Contains(forTests, f.dir) || underAny(f.dir, []string{"internal/sim"}) {
		return nil
	}
	for _, name := range f.imports {
		if under(name, "testing") || name == "net/http/httptest" {
			faults = append(faults, "imports "+name+", which is for tests")
		}
	}
	return faults
}

// What the Slack app offers to whom, the use cases decide: rights exist once.
func TestSlackAsksTheUseCasesForRights(t *testing.T) { assertRule(t, rightsInSlack) }

func rightsInSlack(f file) (faults []string) {
	if f.test || !underAny(f.dir, []string{"slackapp"}) {
		return nil
	}
	if slices.Contains(f.imports, module+"/internal/rbac") {
		faults = append(faults, "imports internal/rbac: ask internal/request")
	}
	return faults
}
