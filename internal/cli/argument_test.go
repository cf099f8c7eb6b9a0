package cli

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/config"
)

// TestInputsAtTheCommandLine: NAME= empties a list or map, as in a form; any other field then has its default.
func TestInputsAtTheCommandLine(t *testing.T) {
	c, err := catalog.Load(os.DirFS("../catalog/testdata/modules"))
	if err != nil {
		t.Fatal(err)
	}
	m, _ := c.Module("fields-to-empty")
	values, err := Inputs(m, []string{"name=a=b", "open_to=", "labels=", "note=", "days="})
	if err != nil {
		t.Fatal(err)
	}
	config, errs := m.Parse(values, catalog.Environment{Project: "core", Key: "dev", Slug: "app"})
	want := map[string]any{"name": "a=b", "open_to": []any{}, "labels": map[string]any{}}
	if diff := cmp.Diff(want, config); diff != "" || errs != nil {
		t.Errorf("%v %s", errs, diff)
	}
	for _, wrong := range [][]string{{"name"}, {"name=a", "name=b"}} {
		if _, err := Inputs(m, wrong); err == nil {
			t.Errorf("%q were taken", wrong)
		}
	}
}

// What an argument names is found, or what exists is listed.
func TestArgumentsName(t *testing.T) {
	dev, prod := config.Environment{Project: "core", Key: "dev", Slug: "app"},
		config.Environment{Project: "core", Key: "prod", Slug: "app"}
	core := config.Project{Name: "core", Environments: []config.Environment{dev, prod}}
	cfg := &config.Config{Structure: config.Structure{Projects: []config.Project{core, {Name: "data"}}}}
	for _, c := range []struct{ name, says string }{
		{"core", ""}, {"", "PROJECT is required: core, data"}, {"prdo",
			`PROJECT: unknown project "prdo"; projects: core, data`},
	} {
		got, err := Project(cfg, "PROJECT", c.name)
		assertNamed(t, c.name, got.Name, err, c.says)
	}
	for _, c := range []struct{ name, says string }{
		{"prod/app", ""}, {"prod", `--env: unknown environment "prod" in core; environments: dev/app, prod/app`},
	} {
		got, err := Environment(core, c.name)
		name := ""
		if err == nil {
			name = got.String()
		}
		assertNamed(t, c.name, name, err, c.says)
	}
}

func assertNamed(t *testing.T, want, got string, err error, says string) {
	t.Helper()
	var usage UsageError
	switch {
	case says == "" && (err != nil || got != want):
		t.Errorf("%q: found %q, %v", want, got, err)
	case says != "" && (!errors.As(err, &usage) || !strings.Contains(err.Error(), says)):
		t.Errorf("%q: %v, want wrong usage with %q", want, err, says)
	}
}
