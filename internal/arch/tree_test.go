package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/tfpilot/tfpilot"

// file is one parsed source file.
type file struct {
	path    string // from the root, with slashes
	dir     string
	test    bool
	imports []string
	lines   int
	syntax  *ast.File
	set     *token.FileSet
}

var outside = []string{".git", ".data", "testdata", "node_modules", "bin"}

// files parses the tree once. It reads the source itself: a cached result of go list could
// be older than the source.
var files = sync.OnceValues(func() ([]file, error) {
	root := filepath.Join("..", "..")
	var found []file
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(outside, d.Name()):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		f, err := parse(path, filepath.ToSlash(rel), nil)
		found = append(found, f)
		return err
	})
	return found, err
})

// parse parses a file, or text if it is not nil.
func parse(path, rel string, text any) (file, error) {
	set := token.NewFileSet()
	syntax, err := parser.ParseFile(set, path, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return file{}, err
	}
	dir, _, _ := cutLast(rel, "/")
	f := file{
		path: rel, dir: dir, test: strings.HasSuffix(rel, "_test.go"),
		lines: set.File(syntax.FileStart).LineCount(), syntax: syntax, set: set,
	}
	for _, spec := range syntax.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return file{}, err
		}
		f.imports = append(f.imports, name)
	}
	return f, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}

func tree(t *testing.T) []file {
	t.Helper()
	found, err := files()
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 50 {
		t.Fatalf("found only %d files: is this the repository?", len(found))
	}
	return found
}

// assertRule reports each fault that a rule finds in a file.
func assertRule(t *testing.T, rule func(file) []string) {
	t.Helper()
	for _, f := range tree(t) {
		for _, fault := range rule(f) {
			t.Errorf("%s %s", f.path, fault)
		}
	}
}

// under reports whether path is dir or below it.
func under(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

func underAny(path string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool { return under(path, d) })
}

// generated reports whether the file has the comment of a generated file.
func (f file) generated() bool { return ast.IsGenerated(f.syntax) }
