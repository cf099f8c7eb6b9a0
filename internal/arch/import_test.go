package arch

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// mayImport lists the packages of this module that each package may import, besides the
// packages below itself. A package without a row is a mistake: decide where it belongs.
var mayImport = map[string][]string{
	".":                  {}, // the files that are embedded from the root
	"internal/lifecycle": {},
	"templates":          {},
	"manifests":          {},
	"docs":               {}, // tests of the pages
	"tools":              {},
	"internal/arch":      {},

	"internal/rbac":       {"internal/lifecycle"},
	"internal/invisible":  {},
	"internal/secretscan": {"internal/lifecycle", "internal/invisible"},
	"internal/catalog":    {"internal/lifecycle", "internal/invisible", "internal/secretscan", "templates"},
	"internal/terraform":  {"internal/lifecycle", "internal/invisible", "internal/secretscan", "internal/catalog"},
	"internal/view":       {"internal/lifecycle", "internal/invisible", "internal/catalog", "internal/terraform"},
	"internal/intake":     {"internal/lifecycle", "internal/invisible", "internal/secretscan", "internal/catalog"},
	"internal/store":      {"internal/lifecycle"},
	"internal/github":     {"internal/lifecycle"},
	"internal/queue":      {"internal/lifecycle"},
	"internal/story":      {"internal/lifecycle", "internal/terraform"}, // requests for tests
	"internal/bootstrap":  {"internal/lifecycle", "internal/catalog", "internal/config", "templates"},
	"internal/release":    {},
	"internal/config":     {"internal/lifecycle", "internal/rbac"},

	"internal/request": {
		"internal/lifecycle", "internal/invisible", "internal/secretscan", "internal/rbac", "internal/catalog",
		"internal/config", "internal/terraform", "internal/store", "internal/queue",
	},
	"internal/ci": {
		"internal/lifecycle", "internal/invisible", "internal/secretscan", "internal/store", "internal/terraform",
		"internal/catalog", "internal/view",
	},
	"internal/terminal": {
		"internal/lifecycle", "internal/invisible", "internal/catalog", "internal/terraform", "internal/view",
		"internal/queue",   // rows of the index
		"internal/request", // what a person may do next
	},
	"internal/cli": {
		"internal/lifecycle", "internal/catalog", "internal/config", "internal/request", "internal/terminal",
	},
	"internal/wire": {"internal", "slackapp", "worker"},
	"internal/doctor": append([]string{
		"internal/wire", "internal/config", "internal/bootstrap", "internal/release", "internal/terminal",
		"slackapp", "templates",
	}, adapters...),
	"internal/web": ofSurfaces,
	"worker":       append([]string{"internal/config"}, adapters...),
	"slackapp":     append([]string{"slackapp/blocks"}, ofSurfaces...), // but see TestSlackAsksTheUseCasesForRights

	"slackapp/blocks": {"internal/invisible"},

	// For tests only. What imports none of the product may be used by the tests of every package.
	"internal/testing/golden":    {},
	"internal/testing/inprocess": {},
	"internal/testing/browser":   {},
	"internal/testing/bucket":    {"internal/sim", "internal/store"},
	"internal/testing/services": {
		".", "internal/lifecycle", "internal/config", "internal/bootstrap", "internal/store", "internal/queue",
		"internal/github", "internal/sim", "internal/testing/bucket", "internal/testing/inprocess", "slackapp",
	},

	"internal/sim":               {"internal/sandbox/toolchain"}, // for tests that need Terraform
	"internal/sandbox/toolchain": {},
	"internal/sandbox":           {"internal/sim"},
	// What the page says about a request is the product's.
	"internal/sandbox/page": {"internal/sandbox", "internal/sim", "internal/lifecycle", "internal/view"},

	"cmd": {"internal", "slackapp", "worker", "templates", "manifests"},
}

var adapters = []string{
	"internal/lifecycle", "internal/rbac", "internal/invisible", "internal/secretscan", "internal/catalog",
	"internal/terraform", "internal/intake", "internal/store", "internal/github", "internal/queue", "internal/view",
}

// ofSurfaces is for those that parse and draw; what is done and refused is decided by the use cases.
var ofSurfaces = append([]string{"internal/request", "internal/config"}, adapters...)

// owner returns the row of mayImport that covers a directory.
func owner(dir string) (string, bool) {
	if dir == "" {
		return ".", true
	}
	for at := dir; at != ""; at, _, _ = cutLast(at, "/") {
		if _, ok := mayImport[at]; ok {
			return at, true
		}
	}
	return "", false
}

func TestImportDirection(t *testing.T) { assertRule(t, direction) }

func direction(f file) (faults []string) {
	home, known := owner(f.dir)
	if !known {
		return []string{"has no row in mayImport"}
	}
	for _, name := range f.imports {
		ours, ok := strings.CutPrefix(name, module+"/")
		if ok && !under(ours, home) && !underAny(ours, mayImport[home]) && (!f.test || !testMayImport(home, ours)) {
			faults = append(faults, "imports "+ours)
		}
	}
	return faults
}

// testMayImport reports whether the tests of a package may import another package. Tests of the core
// need none, and tests of the sandbox use only public protocols.
func testMayImport(home, ours string) bool {
	if row, ok := mayImport[ours]; ok && len(row) == 0 && slices.Contains(forTests, ours) {
		return true
	}
	return home != "internal/lifecycle" && home != "internal/rbac" && home != "internal/sandbox" && home != "internal/sim"
}

var terraformLanguage = []string{"internal/catalog", "internal/terraform", "internal/ci", "internal/bootstrap"}

// owners lists the packages that may use each library, outside tests.
var owners = map[string][]string{
	"github.com/aws/":                           {"internal/store"},
	"github.com/google/go-github/":              {"internal/github"},
	"github.com/bradleyfalzon/ghinstallation/":  {"internal/github"},
	"github.com/hibiken/asynq":                  {"internal/queue"},
	"github.com/redis/go-redis/":                {"internal/queue"},
	"github.com/sashabaranov/go-openai":         {"internal/intake"},
	"github.com/slack-go/slack":                 {"slackapp"},
	"github.com/gorilla/websocket":              {"slackapp"},
	"github.com/alicebob/miniredis/":            {"internal/sandbox", "internal/testing/services"},
	"github.com/go-git/":                        {"internal/sim"},
	"github.com/coder/websocket":                {"internal/sim"},
	"github.com/hashicorp/terraform-plugin-go/": {"internal/sim"},
	"github.com/hashicorp/terraform-json":       {"internal/terraform", "internal/ci"},
	"github.com/hashicorp/go-version":           {"internal/bootstrap", "internal/catalog"},
	"github.com/hashicorp/hcl/":                 terraformLanguage,
	"github.com/zclconf/go-cty/":                terraformLanguage,
	"github.com/zclconf/go-cty-yaml":            {"internal/catalog"}, // functions of the Terraform language
	"github.com/apparentlymart/go-cidr/":        {"internal/catalog"},
	"github.com/google/uuid":                    {"internal/catalog"},
	"github.com/goccy/go-yaml": {"internal/config", "internal/catalog", "internal/sandbox",
		"internal/sim"},
	"github.com/spf13/cobra":     {"cmd", "internal/cli"},
	"golang.org/x/":              {"cmd", "internal", "worker", "slackapp"},
	"k8s.io/":                    {"tools"},
	"github.com/BurntSushi/toml": {"tools"},
	"github.com/chromedp/":       {"internal/testing/browser"}, // imported only by tests
	"github.com/google/go-cmp/":  {"internal/testing/golden"},
	"pgregory.net/rapid":         {},
}

func TestLibrariesHaveOwners(t *testing.T) { assertRule(t, libraries) }

func libraries(f file) (faults []string) {
	for _, name := range f.imports {
		first, _, _ := strings.Cut(name, "/")
		if f.test || !strings.Contains(first, ".") || under(name, module) {
			continue
		}
		dirs, known := ownersOf(name)
		switch {
		case !known:
			faults = append(faults, "imports "+name+", which has no owner: decide which package uses it")
		case !underAny(f.dir, dirs):
			faults = append(faults, "imports "+name+", which belongs to "+strings.Join(dirs, ", "))
		}
	}
	return faults
}

func ownersOf(name string) ([]string, bool) {
	for prefix, dirs := range owners {
		if name+"/" == prefix || strings.HasPrefix(name+"/", strings.TrimSuffix(prefix, "/")+"/") {
			return dirs, true
		}
	}
	return nil, false
}

// forbidden lists what a pure package must not import, outside tests: no network, disk,
// clock or randomness.
var forbidden = map[string][]string{
	"internal/lifecycle":  append([]string{"io", "embed"}, impurePackages...),
	"internal/rbac":       append([]string{"io", "embed"}, impurePackages...),
	"internal/invisible":  append([]string{"io", "embed"}, impurePackages...),
	"internal/secretscan": append([]string{"io"}, impurePackages...),
	"internal/terraform":  impurePackages,
	"internal/view":       impurePackages,
	// parses addresses with net
	"internal/catalog": append([]string{"math/rand", "crypto/rand", "log"}, outsidePackages...),
}

var impurePackages = append([]string{"context", "log", "net", "math/rand", "crypto/rand"}, outsidePackages...)

var outsidePackages = []string{"net/http", "net/rpc", "net/smtp", "os", "syscall", "plugin", "unsafe"}

// impure lists prefixes of functions that no pure package calls.
var impure = []string{
	"time.Now", "time.Since", "time.Until", "time.Sleep", "time.After", "time.NewTimer", "time.NewTicker", "time.Tick",
	"net.Dial", "net.Listen", "net.Lookup", "net.Resolve", "net.Interface", "net.FileConn",
}

func TestPurePackages(t *testing.T) { assertRule(t, purity) }

func purity(f file) (faults []string) {
	names, pure := forbidden[f.dir]
	if !pure || f.test {
		return nil
	}
	for _, name := range f.imports {
		if underAny(name, names) && name != "net/url" && name != "net/netip" {
			faults = append(faults, "must be pure but imports "+name)
		}
	}
	for _, use := range selectors(f) {
		if slices.ContainsFunc(impure, func(p string) bool { return strings.HasPrefix(use, p) }) {
			faults = append(faults, "must be pure but uses "+use)
		}
	}
	return faults
}

// simulated is what runs on the machine of a developer only.
var simulated = []string{"internal/sandbox", "internal/sim", "internal/testing"}

// Only the program of workflow runs, the sandbox, the browser of tests, and the mutation tool start processes.
func TestWhoStartsProcesses(t *testing.T) { assertRule(t, processes) }

func processes(f file) (faults []string) {
	if f.test || underAny(f.dir, append(simulated, "internal/ci", "tools/mutate")) {
		return nil
	}
	for _, name := range f.imports {
		if name == "os/exec" || name == "plugin" {
			faults = append(faults, "imports "+name)
		}
	}
	return append(faults, uses(f, "os.StartProcess", "syscall.Exec", "syscall.ForkExec", "syscall.StartProcess")...)
}

// Only internal/config reads the environment, and the sandbox and the commands that pass it on.
func TestWhoReadsTheEnvironment(t *testing.T) { assertRule(t, environment) }

func environment(f file) []string {
	if f.test || underAny(f.dir, append(simulated, "internal/config", "cmd")) {
		return nil
	}
	return uses(f, "os.Getenv", "os.LookupEnv", "os.Environ", "os.ExpandEnv")
}

// Only the notifier writes a row of the index, so that lists and cards show the same change.
func TestWhoWritesTheIndex(t *testing.T) { assertRule(t, indexWriters) }

func indexWriters(f file) []string {
	if f.test || f.dir == "internal/queue" {
		return nil
	}
	return calls(f, "Index", "Put")
}

// calls finds calls of a method on a field or variable with this name.
func calls(f file, on, method string) (faults []string) {
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		fn, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || fn.Sel.Name != method {
			return true
		}
		switch x := fn.X.(type) {
		case *ast.Ident:
			ok = strings.EqualFold(x.Name, on)
		case *ast.SelectorExpr:
			ok = strings.EqualFold(x.Sel.Name, on)
		default:
			ok = false
		}
		if ok {
			faults = append(faults, "calls "+on+"."+method)
		}
		return true
	})
	return faults
}

func uses(f file, names ...string) (faults []string) {
	for _, use := range selectors(f) {
		if slices.Contains(names, use) {
			faults = append(faults, "uses "+use)
		}
	}
	return faults
}

// selectors lists every x.Y of a file where x is a plain name.
func selectors(f file) []string {
	var found []string
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok {
				found = append(found, x.Name+"."+s.Sel.Name)
			}
		}
		return true
	})
	return found
}

// A rule that accepts everything is no rule: each one reports code that breaks it.
func TestRulesBite(t *testing.T) {
	const ours = module + "/"
	for _, c := range []struct {
		rule       func(file) []string
		path, code string
	}{
		{direction, "internal/lifecycle/x.go", `import "` + ours + `internal/rbac"`},
		{direction, "internal/lifecycle/x_test.go", `import "` + ours + `internal/store"`},
		{direction, "internal/store/x.go", `import "` + ours + `internal/queue"`},
		{direction, "internal/web/x.go", `import "` + ours + `slackapp"`},
		{rightsInSlack, "slackapp/x.go", `import "` + ours + `internal/rbac"`},
		{direction, "worker/x.go", `import "` + ours + `internal/sim/slack"`},
		{direction, "slackapp/x.go", `import "` + ours + `worker"`},
		{direction, "internal/sandbox/demo/x.go", `import "` + ours + `internal/lifecycle"`},
		{direction, "internal/sandbox/demo/x_test.go", `import "` + ours + `internal/store"`},
		{direction, "internal/sim/s3/x_test.go", `import "` + ours + `internal/testing/bucket"`},
		{forTestsInProduct, "slackapp/x.go", `import "` + ours + `internal/request/requesttest"`},
		{forTestsInProduct, "cmd/sandbox/x.go", `import "` + ours + `internal/testing/bucket"`},
		{forTestsInProduct, "internal/sandbox/x.go", `import "` + ours + `internal/story"`},
		{testingInProduct, "internal/store/x.go", `import "testing"`},
		{testingInProduct, "worker/x.go", `import "net/http/httptest"`},
		{direction, "internal/brandnew/x.go", `import "fmt"`},
		{libraries, "worker/x.go", `import "github.com/hibiken/asynq"`},
		{libraries, "internal/sim/s3/x.go", `import "github.com/aws/aws-sdk-go-v2/service/s3"`},
		{libraries, "cmd/tfpilot/x.go", `import "example.com/unknown"`},
		{purity, "internal/rbac/x.go", `import "os"`},
		{purity, "internal/rbac/x.go", `import "net/http"`},
		{purity, "internal/lifecycle/x.go", `import "time"; var _ = time.Now()`},
		{purity, "internal/catalog/x.go", `import "net"; var _, _ = net.Dial("", "")`},
		{processes, "worker/x.go", `import "os/exec"`},
		{processes, "cmd/tfpilot/x.go", `import "os"; var _ = os.StartProcess`},
		{secondHands, "slackapp/x.go", `func f(a A) { a.Documents.Create(ctx, r) }`},
		{secondHands, "cmd/tfpilot/x.go", `import "` + ours + `internal/lifecycle"; var _ = lifecycle.New(n)`},
		{secondHands, "worker/x.go", `import "` + ours + `internal/lifecycle"; var _ = lifecycle.RecordIntent(w)`},
		{secondHands, "internal/web/x.go", `func f(row R) { row.Patch(w) }`},
		{slackImports, "cmd/tfpilot/x.go", `import "` + ours + `slackapp"`},
		{indexWriters, "worker/x.go", `func f(w W) { w.Index.Put() }`},
		{attempts, "slackapp/x.go", `func f(r R) string { return r.Runs.Apply.Attempts[0].Reason }`},
		{attempts, "cmd/tfpilot/x.go", `func f(r R) bool { return r.CurrentRun("apply") == nil }`},
		{environment, "worker/x.go", `import "os"; var _ = os.Getenv("X")`},
	} {
		f, err := parse(c.path, c.path, "package x\n"+c.code+"\n")
		if err != nil {
			t.Fatal(err)
		}
		if len(c.rule(f)) == 0 {
			t.Errorf("%s: found no fault in %s", c.path, c.code)
		}
	}
}
