package config

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// A setting of the process is called reserved exactly when the wiring does not hand
// it to anything.
func TestReservedSettingsAreThoseThatNothingUses(t *testing.T) {
	variable := map[string]string{
		"Addr": "TFPILOT_HTTP_ADDR", "AdminAddr": "TFPILOT_ADMIN_ADDR", "PublicURL": "TFPILOT_PUBLIC_URL",
		"SessionKey": "TFPILOT_SESSION_KEY",
	}
	read := fieldsRead(t, "HTTP")
	for field := range reflect.TypeFor[HTTP]().Fields() {
		v, known := variables[variable[field.Name]]
		if !known {
			t.Errorf("say here which variable HTTP.%s comes from", field.Name)
		}
		if marked := strings.HasPrefix(v.Help, reserved); read[field.Name] == marked {
			t.Errorf("%s: used %v, called reserved %v", v.Name, read[field.Name], marked)
		}
	}
}

// fieldsRead returns the fields of one part of the settings that the wiring reads.
func fieldsRead(t *testing.T, part string) map[string]bool {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "wire", "*.go"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("the wiring: %d files, %v", len(paths), err)
	}
	read := map[string]bool{}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.SelectorExpr); ok && x.Sel.Name == part {
					read[s.Sel.Name] = true
				}
			}
			return true
		})
	}
	return read
}
