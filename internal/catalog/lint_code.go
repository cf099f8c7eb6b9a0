package catalog

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Terraform reads the configuration in a module's directory and in each directory that it calls
// as a local module. Lint ignores everything else, such as examples and tests.

// source is one configuration file that Terraform reads.
type source struct {
	name string
	body *hclsyntax.Body
}

func (s source) dir() string { return path.Dir(s.name) }

// sources parses the files of a module. It passes errors in calls of other directories to found,
// which may be nil.
func sources(files map[string][]byte, found func(at *hcl.Range, format string, args ...any)) []source {
	var all []source
	queue, seen := []string{"."}, map[string]bool{".": true}
	for len(queue) > 0 {
		dir := queue[0]
		queue = queue[1:]
		for _, s := range sourcesIn(files, dir, found) {
			all = append(all, s)
			for _, block := range s.body.Blocks {
				if block.Type != "module" {
					continue
				}
				if called, ok := calledDir(files, s, block, found); ok && !seen[called] {
					seen[called] = true
					queue = append(queue, called)
				}
			}
		}
	}
	return all
}

// sourcesIn parses the files of one directory. It reports a file that another tool would read
// differently: OpenTofu prefers a .tofu file to the .tf file of the same name, so a review of the
// one would not cover what runs.
func sourcesIn(files map[string][]byte, dir string, found func(at *hcl.Range, format string, args ...any)) []source {
	var all []source
	for _, name := range slices.Sorted(maps.Keys(files)) {
		at := hcl.Range{Filename: name, Start: hcl.InitialPos}
		if path.Dir(name) == dir && (strings.HasSuffix(name, ".tofu") || strings.HasSuffix(name, ".tofu.json")) {
			found(&at, "Terraform does not read this file, and a run refuses a directory that holds one; write it as .tf")
		}
		if path.Dir(name) != dir || !isConfig(name) {
			continue
		}
		if strings.HasSuffix(name, ".json") {
			found(&at, "write the module in Terraform's own language, not as JSON")
			continue
		}
		file, diags := hclsyntax.ParseConfig(files[name], name, hcl.InitialPos)
		if diags.HasErrors() {
			found(&at, "%s", diags)
			continue
		}
		all = append(all, source{name: name, body: file.Body.(*hclsyntax.Body)})
	}
	return all
}

// calledDir returns the directory that a module call names, relative to the file with the call.
func calledDir(files map[string][]byte, s source, block *hclsyntax.Block,
	found func(at *hcl.Range, format string, args ...any)) (string, bool) {
	at := block.DefRange()
	from, err := literalString(block.Body.Attributes["source"])
	if err != nil || !strings.HasPrefix(from, "./") && !strings.HasPrefix(from, "../") {
		found(&at, "calls a module from elsewhere; copy it into a directory of this one")
		return "", false
	}
	dir := path.Join(s.dir(), from)
	switch {
	case dir == ".." || strings.HasPrefix(dir, "../"):
		found(&at, "calls %s, which is outside the module's directory; copy it into a directory of this one", from)
	case dir == "." || dir == s.dir():
		found(&at, "calls %s, which is the module itself", from)
	case !slices.ContainsFunc(slices.Collect(maps.Keys(files)), func(name string) bool {
		return path.Dir(name) == dir && isConfig(name)
	}):
		found(&at, "calls %s, but the directory %s holds no .tf file", from, dir)
	default:
		return dir, true
	}
	return "", false
}

// code checks the configuration of a module and of all directories that it calls.
func (l *linter) code(m *Module) {
	found := func(at *hcl.Range, format string, args ...any) { l.add(m.Name, at, format, args...) }
	all := sources(m.files, found)
	l.plannable(m, all)
	for _, s := range all {
		for _, block := range s.body.Blocks {
			l.block(m, s, block)
		}
		_ = hclsyntax.VisitAll(s.body, func(node hclsyntax.Node) hcl.Diagnostics {
			if call, ok := node.(*hclsyntax.FunctionCallExpr); ok && strings.TrimPrefix(call.Name, "core::") == "plantimestamp" {
				at := call.Range()
				found(&at, "plantimestamp() differs in every plan, so no plan could ever be applied")
			}
			return nil
		})
	}
}

// block checks one top-level block. Each case is a way to run code, read data or use credentials
// that the plan on the card would not show to the approver.
func (l *linter) block(m *Module, s source, block *hclsyntax.Block) {
	at := block.DefRange()
	switch block.Type {
	case "terraform":
		l.settings(m, s, block)
	case "data", "ephemeral":
		// A data source is read during the plan, before anyone approves, with the credentials of
		// the plan. external runs a program of the module's choice, so no list can allow it.
		if len(block.Labels) == 0 || block.Labels[0] == "external" || !slices.Contains(m.data, block.Labels[0]) {
			l.add(m.Name, &at, "reads %s %s; list its type under data in tfpilot.yaml, or pass the value in (external is "+
				"never possible)", block.Type, strings.Join(block.Labels, "."))
		}
		l.provider(m, s, block)
	// A data source inside a check block is read like any other.
	case "check":
		for _, inner := range block.Body.Blocks {
			if inner.Type == "data" {
				l.block(m, s, inner)
			}
		}
	case "module":
		l.passed(m, s, block)
	// Terraform needs the provider configuration to destroy a resource. If it is in the module,
	// it disappears together with the call, and Terraform refuses the plan.
	case "provider":
		l.add(m.Name, &at, "a module with a provider block cannot be destroyed once its call is gone; leave the provider "+
			"to the environment")
	case "resource":
		for _, inner := range block.Body.Blocks {
			if inner.Type == "provisioner" || inner.Type == "connection" {
				inside := inner.DefRange()
				l.add(m.Name, &inside, "%s runs commands that no plan shows", inner.Type)
			}
		}
		l.provider(m, s, block)
	}
}

// provider finds a provider configuration with an alias in the module's own directory: a
// generated call passes none.
func (l *linter) provider(m *Module, s source, block *hclsyntax.Block) {
	attr := block.Body.Attributes["provider"]
	if attr == nil || s.dir() != "." {
		return
	}
	traversal, diags := hcl.AbsTraversalForExpr(attr.Expr)
	if !diags.HasErrors() && len(traversal) > 1 {
		at := attr.SrcRange
		l.add(m.Name, &at, "uses the provider %s; a generated call passes no providers, so only the default "+
			"configuration of each is there", reference(traversal))
	}
}

// passed finds such a configuration in the providers that the module's own directory passes on.
func (l *linter) passed(m *Module, s source, block *hclsyntax.Block) {
	attr := block.Body.Attributes["providers"]
	if attr == nil || s.dir() != "." {
		return
	}
	for _, traversal := range attr.Expr.Variables() {
		if at := traversal.SourceRange(); len(traversal) > 1 && !isKey(attr.Expr, at) {
			l.add(m.Name, &at, "passes the provider %s; a generated call passes no providers, so only the default "+
				"configuration of each is there", reference(traversal))
		}
	}
}

// isKey reports whether a position in a map is one of its keys.
func isKey(expr hclsyntax.Expression, at hcl.Range) bool {
	pairs, _ := hcl.ExprMap(expr)
	return slices.ContainsFunc(pairs, func(pair hcl.KeyValuePair) bool { return pair.Key.Range().Overlaps(at) })
}

// settings checks a terraform block: its Terraform version, and providers that a module call
// must pass.
func (l *linter) settings(m *Module, s source, block *hclsyntax.Block) {
	if attr := block.Body.Attributes["required_version"]; attr != nil {
		l.requiredVersion(m, attr)
	}
	if attr := block.Body.Attributes["experiments"]; attr != nil {
		at := attr.SrcRange
		l.add(m.Name, &at, "uses experiments, which released versions of Terraform refuse")
	}
	for _, inner := range block.Body.Blocks {
		if inner.Type != "required_providers" {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(inner.Body.Attributes)) {
			l.requiredProvider(m, name, inner.Body.Attributes[name])
			if s.dir() == "." { // the module's own code passes providers to the directories that it calls
				l.aliases(m, name, inner.Body.Attributes[name])
			}
		}
	}
}

// requiredVersion compares with the one version that runs install. Terraform checks the
// constraint before anything else, so a mismatch stops every plan of an environment that calls
// the module.
func (l *linter) requiredVersion(m *Module, attr *hclsyntax.Attribute) {
	at := attr.SrcRange
	text, err := literalString(attr)
	if err != nil {
		l.add(m.Name, &at, "required_version: %s", err)
		return
	}
	wanted, err := version.NewConstraint(text)
	if err != nil {
		l.add(m.Name, &at, "required_version %q is not a version constraint", text)
		return
	}
	if used := version.Must(version.NewVersion(TerraformVersion)); !wanted.Check(used) {
		l.add(m.Name, &at, "requires Terraform %s, but runs use %s, so no run could start", text, TerraformVersion)
	}
}

// aliases finds configuration_aliases, which declare provider configurations that the caller
// must pass.
func (l *linter) aliases(m *Module, provider string, attr *hclsyntax.Attribute) {
	pairs, diags := hcl.ExprMap(attr.Expr)
	if diags.HasErrors() {
		return
	}
	for _, pair := range pairs {
		if hcl.ExprAsKeyword(pair.Key) != "configuration_aliases" {
			continue
		}
		if list, diags := hcl.ExprList(pair.Value); diags.HasErrors() || len(list) > 0 {
			at := pair.Key.Range()
			l.add(m.Name, &at, "asks for other configurations of the provider %s (configuration_aliases); a generated call "+
				"passes no providers, so every plan would fail", provider)
		}
	}
}
