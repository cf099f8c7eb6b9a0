package arch

import (
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

const (
	maxFile        = 500 // lines
	maxFunction    = 100
	mostFunctions  = 60 // 95 % of all functions are shorter
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
		t.Errorf("the median function has more than %d lines", median)
	}
	if most := sizes[len(sizes)*95/100]; most >= mostFunctions {
		t.Errorf("5 %% of all functions have %d lines or more", most)
	}
}

// Each package comment starts by naming what the package owns.
func TestPackagesSayWhatTheyOwn(t *testing.T) {
	documented := map[string]bool{}
	for _, f := range tree(t) {
		if f.test {
			continue
		}
		name := f.syntax.Name.Name
		doc := strings.TrimSpace(f.syntax.Doc.Text())
		ok := strings.HasPrefix(doc, "Package "+name+" ") || name == "main" && doc != ""
		documented[f.dir] = documented[f.dir] || ok
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s has no package comment", dir)
		}
	}
}

// No comment promises to finish later, and no test is skipped.
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
				t.Errorf("%s uses %s: a missing tool is a failure", f.path, call)
			}
		}
	}
}

const (
	maxColumns = 120
	mostLong   = 4 // lines of 1,000 that may be longer
)

// shortLines lists the directories that keep the limit; /... includes those below.
var shortLines = []string{
	"cmd/...",
	"docs",
	"internal/arch",
	"internal/bootstrap",
	"internal/catalog",
	"internal/ci",
	"internal/cli",
	"internal/config",
	"internal/doctor",
	"internal/github",
	"internal/intake",
	"internal/invisible",
	"internal/lifecycle",
	"internal/queue",
	"internal/rbac",
	"internal/request",
	"internal/sandbox/...",
	"internal/sim/...",
	"internal/secretscan",
	"internal/store",
	"internal/story",
	"internal/terraform",
	"internal/view",
	"internal/terminal",
	"internal/web",
	"internal/wire",
	"slackapp/...",
	"tools/...",
	"worker",
}

// Lines are short, with few exceptions, such as a URL.
func TestLinesAreShort(t *testing.T) {
	lines, long := map[string]int{}, map[string][]string{}
	for _, f := range tree(t) {
		i := slices.IndexFunc(shortLines, func(d string) bool { return listed(f.dir, []string{d}) })
		if i < 0 || f.generated() {
			continue
		}
		text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(f.path)))
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(string(text), "\n") {
			lines[shortLines[i]]++
			if utf8.RuneCountInString(line) > maxColumns {
				long[shortLines[i]] = append(long[shortLines[i]], fmt.Sprintf("%s:%d", f.path, n+1))
			}
		}
	}
	for dir, at := range long {
		if len(at)*1000 > mostLong*lines[dir] {
			t.Errorf("%s: %d of %d lines have more than %d columns:\n%s",
				dir, len(at), lines[dir], maxColumns, strings.Join(at, "\n"))
		}
	}
}
