package arch

import (
	"flag"
	"go/ast"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var moreShadows = flag.String("shadows", "", "check these directories too, separated by commas")

// unshadowed lists the directories where no local name hides a name of its package or an
// imported package; /... includes those below. A directory joins the list once it is clean.
var unshadowed = []string{
	"docs",
	"internal/arch",
	"internal/bootstrap",
	"internal/catalog",
	"internal/ci",
	"internal/config",
	"internal/github",
	"internal/intake",
	"internal/invisible",
	"internal/lifecycle",
	"internal/queue",
	"internal/rbac",
	"internal/request",
	"internal/sandbox/...",
	"internal/secretscan",
	"internal/sim/...",
	"internal/store",
	"internal/story",
	"internal/terraform",
	"internal/view",
	"internal/web",
	"manifests",
	"slackapp/...",
	"templates",
	"tools/...",
	"worker",
}

// A reader who meets a name of the package inside a function expects the package's one.
func TestNoLocalNameShadows(t *testing.T) {
	dirs := append([]string{}, unshadowed...)
	if *moreShadows != "" {
		dirs = append(dirs, strings.Split(*moreShadows, ",")...)
	}
	packages := map[string][]file{}
	for _, f := range tree(t) {
		if listed(f.dir, dirs) {
			key := f.dir + " " + f.syntax.Name.Name
			packages[key] = append(packages[key], f)
		}
	}
	for _, pkg := range packages {
		for _, fault := range shadows(pkg) {
			t.Error(fault)
		}
	}
}

// shadows finds the local names of one package that hide a package-level name of it, or a
// package that the same file imports.
func shadows(pkg []file) (faults []string) {
	top := map[string]string{}
	for _, f := range pkg {
		for _, name := range packageLevel(f) {
			top[name] = "of the package"
		}
		delete(top, "_")
	}
	for _, f := range pkg {
		imported := map[string]bool{}
		for _, spec := range f.syntax.Imports {
			imported[importName(spec)] = true
		}
		delete(imported, "_")
		for _, id := range localNames(f) {
			where := top[id.Name]
			if where == "" && imported[id.Name] {
				where = "that is imported"
			}
			if where != "" {
				faults = append(faults, f.set.Position(id.Pos()).String()+": "+id.Name+" hides the name "+where)
			}
		}
	}
	return faults
}

func packageLevel(f file) (names []string) {
	for _, d := range f.syntax.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				names = append(names, d.Name.Name)
			}
		case *ast.GenDecl:
			for _, id := range declared(d) {
				names = append(names, id.Name)
			}
		}
	}
	return names
}

func declared(d *ast.GenDecl) (names []*ast.Ident) {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.ValueSpec:
			names = append(names, spec.Names...)
		case *ast.TypeSpec:
			names = append(names, spec.Name)
		}
	}
	return names
}

var version = regexp.MustCompile(`^v\d+$`)

// importName is the name by which a file uses a package: its alias, or the last element
// of the path without a major version and without "go-".
func importName(spec *ast.ImportSpec) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	path, _ := strconv.Unquote(spec.Path.Value)
	before, last, _ := cutLast("/"+path, "/")
	if version.MatchString(last) {
		_, last, _ = cutLast(before, "/")
	}
	last, _, _ = strings.Cut(strings.TrimPrefix(last, "go-"), ".")
	return last
}

// localNames lists what functions declare: parameters, results, receivers and variables.
func localNames(f file) (names []*ast.Ident) {
	fields := func(lists ...*ast.FieldList) {
		for _, list := range lists {
			if list == nil {
				continue
			}
			for _, field := range list.List {
				names = append(names, field.Names...)
			}
		}
	}
	expr := func(exprs ...ast.Expr) {
		for _, e := range exprs {
			if id, ok := e.(*ast.Ident); ok {
				names = append(names, id)
			}
		}
	}
	for _, d := range f.syntax.Decls {
		ast.Inspect(d, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				fields(n.Recv, n.Type.Params, n.Type.Results)
			case *ast.FuncLit:
				fields(n.Type.Params, n.Type.Results)
			case *ast.AssignStmt:
				if n.Tok == token.DEFINE {
					expr(n.Lhs...)
				}
			case *ast.RangeStmt:
				if n.Tok == token.DEFINE {
					expr(n.Key, n.Value)
				}
			case *ast.DeclStmt:
				if decl, ok := n.Decl.(*ast.GenDecl); ok {
					names = append(names, declared(decl)...)
				}
			}
			return true
		})
	}
	return names
}

func TestShadowsBite(t *testing.T) {
	for _, c := range []struct{ code, want string }{
		{`var taken int; func f(taken int) {}`, "taken"},
		{`func taken() {}; func f() (taken int) { return }`, "taken"},
		{`type taken int; func f() { taken := 1; _ = taken }`, "taken"},
		{`const taken = 1; func f() { for _, taken := range "x" { _ = taken } }`, "taken"},
		{`func taken() {}; func f() { _ = func(taken int) {} }`, "taken"},
		{`func taken() {}; func f() { var taken int; _ = taken }`, "taken"},
		{`func taken() {}; type t int; func (taken t) f() {}`, "taken"},
		{`import "net/url"; func f(url string) {}; var _ url.URL`, "url"},
		{`import "math/rand/v2"; func f(rand int) {}; var _ rand.Rand`, "rand"},
		{`import other "net/url"; func f(url string) {}; var _ other.URL`, ""},
		{`type t struct{ taken int }; func taken() {}; func f() { _ = t{taken: 1} }`, ""},
		{`type t int; func (t) taken() {}; func f(taken int) {}`, ""},
		{`var _ = 1; func f() { for _, x := range "x" { _ = x } }`, ""},
	} {
		f, err := parse("x.go", "x.go", "package x\n"+c.code+"\n")
		if err != nil {
			t.Fatal(err)
		}
		got := shadows([]file{f})
		if (len(got) == 1) != (c.want != "") || len(got) == 1 && !strings.Contains(got[0], c.want+" hides") {
			t.Errorf("%s: found %q, want %q", c.code, got, c.want)
		}
	}
}
