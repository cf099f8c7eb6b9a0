package provider

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/tfpilot/tfpilot/internal/sim/aws/provider/schema"
)

var scalars = map[string]tftypes.Type{"string": tftypes.String, "number": tftypes.Number, "bool": tftypes.Bool}

func valueType(name string) tftypes.Type {
	kind, rest, nested := strings.Cut(name, "(")
	if !nested {
		return scalars[name]
	}
	element := scalars[strings.TrimSuffix(rest, ")")]
	switch kind {
	case "list":
		return tftypes.List{ElementType: element}
	case "set":
		return tftypes.Set{ElementType: element}
	}
	return tftypes.Map{ElementType: element}
}

var nestings = map[string]tfprotov5.SchemaNestedBlockNestingMode{
	"list": tfprotov5.SchemaNestedBlockNestingModeList, "set": tfprotov5.SchemaNestedBlockNestingModeSet,
	"single": tfprotov5.SchemaNestedBlockNestingModeSingle,
}

// buildBlock turns facts into the protocol's schema. The trait decides which optional attributes are
// computed, since the published facts do not contain it.
func buildBlock(b schema.Block, t trait, path string) *tfprotov5.SchemaBlock {
	out := &tfprotov5.SchemaBlock{}
	for _, name := range slices.Sorted(maps.Keys(b.Attributes)) {
		a := b.Attributes[name]
		out.Attributes = append(out.Attributes, &tfprotov5.SchemaAttribute{
			Name: name, Type: valueType(a.Type),
			Required: a.Mode == schema.Required, Optional: a.Mode == schema.Optional,
			Computed: a.Mode == schema.Computed || t.computes(join(path, name)),
		})
	}
	for _, name := range slices.Sorted(maps.Keys(b.Blocks)) {
		n := b.Blocks[name]
		out.BlockTypes = append(out.BlockTypes, &tfprotov5.SchemaNestedBlock{
			TypeName: name, Nesting: nestings[n.Nesting], MinItems: int64(n.Min), MaxItems: int64(n.Max),
			Block: buildBlock(n.Block, t, join(path, name)),
		})
	}
	return out
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
