// Package terraform owns the text and the meaning of what Terraform works on for a request: the
// generated file and its blob id, the summary of a plan and its digest, the redaction of what
// leaves a run, and the backend that an environment names.
//
// It is pure: values in, values out. It starts no Terraform (internal/ci does), reads no disk and
// knows no request document.
package terraform

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"

	"github.com/zclconf/go-cty/cty"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// argument is the name of a module's variable in code.
var argument = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// File is the one generated file of a request.
type File struct {
	RequestID string // required
	Module    string // required; name in the catalog
	Source    string // "" is the module's directory in the infra repository
	Args      map[string]cty.Value
}

// Source is the module's directory relative to the environment's root, as the request's file
// names it.
func Source(module string) string { return "../../../modules/" + module }

// Blob returns the id that git gives to a file with this content: 40 hexadecimal digits.
func Blob(content []byte) string {
	hash := sha1.New() // git's own choice; it names content here, it protects nothing
	fmt.Fprintf(hash, "blob %d\x00", len(content))
	hash.Write(content)
	return hex.EncodeToString(hash.Sum(nil))
}

func (f File) source() string {
	if f.Source == "" {
		return Source(f.Module)
	}
	return f.Source
}

func (f File) check() error {
	if err := errors.Join(lifecycle.NameRequest.Check(f.RequestID), lifecycle.NameModule.Check(f.Module)); err != nil {
		return err
	}
	if f.source() != Source(f.Module) {
		return fmt.Errorf("source %q is not the directory of module %s", f.Source, f.Module)
	}
	for name, value := range f.Args {
		if !argument.MatchString(name) || reserved[name] {
			return fmt.Errorf("%q is not an argument name", name)
		}
		if err := checkValue(value); err != nil {
			return fmt.Errorf("argument %s: %w", name, err)
		}
	}
	return nil
}

// reserved are the arguments that Terraform itself reads in a module block.
var reserved = map[string]bool{
	"source": true, "version": true, "providers": true, "count": true, "for_each": true, "depends_on": true,
	"lifecycle": true,
}
