package terraform

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	tfjson "github.com/hashicorp/terraform-json"
	"github.com/zclconf/go-cty/cty"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// A plan file is a zip archive with the plan, the state before it, and a copy of the
// configuration under tfconfig/, one directory m-<module path> for each module. The format is
// internal to Terraform and may change with a new version; if it does, ReadConfig finds no files
// and fails. Reading the copy instead of the work tree has a reason: it is exactly what Terraform
// planned.

// Config is the configuration of a plan: file contents by module path, a slash and the file
// name. The root has an empty path; a nested module has a path such as outer.inner. The source
// is needed because a plan's JSON contains only the references of an expression, not the
// expression itself.
type Config map[string][]byte

// ReadConfig reads the configuration from a plan file.
func ReadConfig(planFile []byte) (Config, error) {
	archive, err := zip.NewReader(bytes.NewReader(planFile), int64(len(planFile)))
	if err != nil {
		return nil, fmt.Errorf("open plan file: %w", err)
	}
	code, room := Config{}, int64(maxPlan)
	for _, file := range archive.File {
		name, held := strings.CutPrefix(file.Name, "tfconfig/m-")
		if !held || path.Ext(name) != ".tf" {
			continue
		}
		// The sizes in a zip archive are claims. Count what is really unpacked, so that a small
		// archive cannot fill the memory.
		content, err := readPacked(file, room)
		if err != nil {
			return nil, fmt.Errorf("read %s of the plan file: %w", name, err)
		}
		room -= int64(len(content))
		code[name] = content
	}
	if len(code) == 0 {
		return nil, fmt.Errorf("the plan file holds no configuration")
	}
	return code, nil
}

func readPacked(file *zip.File, room int64) ([]byte, error) {
	from, err := file.Open()
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(from, room+1))
	if err == nil && int64(len(content)) > room {
		err = planError(lifecycle.CodePlanTooLarge, nil, "the configuration is larger than %d bytes", maxPlan)
	}
	if closeErr := from.Close(); err == nil {
		err = closeErr
	}
	return content, err
}

// moduleCode is the code of one module.
type moduleCode struct {
	name   string // path of the module
	blocks []*hclsyntax.Block
	parent *moduleCode // nil for the root
}

// parse returns the root and all modules below it, by path. Override files come last in each
// module, the order in which Terraform merges them.
func (c Config) parse(call string) (map[string]*moduleCode, error) {
	modules := map[string]*moduleCode{}
	for _, file := range slices.SortedFunc(maps.Keys(c), compareFiles) {
		// Only the root and the request's own module with what it calls. The modules of other
		// requests are outside of the plan's scope.
		if !strings.HasPrefix(file, "/") && !strings.HasPrefix(file, call+"/") && !strings.HasPrefix(file, call+".") {
			continue
		}
		parsed, diags := hclsyntax.ParseConfig(c[file], file, hcl.InitialPos)
		if diags.HasErrors() {
			return nil, fmt.Errorf("parse: %w", diags)
		}
		name, _, _ := strings.Cut(file, "/")
		if modules[name] == nil {
			modules[name] = &moduleCode{name: name}
		}
		modules[name].blocks = append(modules[name].blocks, parsed.Body.(*hclsyntax.Body).Blocks...)
	}
	for name, module := range modules {
		if name != "" {
			module.parent = modules[name[:max(strings.LastIndex(name, "."), 0)]]
		}
	}
	return modules, nil
}

// compareFiles sorts ordinary files by name, and override files after them.
func compareFiles(a, b string) int {
	if overridesA, overridesB := overrides(a), overrides(b); overridesA != overridesB {
		if overridesB {
			return -1
		}
		return 1
	}
	return strings.Compare(a, b)
}

func overrides(file string) bool {
	name := path.Base(file)
	return name == "override.tf" || strings.HasSuffix(name, "_override.tf")
}

// find lists the blocks with this type and these labels; none if m is nil.
func (s *moduleCode) find(kind string, labels ...string) []*hclsyntax.Block {
	if s == nil {
		return nil
	}
	var found []*hclsyntax.Block
	for _, block := range s.blocks {
		if block.Type == kind && slices.Equal(block.Labels, labels) {
			found = append(found, block)
		}
	}
	return found
}

// attribute returns the attribute from the last block that sets it.
func attribute(blocks []*hclsyntax.Block, name string) hclsyntax.Expression {
	for _, block := range slices.Backward(blocks) {
		if attr := block.Body.Attributes[name]; attr != nil {
			return attr.Expr
		}
	}
	return nil
}

// call is the name of the module's call in its parent.
func (s *moduleCode) call() string { return s.name[strings.LastIndex(s.name, ".")+1:] }

// provider finds the blocks that configure a provider, and the module that contains them.
func (s *settings) provider(config *tfjson.ProviderConfig) (blocks []*hclsyntax.Block, module *moduleCode) {
	module = s.modules[modulePath(config.ModuleAddress)]
	for _, block := range module.find("provider", config.Name) {
		if aliasOf(block) == config.Alias {
			blocks = append(blocks, block)
		}
	}
	return blocks, module
}

// aliasOf returns the alias of a provider block, or "" for the default configuration.
func aliasOf(block *hclsyntax.Block) string {
	expr := attribute([]*hclsyntax.Block{block}, "alias")
	if expr == nil {
		return ""
	}
	if word := hcl.ExprAsKeyword(expr); word != "" {
		return word // as it was written before Terraform 0.12
	}
	alias, diags := expr.Value(nil)
	if diags.HasErrors() || alias.IsNull() || alias.Type() != cty.String {
		return ""
	}
	return alias.AsString()
}

// modulePath converts the address of a module to its path in the code.
func modulePath(address string) string {
	return strings.ReplaceAll(strings.TrimPrefix(instanceKey.ReplaceAllLiteralString(address, ""), "module."),
		".module.", ".")
}
