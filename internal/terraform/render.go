package terraform

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Values of people become code here, so this file must make code injection impossible. Strings
// pass through hclwrite, which escapes quotes and the templates ${ and %{; numbers, lists and
// maps are built from tokens and never from text. Then the result is parsed again and compared
// with the intended values (Verify). An error in the escaping would be found before the file is
// committed.

// The markers enclose the block, so that a destroy can remove it even if people added code to the
// file: see Strip.
func beginMarker(id string) string { return "# tfpilot:begin " + id }
func endMarker(id string) string   { return "# tfpilot:end " + id }

// Render returns the file of a request: one module block between its markers, formatted as
// `terraform fmt` does. It parses its own output and returns an error unless that means exactly
// the given values.
func Render(f File) ([]byte, error) {
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	out := hclwrite.NewEmptyFile()
	body := out.Body().AppendNewBlock("module", []string{lifecycle.ModuleCall(f.RequestID)}).Body()
	body.SetAttributeValue("source", cty.StringVal(f.source()))
	names := slices.Sorted(maps.Keys(f.Args))
	if len(names) > 0 {
		body.AppendNewline()
	}
	for _, name := range names {
		body.SetAttributeRaw(name, tokens(f.Args[name]))
	}
	var text bytes.Buffer
	fmt.Fprintln(&text, beginMarker(f.RequestID))
	text.Write(hclwrite.Format(out.Bytes()))
	fmt.Fprintln(&text, endMarker(f.RequestID))
	if err := Verify(text.Bytes(), f); err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	return text.Bytes(), nil
}

// Verify reads a generated file and reports whether it means exactly f and nothing else.
func Verify(content []byte, f File) error {
	read, err := Parse(content)
	if err != nil {
		return err
	}
	if read.RequestID != f.RequestID || read.Module != f.Module || read.source() != f.source() {
		return fmt.Errorf("verify: the file calls module %s for %s", read.Module, read.RequestID)
	}
	if len(read.Args) != len(f.Args) {
		return fmt.Errorf("verify: the file has %d arguments, %d are meant", len(read.Args), len(f.Args))
	}
	for name, meant := range f.Args {
		value, ok := read.Args[name]
		if !ok || !sameValue(value, meant) {
			return fmt.Errorf("verify: argument %s of the file is not the value that is meant", name)
		}
	}
	return nil
}

// Parse reads a file that Render made: markers, and one module block of literal arguments. Lists
// come back as tuples and maps as objects, as they are written. Anything else in the file is an
// error.
func Parse(content []byte) (File, error) {
	parsed, diags := hclsyntax.ParseConfig(content, "tfpilot.tf", hcl.InitialPos)
	if diags.HasErrors() {
		return File{}, fmt.Errorf("parse: %w", diags)
	}
	body := parsed.Body.(*hclsyntax.Body)
	if len(body.Attributes) != 0 || len(body.Blocks) != 1 {
		return File{}, fmt.Errorf("parse: the file must hold one block and nothing else")
	}
	block := body.Blocks[0]
	if block.Type != "module" || len(block.Labels) != 1 || len(block.Body.Blocks) != 0 {
		return File{}, fmt.Errorf("parse: the block must be a plain module call")
	}
	f := File{Args: map[string]cty.Value{}}
	if err := f.readCall(block); err != nil {
		return File{}, fmt.Errorf("parse: %w", err)
	}
	if err := f.check(); err != nil {
		return File{}, fmt.Errorf("parse: %w", err)
	}
	return f, f.checkFrame(content)
}

func (f *File) readCall(block *hclsyntax.Block) error {
	const prefix = len("tfpilot_")
	if label := block.Labels[0]; len(label) > prefix && lifecycle.ModuleCall(label[prefix:]) == label {
		f.RequestID = label[prefix:]
	}
	for name, attr := range block.Body.Attributes {
		value, diags := attr.Expr.Value(nil)
		if diags.HasErrors() {
			return fmt.Errorf("argument %s is not a literal: %w", name, diags)
		}
		if name != "source" {
			f.Args[name] = value
			continue
		}
		if value.IsNull() || value.Type() != cty.String {
			return fmt.Errorf("source is not a text")
		}
		f.Source = value.AsString()
	}
	f.Module = f.Source[min(len(Source("")), len(f.Source)):]
	return nil
}

// checkFrame checks that the markers enclose the block, so that Strip can find them.
func (f File) checkFrame(content []byte) error {
	lines := bytes.Split(bytes.TrimSuffix(content, []byte("\n")), []byte("\n"))
	if string(lines[0]) != beginMarker(f.RequestID) || string(lines[len(lines)-1]) != endMarker(f.RequestID) {
		return fmt.Errorf("parse: the file does not begin and end with the markers of %s", f.RequestID)
	}
	return nil
}
