package lifecycle

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Run state lives in one place for each kind, and no status is stored.
func TestRunStateHasOnePlace(t *testing.T) {
	var attempts, statuses []string
	walk(reflect.TypeFor[Request](), "", func(path string, typ reflect.Type) {
		if typ == reflect.TypeFor[Attempt]() {
			attempts = append(attempts, path)
		}
		if strings.HasSuffix(strings.ToLower(path), "status") || typ == reflect.TypeFor[Status]() {
			statuses = append(statuses, path)
		}
	})
	slices.Sort(attempts)
	if d := cmp.Diff([]string{"Cleanup.Attempt", "Runs.Apply.Attempts", "Runs.Destroy.Attempts",
		"Runs.Plan.Attempts"}, attempts); d != "" {
		t.Errorf("run state (-wanted +found):\n%s", d)
	}
	for _, path := range statuses {
		if !slices.ContainsFunc(attempts, func(a string) bool { return path == a+".Status" }) { // GitHub's word for a run
			t.Errorf("%s stores a status", path)
		}
	}
}

// walk visits every field below a struct once, through pointers and lists.
func walk(typ reflect.Type, path string, visit func(string, reflect.Type)) {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	if path != "" {
		visit(path, typ)
	}
	if typ.Kind() != reflect.Struct || !strings.HasPrefix(typ.PkgPath(), "github.com/tfpilot/") {
		return
	}
	for f := range typ.Fields() {
		walk(f.Type, strings.TrimPrefix(path+"."+f.Name, "."), visit)
	}
}
