package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mutant is one change. Its name contains no line number, so that it survives edits.
type mutant struct {
	id         int
	file       string // relative to the repository
	where      string // the function
	kind, text string
	nth        int // among those with the same name
}

func (m mutant) String() string {
	name := fmt.Sprintf("%s %s: %s %s", m.file, m.where, m.kind, m.text)
	if m.nth > 1 {
		name += fmt.Sprintf(" #%d", m.nth)
	}
	return name
}

// switchOn is the name of the function that reports whether a change is on.
const switchOn = "mutantIsOn"

// switchSource also records which changes a run reaches, so that only the tests that reach one are run
// under it.
const switchSource = `package %s

import (
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
)

var mutantNumber, _ = strconv.Atoi(os.Getenv(%q))

var (
	mutantsReached [%d]atomic.Bool
	mutantRecord   = func() *os.File {
		name := os.Getenv(%q)
		if name == "" {
			return nil
		}
		file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			panic(err)
		}
		return file
	}()
)

func ` + switchOn + `(id int) bool {
	if mutantRecord != nil && !mutantsReached[id].Swap(true) {
		if _, err := fmt.Fprintln(mutantRecord, id); err != nil {
			panic(err)
		}
	}
	return id == mutantNumber
}
`

// instrument writes the changed source of a package into dir and returns the overlay, for the files of
// only, or for all files but except.
func instrument(pkg string, only, except []string, dir string) ([]mutant, map[string]string, error) {
	pkg, err := filepath.Abs(pkg)
	if err != nil {
		return nil, nil, err
	}
	paths, err := filepath.Glob(filepath.Join(pkg, "*.go"))
	if err != nil {
		return nil, nil, err
	}
	overlay := map[string]string{}
	c := &changer{seen: map[string]int{}, root: moduleRoot(pkg)}
	name := ""
	for _, base := range append(slices.Clone(only), except...) {
		if !slices.Contains(paths, filepath.Join(pkg, base)) {
			return nil, nil, fmt.Errorf("%s has no file %s: was it renamed?", pkg, base)
		}
	}
	for _, path := range paths {
		base := filepath.Base(path)
		if strings.HasSuffix(base, "_test.go") || len(only) > 0 && !slices.Contains(only, base) ||
			slices.Contains(except, base) {
			continue
		}
		changed, err := c.file(path)
		if err != nil {
			return nil, nil, err
		}
		name = c.tree.Name.Name
		overlay[path] = filepath.Join(dir, base)
		if err := os.WriteFile(overlay[path], []byte(changed), 0o600); err != nil {
			return nil, nil, err
		}
	}
	if name == "" {
		return nil, nil, fmt.Errorf("%s: no such source", pkg)
	}
	added := filepath.Join(pkg, "mutant_number.go")
	overlay[added] = filepath.Join(dir, "mutant_number.go")
	source := fmt.Appendf(nil, switchSource, name, mutantVariable, len(c.all)+1, recordVariable)
	return c.all, overlay, os.WriteFile(overlay[added], source, 0o600)
}

// moduleRoot returns the directory above pkg that contains go.mod.
func moduleRoot(pkg string) string {
	for dir := pkg; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	return pkg
}

// changer rewrites one file after the other.
type changer struct {
	root string
	all  []mutant
	seen map[string]int

	src   []byte
	base  int // offset of the file in the FileSet
	path  string
	where string
	tree  *ast.File
	conds map[ast.Expr]bool // whole conditions
	whole map[ast.Stmt]bool // statements of a list, not the parts of an if or a for
}

func (c *changer) file(path string) (string, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, path, src, parser.SkipObjectResolution)
	if err != nil {
		return "", err
	}
	c.src, c.tree, c.base = src, tree, set.File(tree.FileStart).Base()
	c.conds, c.whole = map[ast.Expr]bool{}, map[ast.Stmt]bool{}
	if c.path, err = filepath.Rel(c.root, path); err != nil {
		return "", err
	}
	var edits []edit
	for _, d := range tree.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		c.where = f.Name.Name
		edits = append(edits, edit{c.at(f.Body.Pos()), c.at(f.Body.End()), c.inner(f.Body)})
	}
	return apply(string(src), 0, edits), nil
}

func (c *changer) at(p token.Pos) int      { return int(p) - c.base }
func (c *changer) text(n ast.Node) string  { return string(c.src[c.at(n.Pos()):c.at(n.End())]) }
func (c *changer) switched(id int) string  { return fmt.Sprintf("%s(%d)", switchOn, id) }
func (c *changer) inner(n ast.Node) string { return apply(c.text(n), c.at(n.Pos()), c.edits(n)) }

// edit replaces a part of the source.
type edit struct {
	from, to int
	text     string
}

// apply applies edits that do not overlap to a text that starts at offset.
func apply(text string, offset int, edits []edit) string {
	slices.SortFunc(edits, func(a, b edit) int { return a.from - b.from })
	var b strings.Builder
	last := 0
	for _, e := range edits {
		b.WriteString(text[last : e.from-offset])
		b.WriteString(e.text)
		last = e.to - offset
	}
	return b.String() + text[last:]
}

// note adds a change with its name.
func (c *changer) note(kind, text string) int {
	text = strings.Join(strings.Fields(text), " ")
	plain := strings.NewReplacer("`", "'", "||", "or", "|", "or") // characters that would end a cell of a table
	kind, text = plain.Replace(kind), plain.Replace(text)
	if r := []rune(text); len(r) > maxText {
		text = string(r[:maxText-1]) + "…"
	}
	m := mutant{id: len(c.all) + 1, file: filepath.ToSlash(c.path), where: c.where, kind: kind, text: text}
	c.seen[m.String()]++
	m.nth = c.seen[m.String()]
	c.all = append(c.all, m)
	return m.id
}

// maxText bounds how much of the source a name repeats.
const maxText = 90
