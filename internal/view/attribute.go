package view

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/terraform"
)

// A change is drawn from three parts of the summary: values before, values after, and the paths
// that are unknown until the apply. Terraform leaves an unknown value out of the values, so
// without an overlay it would look like a removal. A plan is read before it is approved: no path
// of the summary may be missing from the drawing, and where space is short, a line counts what it
// left out.

// computed are attributes that providers compute on nearly every resource. Where a change makes one
// of them unknown, its name is listed and its old value is not repeated.
var computed = map[string]bool{
	"id": true, "arn": true, "tags_all": true, "unique_id": true, "create_date": true, "created_date": true,
	"creation_date": true,
	"owner_id":      true, "etag": true, "last_modified": true, "version_id": true, "hosted_zone_id": true,
}

// attributes show what the change sets.
func (w *writer) attributes(c terraform.Change) {
	switch c.Kind() {
	case "create", "read":
		after, _ := w.overlay("", c.After).(map[string]any)
		w.object(1, Create, after, false, foldUnknown)
	case "delete":
		w.object(1, Destroy, c.Before, false, nil)
	default:
		w.differences(c)
	}
}

// differences shows an update or a replacement attribute by attribute.
func (w *writer) differences(c terraform.Change) {
	after, _ := w.overlay("", c.After).(map[string]any)
	forces := map[string]bool{}
	for _, path := range c.ReplacePaths {
		if steps, ok := path.([]any); ok && len(steps) > 0 {
			if name, ok := steps[0].(string); ok {
				forces[name] = true
			}
		}
	}
	var folded []string
	for _, name := range names(c.Before, after) {
		_, unknown := after[name].(unknownValue)
		switch {
		case unknown && computed[name] && !forces[name] && !terraform.DecidesAccess(name):
			folded = append(folded, key(name))
			continue
		// The AWS provider computes tags_all from tags and its default tags. Without default tags
		// the two are equal, and showing both would repeat each changed tag.
		case name == "tags_all" && sameAsTags(c.Before, after):
			w.add(1, "", "# tags_all changes as tags does")
			continue
		}
		first := len(w.lines)
		w.changed(place{depth: 1, name: name}, c.Before[name], after[name])
		if first == len(w.lines) { // masked values look the same on both sides
			w.add(1, Update, key(name)+" = "+terraform.HiddenChanged)
		}
		if forces[name] {
			w.lines[first].Text += "  # forces replacement"
		}
	}
	if len(folded) > 0 {
		w.add(1, "", "# known after apply: "+strings.Join(folded, ", "))
	}
}

func sameAsTags(before, after map[string]any) bool {
	_, changes := after["tags"].(map[string]any)
	return changes && reflect.DeepEqual(before["tags"], before["tags_all"]) &&
		reflect.DeepEqual(after["tags"], after["tags_all"])
}

func names(tables ...map[string]any) []string {
	all := map[string]bool{}
	for _, table := range tables {
		for name := range table {
			all[name] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// unknownValue is a value that Terraform knows only after the apply.
type unknownValue struct{}

const knownAfter = "(known after apply)"

// unknownPaths is the set of paths that the summary lists as unknown; true once a line shows it.
func unknownPaths(paths []string) map[string]bool {
	set := map[string]bool{}
	for _, p := range paths {
		set[p] = false
	}
	return set
}

// overlay copies a value of the plan and puts unknownValue where the summary marks the value as
// unknown. Terraform leaves such a value out of an object and puts null into a list. What no deeper
// object shows, an outer one does: no path is lost.
func (w *writer) overlay(path string, value any) any {
	if _, unknown := w.unknown[path]; unknown && path != "" {
		w.unknown[path] = true
		return unknownValue{}
	}
	switch v := value.(type) {
	case []any:
		out := make([]any, 0, len(v))
		for i := 0; i < len(v) || w.has(elementPath(path, i)); i++ {
			var one any
			if i < len(v) {
				one = v[i]
			}
			out = append(out, w.overlay(elementPath(path, i), one))
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, name := range names(v) {
			out[name] = w.overlay(memberPath(path, name), v[name])
		}
		prefix := memberPath(path, "")
		first, _ := slices.BinarySearch(w.paths, prefix)
		for _, unknown := range w.paths[first:] {
			name, inside := strings.CutPrefix(unknown, prefix)
			if !inside {
				break
			}
			if name != "" && !w.unknown[unknown] {
				out[name], w.unknown[unknown] = unknownValue{}, true
			}
		}
		return out
	}
	return value
}

// memberPath and elementPath write a path as the summary does.
func memberPath(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func elementPath(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

func (w *writer) has(path string) bool { _, ok := w.unknown[path]; return ok }
