package arch

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

const (
	maxFile        = 500 // lines
	maxFunction    = 100
	mostFunctions  = 60 // that 95 of 100 functions stay below
	medianFunction = 15
)

func TestFilesAreShort(t *testing.T) {
	for _, f := range tree(t) {
		if f.lines >= maxFile && !f.generated() {
			t.Errorf("%s has %d lines", f.path, f.lines)
		}
	}
}

func TestFunctionsAreShort(t *testing.T) {
	var sizes []int
	for _, f := range tree(t) {
		if f.generated() {
			continue
		}
		for _, d := range f.syntax.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			n := f.set.Position(fn.End()).Line - f.set.Position(fn.Pos()).Line + 1
			if n > maxFunction {
				t.Errorf("%s: %s has %d lines", f.path, fn.Name.Name, n)
			}
			if !f.test {
				sizes = append(sizes, n)
			}
		}
	}
	slices.Sort(sizes)
	if median := sizes[len(sizes)/2]; median > medianFunction {
		t.Errorf("half of the functions have more than %d lines", median)
	}
	if most := sizes[len(sizes)*95/100]; most >= mostFunctions {
		t.Errorf("5 of 100 functions have %d lines or more", most)
	}
}

// Every package says what it owns before anything else.
func TestPackagesSayWhatTheyOwn(t *testing.T) {
	said := map[string]bool{}
	for _, f := range tree(t) {
		if f.test {
			continue
		}
		name := f.syntax.Name.Name
		doc := strings.TrimSpace(f.syntax.Doc.Text())
		fits := strings.HasPrefix(doc, "Package "+name+" ") || name == "main" && doc != ""
		said[f.dir] = said[f.dir] || fits
	}
	for dir, ok := range said {
		if !ok {
			t.Errorf("%s has no package comment", dir)
		}
	}
}

// Words that promise to finish later, and tests that are passed over.
func TestNothingIsPutOff(t *testing.T) {
	for _, f := range tree(t) {
		for _, group := range f.syntax.Comments {
			for _, word := range []string{"TO" + "DO", "FIX" + "ME", "XX" + "X"} {
				if strings.Contains(group.Text(), word) {
					t.Errorf("%s: %s", f.set.Position(group.Pos()), word)
				}
			}
		}
		for _, call := range selectors(f) {
			if f.test && (call == "t.Skip" || call == "t.Skipf" || call == "t.SkipNow" || call == "b.Skip" || call == "f.Skip") {
				t.Errorf("%s uses %s: a tool that is missing is a failure", f.path, call)
			}
		}
	}
}
