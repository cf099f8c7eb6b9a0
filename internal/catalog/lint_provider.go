package catalog

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/tfpilot/tfpilot/templates"
)

// Terraform installs one version of each provider for an environment. It must satisfy the
// constraints of the environment's own files and of all modules together, so one module with a
// constraint that excludes the others stops every plan of the environment.

// requirement is one entry of required_providers.
type requirement struct {
	source, version string
}

// parseRequirement reads an entry; ok is false if Terraform would reject it.
func parseRequirement(name string, attr *hclsyntax.Attribute) (r requirement, ok bool) {
	r.source = name
	pairs, diags := hcl.ExprMap(attr.Expr)
	if diags.HasErrors() { // of Terraform 0.12: only the version
		r.version, ok = constantText(attr.Expr)
		return withHost(r), ok
	}
	for _, pair := range pairs {
		switch hcl.ExprAsKeyword(pair.Key) {
		case "source":
			r.source, ok = constantText(pair.Value)
		case "version":
			r.version, ok = constantText(pair.Value)
		}
	}
	return withHost(r), ok
}

// withHost writes a source in full: aws is registry.terraform.io/hashicorp/aws.
func withHost(r requirement) requirement {
	switch strings.Count(r.source, "/") {
	case 0:
		r.source = "registry.terraform.io/hashicorp/" + r.source
	case 1:
		r.source = "registry.terraform.io/" + r.source
	}
	r.source = strings.ToLower(r.source)
	return r
}

// requiredProvider compares the module's version constraint with the one that bootstrap writes
// into environments. Environments may have changed since, so a mismatch is only a note.
func (l *linter) requiredProvider(m *Module, name string, attr *hclsyntax.Attribute) {
	at := attr.SrcRange
	mine, ok := parseRequirement(name, attr)
	if !ok || mine.version == "" {
		return
	}
	if _, err := version.NewConstraint(mine.version); err != nil {
		l.add(m.Name, &at, "version %q of the provider %s is not a version constraint", mine.version, name)
		return
	}
	for _, theirs := range environmentProviders() {
		if theirs.source == mine.source && !compatible(mine.version, theirs.version) {
			l.note(m.Name, &at, "requires %s of the provider %s, but environments as bootstrap writes them take %s, "+
				"so no run could start there", mine.version, name, theirs.version)
		}
	}
}

// environmentProviders returns the provider constraints of the roots that bootstrap writes.
func environmentProviders() []requirement {
	content, err := fs.ReadFile(templates.FS, "environment/versions.tf")
	if err != nil {
		return nil
	}
	file, diags := hclsyntax.ParseConfig(content, "versions.tf", hcl.InitialPos)
	if diags.HasErrors() {
		return nil
	}
	var all []requirement
	for _, block := range file.Body.(*hclsyntax.Body).Blocks {
		for _, inner := range block.Body.Blocks {
			if inner.Type != "required_providers" {
				continue
			}
			for name, attr := range inner.Body.Attributes {
				if r, ok := parseRequirement(name, attr); ok {
					all = append(all, r)
				}
			}
		}
	}
	return all
}

// compatible reports whether a version can satisfy both constraints. It tries the versions in
// the constraints and their neighbors: if the constraints overlap, one of those satisfies both.
func compatible(a, b string) bool {
	first, err1 := version.NewConstraint(a)
	second, err2 := version.NewConstraint(b)
	if err1 != nil || err2 != nil {
		return true
	}
	for _, one := range append(first, second...) {
		named, err := version.NewVersion(strings.TrimLeft(one.String(), "=!<>~ "))
		if err != nil {
			return true
		}
		for _, candidate := range around(named.Segments()) {
			if first.Check(candidate) && second.Check(candidate) {
				return true
			}
		}
	}
	zero := version.Must(version.NewVersion("0.0.0"))
	return first.Check(zero) && second.Check(zero)
}

// around lists a version, the next patch, minor and major version, and the last ones before it.
func around(s []int) []*version.Version {
	var all []*version.Version
	add := func(major, minor, patch int) {
		if major >= 0 && minor >= 0 && patch >= 0 {
			all = append(all, version.Must(version.NewVersion(fmt.Sprintf("%d.%d.%d", major, minor, patch))))
		}
	}
	// The last patch or minor version before a given one has no highest number; this one is
	// higher than any in use.
	const last = 1 << 20
	add(s[0], s[1], s[2])
	add(s[0], s[1], s[2]+1)
	add(s[0], s[1]+1, 0)
	add(s[0]+1, 0, 0)
	add(s[0], s[1], s[2]-1)
	add(s[0], s[1]-1, last)
	add(s[0]-1, last, last)
	return all
}
