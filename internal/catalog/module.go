package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Kind is the kind of input of a field.
type Kind string

const (
	Text   Kind = "text"
	Number Kind = "number"
	Bool   Kind = "bool"   // yes or no
	Select Kind = "choice" // one of Choices
	List   Kind = "list"   // of Elem
	Map    Kind = "map"    // from names to Elem
)

// Module is one Terraform module and its request form.
type Module struct {
	Name        string
	Title       string
	Description string
	Fields      []Field  // in the order of the form
	Outputs     []Output // shown to people after an apply, in this order
	Allow       Allow
	Digest      string // "sha256:" over the names and contents of all files of the module

	variables []variable // all, also hidden and computed ones
	computed  map[string]string
	data      []string
	files     map[string][]byte
}

// Field is one input of a module. It is never sensitive: a module that takes a secret is refused when it is loaded.
type Field struct {
	Name        string
	Label       string
	Help        string
	Placeholder string
	Kind        Kind
	Elem        Kind // of a list or map: text, number or bool
	Required    bool
	Advanced    bool
	Immutable   bool // a change would replace the resources
	Multiline   bool // a text of several lines, kept as it is typed
	Default     any  // as in a config; nil when there is none
	Choices     []Choice
	Limits      []Limit

	typ cty.Type
}

// Choice is one value that a field may have.
type Choice struct {
	Value any // as in a config
	Label string
}

// Output is a value that a module gives after an apply.
type Output struct {
	Name        string
	Description string
	Sensitive   bool // its value never leaves Terraform
}

// Environment is the environment that the limits of a module apply to.
type Environment struct {
	Project   string
	Key       string
	Slug      string
	Protected bool
}

// Field finds a field by its name.
func (m *Module) Field(name string) (*Field, bool) {
	for i := range m.Fields {
		if m.Fields[i].Name == name {
			return &m.Fields[i], true
		}
	}
	return nil, false
}

// Files returns the module's files by path inside its directory, for copying into an infra
// repository.
func (m *Module) Files() map[string][]byte {
	files := make(map[string][]byte, len(m.files))
	for name, content := range m.files {
		files[name] = slices.Clone(content)
	}
	return files
}

// Allows reports whether the overlay allows a role to request the module in a project, and if
// not, why.
func (m *Module) Allows(role, project string) (bool, string) {
	if len(m.Allow.Roles) > 0 && !slices.Contains(m.Allow.Roles, role) {
		return false, fmt.Sprintf("%s is only for %s", m.Title, strings.Join(m.Allow.Roles, ", "))
	}
	if len(m.Allow.Projects) > 0 && !slices.Contains(m.Allow.Projects, project) {
		return false, fmt.Sprintf("%s is only for the projects %s", m.Title, strings.Join(m.Allow.Projects, ", "))
	}
	return true, ""
}

const (
	// A module is held in memory and copied into the infra repository. The bounds, files and
	// bytes for each, catch a provider binary or a state file that was left in the directory.
	maxModuleFiles = 200
	maxModuleFile  = 1 << 20
)

// loadModule reads one directory. Its errors are for the author of the module, and name the file
// or the variable.
func loadModule(fsys fs.FS, name string) (*Module, error) {
	if !lifecycle.NameModule.Valid(name) {
		return nil, fmt.Errorf("a module directory is named like s3-bucket, with lower-case letters, digits and hyphens")
	}
	files, err := readFiles(fsys, name)
	if err != nil {
		return nil, err
	}
	content, ok := files[overlayFile]
	if !ok {
		return nil, fmt.Errorf("%s is missing", overlayFile)
	}
	over, err := parseOverlay(content)
	if err != nil {
		return nil, err
	}
	parsed, err := parseModule(files)
	if err != nil {
		return nil, err
	}
	m := &Module{
		Name: name, Title: over.Title, Description: over.Description, Allow: over.Allow, Digest: digest(files),
		variables: parsed.variables, computed: over.Computed, data: over.Data, files: files,
	}
	return m, m.assemble(over, parsed)
}

const overlayFile = "tfpilot.yaml"

// readFiles returns the files of a module by their path inside it. All of them, since a module
// can read any file that it contains, such as a policy or a template.
func readFiles(fsys fs.FS, dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(fsys, dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name != dir && leftover(path.Base(name)) {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if entry.IsDir() {
			return nil
		}
		content, err := readFile(fsys, name, entry)
		if err != nil {
			return err
		}
		files[strings.TrimPrefix(name, dir+"/")] = content
		if len(files) > maxModuleFiles {
			return fmt.Errorf("more than %d files", maxModuleFiles)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read files: %w", err)
	}
	return files, nil
}

// leftovers lists files that Terraform, git and editors leave in a directory. The module may
// read any other hidden file, so those belong to it.
var leftovers = []string{".terraform", ".terraform.lock.hcl", ".git", ".hg", ".svn", ".idea", ".vscode", ".DS_Store"}

// leftover also recognizes backups and swap files of vi and emacs. A copy in the digest would
// make the module look changed whenever someone edits it.
func leftover(base string) bool {
	backup := strings.HasSuffix(base, "~") || strings.HasPrefix(base, ".#") || strings.HasPrefix(base, "#") &&
		strings.HasSuffix(base, "#")
	swap := strings.HasPrefix(base, ".") && (strings.HasSuffix(base, ".swp") || strings.HasSuffix(base, ".swo"))
	return backup || swap || slices.Contains(leftovers, base)
}

// readFile rejects links: a link could point outside the module, and its content would then be
// committed to the infra repository.
func readFile(fsys fs.FS, name string, entry fs.DirEntry) ([]byte, error) {
	if !entry.Type().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	info, err := entry.Info()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxModuleFile {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, maxModuleFile)
	}
	return fs.ReadFile(fsys, name)
}

// digest covers names and contents. Length prefixes keep them apart.
func digest(files map[string][]byte) string {
	hash := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(hash, "%d:%s%d:", len(name), name, len(files[name]))
		hash.Write(files[name])
	}
	return "sha256:" + hex.EncodeToString(hash.Sum(nil))
}
