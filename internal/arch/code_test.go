package arch

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"testing"
)

// coded are types of internal/lifecycle whose values are declared there once: each has words,
// and a string that is written elsewhere would have none.
var coded = []string{"Conclusion", "ReasonCode", "EventType"}

// codedFields hold values of these types.
var codedFields = map[string]bool{"Conclusion": true, "Code": true, "Doubt": true}

func TestCodesAreConstants(t *testing.T) {
	values, params := map[string]bool{}, codedParams{}
	for _, f := range tree(t) {
		if f.dir == "internal/lifecycle" && !f.test {
			collectCoded(f, values)
		}
		params.collect(f)
	}
	if len(values) < 80 {
		t.Fatalf("only %d codes", len(values))
	}
	for _, f := range tree(t) {
		if f.test || underAny(f.dir, []string{"internal/sandbox", "internal/sim", "internal/story", "tools"}) {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			for _, lit := range params.literals(f, n) {
				if value, _ := strconv.Unquote(lit.Value); values[value] {
					t.Errorf("%s: %s is a constant of internal/lifecycle", f.set.Position(lit.Pos()), lit.Value)
				} else if isWord(value) {
					t.Errorf("%s: %s is no code of internal/lifecycle", f.set.Position(lit.Pos()), lit.Value)
				}
			}
			return true
		})
	}
}

// collectCoded finds the constants of the coded types.
func collectCoded(f file, values map[string]bool) {
	for _, d := range f.syntax.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			v := spec.(*ast.ValueSpec)
			typ, ok := v.Type.(*ast.Ident)
			for i := range v.Values {
				lit, isLit := v.Values[i].(*ast.BasicLit)
				for _, name := range coded {
					if ok && isLit && typ.Name == name {
						value, _ := strconv.Unquote(lit.Value)
						values[value] = true
					}
				}
			}
		}
	}
}

// codedParams are the parameters of coded types, by the name of the function and their index.
type codedParams map[string]map[int]bool

func (p codedParams) collect(f file) {
	for _, d := range f.syntax.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || f.test {
			continue
		}
		index := 0
		for _, field := range fn.Type.Params.List {
			for range max(1, len(field.Names)) {
				if slices.Contains(coded, lastName(field.Type)) {
					name := inPackage(f, fn.Name.Name)
					if p[name] == nil {
						p[name] = map[int]bool{}
					}
					p[name][index] = true
				}
				index++
			}
		}
	}
}

// inPackage tells functions of one name apart that no other package can call.
func inPackage(f file, name string) string {
	if ast.IsExported(name) {
		return name
	}
	return f.dir + "." + name
}

// literals are the strings that a node writes where a code belongs: beside == and !=, as
// a field, as an argument, or converted.
func (p codedParams) literals(f file, n ast.Node) (found []*ast.BasicLit) {
	add := func(e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING && lit.Value != `""` {
			found = append(found, lit)
		}
	}
	switch n := n.(type) {
	case *ast.BinaryExpr:
		if (n.Op == token.EQL || n.Op == token.NEQ) && codedFields[lastName(n.X)] {
			add(n.Y)
		}
	case *ast.KeyValueExpr:
		if codedFields[lastName(n.Key)] {
			add(n.Value)
		}
	case *ast.AssignStmt:
		for i, left := range n.Lhs {
			if i < len(n.Rhs) && codedFields[lastName(left)] {
				add(n.Rhs[i])
			}
		}
	case *ast.CallExpr:
		name := lastName(n.Fun)
		for i, arg := range n.Args {
			if p[inPackage(f, name)][i] || slices.Contains(coded, name) {
				add(arg)
			}
		}
	}
	return found
}

// isWord reports whether a text looks like a code rather than like words for people.
func isWord(s string) bool {
	for _, r := range s {
		if (r < 'a' || 'z' < r) && r != '_' {
			return false
		}
	}
	return s != ""
}
