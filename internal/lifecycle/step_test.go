package lifecycle

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"
)

// Steps lists every constant of type StepName, each once.
func TestStepsAreComplete(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "next.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared []StepName
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		typ, ok := spec.Type.(*ast.Ident)
		value, isText := spec.Values[0].(*ast.BasicLit)
		if ok && isText && typ.Name == "StepName" {
			name, err := strconv.Unquote(value.Value)
			if err != nil {
				t.Fatal(err)
			}
			declared = append(declared, StepName(name))
		}
		return true
	})
	listed := slices.Sorted(slices.Values(Steps))
	if slices.Sort(declared); len(declared) == 0 || !slices.Equal(declared, listed) {
		t.Errorf("Steps holds %q, declared are %q", listed, declared)
	}
}
