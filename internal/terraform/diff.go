package terraform

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	tfjson "github.com/hashicorp/terraform-json"
)

// identity lists the attributes that identify a deleted resource.
var identity = []string{"arn", "id", "name"}

// addValues fills in what people have to see: all of what is created, the difference of what is
// changed, the identity of what goes.
func (c *Change) addValues(change *tfjson.Change, hide *mask) {
	before, _ := change.Before.(map[string]any)
	after, _ := change.After.(map[string]any)
	switch c.Kind() {
	case "create", "read":
		c.After = hide.attributes(after, change.AfterSensitive)
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

// addDifference compares the values themselves, so that a changed secret is seen to change, and keeps them masked.
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

// unknownPaths lists where the tree of after_unknown says true.
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

// withoutNulls drops what was not set from objects; in lists a null keeps its place.
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
