package terraform

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	tfjson "github.com/hashicorp/terraform-json"
)

// A resource change in a plan's JSON has three parallel trees beside the values: before_sensitive
// and after_sensitive are true where a value is secret, and after_unknown is true where it is
// known only after the apply. A tree may be a single bool for a whole subtree, so each has to be
// read together with its value. An unknown value is missing from after: without after_unknown it
// would look as if the attribute were removed.

// identity lists the attributes that identify a deleted resource.
var identity = []string{"arn", "id", "name"}

// addValues adds the values that an approver has to see: every value of a created resource, the
// differences of a changed one, and the identifying attributes of a deleted one.
func (c *Change) addValues(change *tfjson.Change, hide *mask) {
	before, _ := change.Before.(map[string]any)
	after, _ := change.After.(map[string]any)
	switch c.Kind() {
	case "create", "read":
		c.After = hide.attributes(after, change.AfterSensitive)
		// A created resource has a null for each attribute that no one set, often dozens.
		withoutNulls(c.After)
		c.Unknown = hide.paths(unknownPaths("", change.AfterUnknown))
	case "delete":
		masked := hide.attributes(before, change.BeforeSensitive)
		c.Before = map[string]any{}
		for _, name := range identity {
			if masked[name] != nil {
				c.Before[name] = masked[name]
			}
		}
	case "update", "replace", "import":
		c.addDifference(change, before, after, hide)
	}
}

// addDifference compares the real values, so that a changed secret shows as a change, and stores
// only masked ones.
func (c *Change) addDifference(change *tfjson.Change, before, after map[string]any, hide *mask) {
	maskedBefore, maskedAfter := hide.attributes(before, change.BeforeSensitive), hide.attributes(after,
		change.AfterSensitive)
	unknown, _ := change.AfterUnknown.(map[string]any)
	names := map[string]bool{}
	for _, table := range []map[string]any{before, after, unknown} {
		for name := range table {
			names[name] = true
		}
	}
	c.Before, c.After = map[string]any{}, map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		paths := unknownPaths(name, unknown[name])
		if len(paths) == 0 && reflect.DeepEqual(before[name], after[name]) {
			continue
		}
		c.Unknown = append(c.Unknown, hide.paths(paths)...)
		c.Before[name] = maskedBefore[name]
		if whole, _ := unknown[name].(bool); !whole {
			c.After[name] = maskedAfter[name]
		}
	}
}

// unknownPaths lists the paths that are true in the tree of after_unknown.
func unknownPaths(path string, tree any) []string {
	var paths []string
	switch t := tree.(type) {
	case bool:
		if t {
			paths = append(paths, path)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(t)) {
			inner := name
			if path != "" {
				inner = path + "." + name
			}
			paths = append(paths, unknownPaths(inner, t[name])...)
		}
	case []any:
		for i, one := range t {
			paths = append(paths, unknownPaths(fmt.Sprintf("%s[%d]", path, i), one)...)
		}
	}
	return paths
}

// withoutNulls drops unset attributes from objects. A null in a list keeps its position.
func withoutNulls(value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			if inner == nil {
				delete(v, name)
			}
			withoutNulls(inner)
		}
	case []any:
		for _, inner := range v {
			withoutNulls(inner)
		}
	}
}
