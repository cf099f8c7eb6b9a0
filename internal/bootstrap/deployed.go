package bootstrap

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// The reverse of Render: it reads the constants of a project from the workflow files that a
// repository has. doctor compares them with the configuration, because roles and releases in
// these files decide what a run may do, and people edit them. Comparing whole files would report
// every harmless change, so only the lines with constants count, in the form of the template.

// WorkflowDir is where a repository keeps its workflow files.
const WorkflowDir = ".github/workflows/"

// Workflows lists the names of the workflow files that a repository needs.
func Workflows(templates fs.FS) ([]string, error) {
	files, err := fs.Glob(templates, "workflows/*.yml")
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("list workflows: %d found: %w", len(files), err)
	}
	for i, name := range files {
		files[i] = path.Base(name)
	}
	return files, nil
}

// Deployed reads the constants back that Render put into the workflow files. files are
// the ones that a repository has, by name, such as plan.yml. It reports together which
// files are missing, which lines with a constant are not as Render writes them, which
// constants are not set or not valid, and where the files differ from each other. Of a
// constant that it cannot read, the field is empty.
func Deployed(files map[string][]byte, templates fs.FS) (Project, error) {
	names, err := Workflows(templates)
	if err != nil {
		return Project{}, err
	}
	var errs []error
	found := map[string][]string{} // the values of each constant
	for _, name := range names {
		text, err := fs.ReadFile(templates, "workflows/"+name)
		if err != nil {
			return Project{}, fmt.Errorf("read workflow: %w", err)
		}
		file, ok := files[name]
		if !ok {
			errs = append(errs, fmt.Errorf("%s%s is missing", WorkflowDir, name))
			continue
		}
		errs = append(errs, constants(name, text, file, found))
	}
	for _, constant := range slices.Sorted(maps.Keys(found)) {
		if len(found[constant]) > 1 {
			errs = append(errs, fmt.Errorf("%s is not the same everywhere: %s", constantName(constant),
				strings.Join(cut(found[constant]), ", ")))
		}
	}
	p := projectOf(found)
	if len(found) > 0 {
		errs = append(errs, p.checkConstants(found))
	}
	return p, errors.Join(errs...)
}

// line is a line of a template that holds constants.
type line struct {
	shape     *regexp.Regexp
	label     string // the line with an ellipsis for each constant
	constants []string
}

// quotedValue matches a YAML scalar: in double quotes, in single quotes, or plain.
const quotedValue = `("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s"'#]*)`

// lineOf turns a line of a template into a pattern. A comment may follow the value.
func lineOf(text string) (line, bool) {
	at := placeholder.FindAllStringSubmatchIndex(text, -1)
	if at == nil {
		return line{}, false
	}
	var l line
	pattern, last := "^", 0
	for _, m := range at {
		pattern += regexp.QuoteMeta(text[last:m[0]]) + quotedValue
		l.label += text[last:m[0]] + "…"
		l.constants = append(l.constants, text[m[2]:m[3]])
		last = m[1]
	}
	l.label += text[last:]
	l.shape = regexp.MustCompile(pattern + regexp.QuoteMeta(text[last:]) + `(?:\s+#.*)?$`)
	return l, true
}

// constants adds the values of one workflow file. Lines of the same shape, such as the ones with
// the roles, keep the order of the template.
func constants(name string, template, file []byte, found map[string][]string) error {
	var errs []error
	var shapes []string
	lines := map[string][]line{}
	for text := range strings.Lines(string(template)) {
		if l, ok := lineOf(strings.TrimSpace(text)); ok {
			if lines[l.label] == nil {
				shapes = append(shapes, l.label)
			}
			lines[l.label] = append(lines[l.label], l)
		}
	}
	for _, shape := range shapes {
		want := lines[shape]
		var have [][]string
		for text := range strings.Lines(string(file)) {
			if m := want[0].shape.FindStringSubmatch(strings.TrimSpace(text)); m != nil {
				have = append(have, m[1:])
			}
		}
		if len(have) != len(want) {
			errs = append(errs, fmt.Errorf("%s: there are %d lines %q, and bootstrap writes %d", name, len(have), shape,
				len(want)))
			continue
		}
		for i, values := range have {
			for j, constant := range want[i].constants {
				value, err := unquote(values[j])
				if err != nil || value == "" || strings.HasPrefix(value, "@") {
					errs = append(errs, fmt.Errorf("%s: %s is not set", name, constantName(constant)))
				} else if !slices.Contains(found[constant], value) {
					found[constant] = append(found[constant], value)
				}
			}
		}
	}
	return errors.Join(errs...)
}

// unquote reads a scalar. YAML's double quotes have the escapes of JSON, as far as Render writes
// them.
func unquote(text string) (value string, err error) {
	switch {
	case strings.HasPrefix(text, `"`):
		err = json.Unmarshal([]byte(text), &value)
		return value, err
	case strings.HasPrefix(text, "'"):
		return strings.ReplaceAll(text[1:len(text)-1], "''", "'"), nil
	}
	return text, nil
}

func constantName(constant string) string { return "the " + strings.ReplaceAll(constant, "_", " ") }

// cut quotes values of a repository for a message.
func cut(values []string) []string {
	const most, longest = 3, 100
	var out []string
	for i, v := range values {
		if i == most {
			return append(out, "…")
		}
		out = append(out, fmt.Sprintf("%.*q", longest, v))
	}
	return out
}

func projectOf(found map[string][]string) Project {
	value := func(constant string) string {
		if len(found[constant]) == 0 {
			return ""
		}
		return found[constant][0]
	}
	p := Project{
		Name: value("project"), RequestsBucket: value("requests_bucket"), Region: value("region"),
		Terraform: value("terraform_version"),
		Release:   Release{Version: value("version"), Checksums: map[string]string{}},
		Runs: Runs{
			PlanRole: value("plan_role"), ApplyRole: value("apply_role"), Runner: value("runner"), Actor: value("actor"),
			Releases: value("releases"),
		},
	}
	for text := range strings.Lines(value("checksums")) {
		sum, name, _ := strings.Cut(strings.TrimSpace(text), "  ")
		p.Release.Checksums[name] = sum
	}
	return p
}
