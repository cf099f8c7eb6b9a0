package terraform

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	tfjson "github.com/hashicorp/terraform-json"
)

// An apply uses two things that a plan does not list: ephemeral resources, which Terraform reads
// again in every run, and write-only arguments, which it sends but does not store. This file
// reads both from the code of the plan.

// ephemerals lists the ephemeral resources of the root and of the request's module, as changes
// that only read. If nothing else changes, no apply reads them, and the list is empty.
func (s *settings) ephemerals(plan *tfjson.Plan) []Change {
	var found []Change
	for _, path := range slices.Sorted(maps.Keys(s.modules)) {
		module, seen := s.modules[path], map[string]bool{}
		for _, block := range module.blocks {
			if block.Type != "ephemeral" || len(block.Labels) != 2 {
				continue
			}
			c := Change{Address: moduleAddress(path) + "ephemeral." + strings.Join(block.Labels, "."), Type: block.Labels[0],
				Actions: []string{"read"}}
			if seen[c.Address] { // an override file has it once more
				continue
			}
			seen[c.Address] = true
			blocks := module.find("ephemeral", block.Labels...)
			c.Settings = s.of(module, blocks, "provider")
			c.Provider, c.Configuration = providerOf(plan, path, c.Type, attribute(blocks, "provider"))
			found = append(found, c)
		}
	}
	return found
}

// IsEphemeral reports whether a change is an ephemeral resource that the apply reads.
func IsEphemeral(c Change) bool {
	return c.Kind() == "read" && strings.Contains("."+instanceKey.ReplaceAllLiteralString(c.Address, ""), ".ephemeral."+
		c.Type+".")
}

// moduleAddress returns the address prefix of a module, given its path.
func moduleAddress(path string) string {
	if path == "" {
		return ""
	}
	return "module." + strings.ReplaceAll(path, ".", ".module.") + "."
}

// providerOf finds the provider of an ephemeral resource, and its configuration if only one
// matches.
func providerOf(plan *tfjson.Plan, path, kind string, written hclsyntax.Expression) (source, configuration string) {
	// Without a provider argument Terraform derives the provider from the type: aws_x belongs to
	// aws.
	name, _, _ := strings.Cut(kind, "_")
	alias := ""
	if written != nil {
		if traversal, diags := hcl.AbsTraversalForExpr(written); !diags.HasErrors() {
			name = traversal.RootName()
			if len(traversal) > 1 {
				attr, _ := traversal[1].(hcl.TraverseAttr)
				alias = attr.Name
			}
		}
	}
	var matching []string
	for key, config := range plan.Config.ProviderConfigs {
		if config == nil || config.Name != name {
			continue
		}
		source = config.FullName
		if config.Alias == alias && (config.ModuleAddress == "" || modulePath(config.ModuleAddress) == path) {
			matching = append(matching, key)
		}
	}
	if len(matching) == 1 {
		configuration = matching[0]
	}
	return source, configuration
}

// writeOnly lists the arguments of a resource whose values no plan shows, by path. Each has a
// fingerprint of its expression and the ephemeral resources that the expression uses.
func (s *settings) writeOnly(r declaredResource, change *tfjson.Change, hide *mask) map[string]any {
	if r.config == nil || change.Actions.Delete() || change.Actions.NoOp() {
		return nil
	}
	after, _ := change.After.(map[string]any)
	unknown, _ := change.AfterUnknown.(map[string]any)
	module, found := s.modules[r.module], map[string]any{}
	for _, block := range module.find("resource", r.config.Type, r.config.Name) {
		for name, attr := range block.Body.Attributes {
			if metaArguments[name] {
				continue
			}
			lacking := after[name] == nil && len(unknownPaths(name, unknown[name])) == 0
			s.addWriteOnly(found, module, name, attr.Expr, hide, lacking && isSet(attr.Expr))
		}
		for _, inner := range block.Body.Blocks {
			if !metaArguments[inner.Type] {
				s.addWriteOnlyIn(found, module, inner.Type, inner, hide)
			}
		}
	}
	return found
}

// metaArguments are Terraform's own arguments and blocks in a resource. Commands and their
// connections are shown by themselves.
var metaArguments = map[string]bool{
	"count": true, "for_each": true, "provider": true, "depends_on": true, "lifecycle": true, "provisioner": true,
	"connection": true,
}

// addWriteOnlyIn reads nested blocks. lacking is false for them: in the plan a block is one item
// of a list or set, and which one it is cannot be known from the code.
func (s *settings) addWriteOnlyIn(found map[string]any, module *moduleCode, path string, block *hclsyntax.Block,
	hide *mask) {
	for name, attr := range block.Body.Attributes {
		s.addWriteOnly(found, module, path+"."+name, attr.Expr, hide, false)
	}
	for _, inner := range block.Body.Blocks {
		s.addWriteOnlyIn(found, module, path+"."+inner.Type, inner, hide)
	}
}

// addWriteOnly adds an argument that is write-only: because of its name, because it uses an
// ephemeral value, or because the plan lacks it.
func (s *settings) addWriteOnly(found map[string]any, module *moduleCode, path string, expr hclsyntax.Expression,
	hide *mask, lacking bool) {
	from := map[string]bool{}
	s.addEphemeral(from, map[string]bool{}, module, expr)
	literal, isLiteral := literalOf(expr)
	if !strings.HasSuffix(path, "_wo") && len(from) == 0 && !lacking || isLiteral && literal == nil {
		return
	}
	one := map[string]any{"value": hide.below(path).hidden(s.unmasked().value(module, expr, nil))}
	if len(from) > 0 {
		var names []any
		for _, name := range slices.Sorted(maps.Keys(from)) {
			names = append(names, name)
		}
		one["from"] = names
	}
	if twice, ok := found[path]; ok { // of a block that is there more than once, or is overridden
		one["value"] = hide.below(path).hidden([]any{twice, one["value"]})
	}
	found[path] = one
}

// isSet reports whether an expression gives a value that is neither null nor empty, whatever it refers to.
func isSet(expr hclsyntax.Expression) bool {
	if literal, ok := literalOf(expr); ok {
		return literal != nil && literal != "" && literal != false
	}
	switch e := expr.(type) {
	case *hclsyntax.ObjectConsExpr:
		return len(e.Items) > 0
	case *hclsyntax.TupleConsExpr:
		return len(e.Exprs) > 0
	case *hclsyntax.TemplateExpr:
		return true
	}
	return false
}

// addEphemeral adds the ephemeral resources that an expression uses, directly or through locals,
// variables and outputs.
func (s *settings) addEphemeral(found, seen map[string]bool, module *moduleCode, expr hclsyntax.Expression) {
	if module == nil || expr == nil {
		return
	}
	for _, traversal := range expr.Variables() {
		names := attributeNames(traversal)
		if len(names) == 0 {
			continue
		}
		kind := traversal.RootName()
		key := module.name + "/" + kind + "." + strings.Join(names, ".")
		if seen[key] {
			continue
		}
		seen[key] = true
		switch {
		case kind == "ephemeral" && len(names) > 1:
			found[ShortAddress(moduleAddress(module.name)+"ephemeral."+names[0]+"."+names[1])] = true
		case kind == "local":
			s.addEphemeral(found, seen, module, attribute(module.find("locals"), names[0]))
		case kind == "var":
			if module.parent != nil {
				s.addEphemeral(found, seen, module.parent, attribute(module.parent.find("module", module.call()), names[0]))
			}
		case kind == "module":
			s.addOutputs(found, seen, s.modules[strings.TrimPrefix(module.name+"."+names[0], ".")], names[1:])
		}
	}
}

// addOutputs follows one output of a module, or all outputs if the expression refers to the
// whole module.
func (s *settings) addOutputs(found, seen map[string]bool, module *moduleCode, names []string) {
	if module == nil {
		return
	}
	for _, block := range module.blocks {
		if block.Type == "output" && len(block.Labels) == 1 && (len(names) == 0 || block.Labels[0] == names[0]) {
			s.addEphemeral(found, seen, module, attribute([]*hclsyntax.Block{block}, "value"))
		}
	}
}

// attributeNames returns the names after the root of a reference, without instance keys.
func attributeNames(traversal hcl.Traversal) []string {
	var names []string
	for _, step := range traversal[1:] {
		if attr, ok := step.(hcl.TraverseAttr); ok {
			names = append(names, attr.Name)
		}
	}
	return names
}
