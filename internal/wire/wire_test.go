package wire_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/testing/bucket"
	"github.com/tfpilot/tfpilot/internal/testing/services"
	"github.com/tfpilot/tfpilot/internal/wire"
)

// The operator's own modules are offered besides the built-in ones or instead of them, and a directory of invalid
// modules is reported with what to fix.
func TestCatalogIsTheOperators(t *testing.T) {
	own, broken := t.TempDir(), t.TempDir()
	for path, text := range map[string]string{
		filepath.Join(own, "own-thing", "tfpilot.yaml"): "title: Own\nfields:\n  - {name: name, label: Name}\n",
		filepath.Join(own, "own-thing", "variables.tf"): "variable \"name\" {\n  type = string\n}\n",
		filepath.Join(own, "own-thing", "main.tf"):      "# mine\n",
		filepath.Join(broken, "own-thing", "main.tf"):   "#\n",
	} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name          string
		catalog       config.Catalog
		mine, shipped bool
		fault         string
	}{
		{"built in", config.Catalog{}, false, true, ""},
		{"besides", config.Catalog{Dir: own}, true, true, ""},
		{"instead", config.Catalog{Dir: own, Replace: true}, true, false, ""},
		{"broken", config.Catalog{Dir: broken}, false, false, "own-thing: tfpilot.yaml is missing"},
		{"missing", config.Catalog{Dir: filepath.Join(own, "none")}, false, false, "no such file"},
	} {
		loaded, err := wire.LoadCatalog(c.catalog)
		if c.fault != "" {
			if err == nil || !strings.Contains(err.Error(), c.fault) ||
				!strings.Contains(err.Error(), "catalog.dir, "+c.catalog.Dir) {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		_, mine := loaded.Module("own-thing")
		_, shipped := loaded.Module("s3-bucket")
		if mine != c.mine || shipped != c.shipped {
			t.Errorf("%s: own-thing %v, s3-bucket %v", c.name, mine, shipped)
		}
	}
}

// A process does not start with a bucket that it cannot use, and says what to check; a command opens its parts
// and asks none of them.
func TestAssembleProbesTheBucket(t *testing.T) {
	services.NewStorage(t)
	for name, assembles := range map[string]bool{bucket.Requests: true, "tfpilot-other": false} {
		t.Setenv("TFPILOT_REQUESTS_BUCKET", name)
		cfg, err := config.Load(config.CLI, config.OS())
		if err != nil {
			t.Fatal(err)
		}
		p, err := wire.Open(t.Context(), cfg, wire.Credentials{}, wire.NewLog(0, false))
		if err != nil {
			t.Errorf("%s: open: %v", name, err)
			continue
		}
		_ = p.Close()
		p, err = wire.Assemble(t.Context(), cfg, wire.Credentials{}, wire.NewLog(0, false))
		switch {
		case assembles && err != nil:
			t.Errorf("%s: assemble: %v", name, err)
		case assembles:
			_ = p.Close()
		case err == nil || !strings.Contains(err.Error(), "check TFPILOT_REQUESTS_BUCKET"):
			t.Errorf("%s: assemble: %v", name, err)
		}
	}
}

// Without a key there is no model, and the form works without it.
func TestModelIsOptional(t *testing.T) {
	cfg := &config.Config{}
	if m := (&wire.Parts{Config: cfg}).Model(); m != nil {
		t.Errorf("got %+v", m)
	}
	if err := wire.Hint(nil, "check it"); err != nil {
		t.Error(err)
	}
	failed := errors.New("connection refused")
	if err := wire.Hint(failed, "check it"); !errors.Is(err, failed) || err.Error() != "connection refused; check it" {
		t.Error(err)
	}
}
