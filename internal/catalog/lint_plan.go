package catalog

import (
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Some errors that Terraform reports in every plan of a module can be found from names alone,
// without its providers: the functions, references and passed providers. Lint finds them before
// the first request does.

// planOnly lists Terraform's functions that depend on files, time or randomness: only a plan can
// call them.
var planOnly = strings.Fields("abspath pathexpand file filebase64 filebase64sha256 filebase64sha512 fileexists " +
	"filemd5 fileset filesha1 " +
	"filesha256 filesha512 templatefile templatestring timestamp plantimestamp uuid bcrypt rsadecrypt base64gzip")

// directory is what the files of one directory declare, each as var.name, local.name,
// module.name, data.type.name or ephemeral.type.name.
type directory struct {
	declares map[string]bool
	aliases  []string // configurations of providers that a call has to pass
}

// plannable checks the names in the sources of a module.
func (l *linter) plannable(m *Module, all []source) {
	directories := map[string]*directory{}
	for _, s := range all {
		if directories[s.dir()] == nil {
			directories[s.dir()] = &directory{declares: map[string]bool{}}
		}
		directories[s.dir()].read(s)
	}
	l.cycles(m, all)
	for _, s := range all {
		for _, block := range s.body.Blocks {
			at := block.DefRange()
			switch block.Type {
			case "import":
				l.add(m.Name, &at, "imports something, which Terraform allows in an environment's own files only")
				continue
			case "moved", "removed":
				continue // they name what is no longer declared
			case "module":
				l.aliasesPassed(m, s, block, directories)
			}
			l.names(m, block, directories[s.dir()])
		}
	}
}

// read adds the declarations of one file. In Terraform all files of a directory form one module,
// so their order and number do not matter.
func (f *directory) read(s source) {
	for _, block := range s.body.Blocks {
		switch {
		case block.Type == "locals":
			for name := range block.Body.Attributes {
				f.declares["local."+name] = true
			}
		case block.Type == "variable" && len(block.Labels) == 1:
			f.declares["var."+block.Labels[0]] = true
		case block.Type == "module" && len(block.Labels) == 1:
			f.declares["module."+block.Labels[0]] = true
		case block.Type == "data" || block.Type == "ephemeral":
			f.declares[block.Type+"."+strings.Join(block.Labels, ".")] = true
		case block.Type == "check":
			for _, inner := range block.Body.Blocks {
				f.declares[inner.Type+"."+strings.Join(inner.Labels, ".")] = true
			}
		case block.Type == "terraform":
			for _, inner := range block.Body.Blocks {
				for _, attr := range inner.Body.Attributes {
					f.aliases = append(f.aliases, aliasesOf(inner, attr)...)
				}
			}
		}
	}
}

// aliasesOf returns the configurations that an entry of required_providers declares.
func aliasesOf(block *hclsyntax.Block, attr *hclsyntax.Attribute) []string {
	pairs, diags := hcl.ExprMap(attr.Expr)
	if block.Type != "required_providers" || diags.HasErrors() {
		return nil
	}
	var names []string
	for _, pair := range pairs {
		if hcl.ExprAsKeyword(pair.Key) != "configuration_aliases" {
			continue
		}
		for _, traversal := range pair.Value.Variables() {
			names = append(names, reference(traversal))
		}
	}
	return names
}

// aliasesPassed finds configurations that a directory of the module requires but that a call of
// it does not pass.
func (l *linter) aliasesPassed(m *Module, s source, block *hclsyntax.Block, directories map[string]*directory) {
	from, err := literalString(block.Body.Attributes["source"])
	called := directories[path.Join(s.dir(), from)]
	if err != nil || called == nil {
		return
	}
	var passed []string
	if attr := block.Body.Attributes["providers"]; attr != nil {
		pairs, _ := hcl.ExprMap(attr.Expr)
		for _, pair := range pairs {
			if traversal, diags := hcl.AbsTraversalForExpr(pair.Key); !diags.HasErrors() {
				passed = append(passed, reference(traversal))
			}
		}
	}
	at := block.DefRange()
	for _, name := range called.aliases {
		if !slices.Contains(passed, name) {
			l.add(m.Name, &at, "does not pass the provider %s, which %s asks for (configuration_aliases), "+
				"so every plan would fail", name, from)
		}
	}
}

// cycles finds directories that call each other in a cycle.
func (l *linter) cycles(m *Module, all []source) {
	type call struct {
		to string
		at hcl.Range
	}
	calls := map[string][]call{}
	for _, s := range all {
		for _, block := range s.body.Blocks {
			if from, err := literalString(block.Body.Attributes["source"]); block.Type == "module" && err == nil && from != "" {
				calls[s.dir()] = append(calls[s.dir()], call{path.Join(s.dir(), from), block.DefRange()})
			}
		}
	}
	// A depth-first search. A directory that is still under visit is above this one, so a call of
	// it closes a cycle, and Terraform would load the two inside each other without end.
	const under, done = 1, 2
	state := map[string]int{}
	var visit func(dir string)
	visit = func(dir string) {
		state[dir] = under
		for _, c := range calls[dir] {
			switch {
			case state[c.to] == under && c.to != dir && c.to != ".": // those are findings of their own
				l.add(m.Name, &c.at, "calls the directory %s, which calls this one in turn", c.to)
			case state[c.to] == 0:
				visit(c.to)
			}
		}
		state[dir] = done
	}
	visit(".")
}

// names finds functions that Terraform does not have, and references to undeclared names.
// Resources are not checked: their names look like the iterators of dynamic blocks.
func (l *linter) names(m *Module, block *hclsyntax.Block, in *directory) {
	for _, attr := range block.Body.Attributes {
		if block.Type == "variable" && attr.Name == "type" {
			continue // it reads like calls of functions
		}
		for _, traversal := range attr.Expr.Variables() {
			name := reference(traversal)
			if kind := traversal.RootName(); kind == "data" || kind == "ephemeral" {
				// An address of these has three parts: data, the type and the name.
				if len(traversal) < 3 {
					continue
				}
				step, _ := traversal[2].(hcl.TraverseAttr)
				name += "." + step.Name
			} else if kind != "var" && kind != "local" && kind != "module" || len(traversal) < 2 {
				continue
			}
			if !in.declares[name] {
				at := traversal.SourceRange()
				l.add(m.Name, &at, "refers to %s, which is not declared, so every plan would fail", name)
			}
		}
		_ = hclsyntax.VisitAll(attr.Expr, func(node hclsyntax.Node) hcl.Diagnostics {
			call, ok := node.(*hclsyntax.FunctionCallExpr)
			// Functions of providers are only known once the provider is installed.
			if !ok || strings.HasPrefix(call.Name, "provider::") {
				return nil
			}
			at, short := call.Range(), strings.TrimPrefix(call.Name, "core::")
			if _, known := functions[call.Name]; !known && !slices.Contains(planOnly, short) {
				l.add(m.Name, &at, "calls %s, which Terraform %s does not have, so every plan would fail", call.Name,
					TerraformVersion)
			}
			return nil
		})
	}
	for _, inner := range block.Body.Blocks {
		l.names(m, inner, in)
	}
}
