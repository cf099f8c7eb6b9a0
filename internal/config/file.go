package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Reads tfpilot.yaml in two passes over the same text. The first walks the syntax tree with the
// table of keys (key.go), and reports unknown keys and wrong kinds with their line. The second
// decodes into structs, which would report only the first mistake and accept what YAML converts,
// such as yes or 1.10. Anchors, aliases and merges are rejected: they make it hard to see, in a
// review of the file, who may do what in an environment.

const maxFile = 1 << 20

// fileYAML is tfpilot.yaml as written. It distinguishes absent keys from empty ones. A
// test compares its tags with the table of keys.
type fileYAML struct {
	Projects []projectYAML `yaml:"projects"`
	Catalog  struct {
		Dir     string `yaml:"dir"`
		Replace bool   `yaml:"replace"`
	} `yaml:"catalog"`
	Slack struct {
		Command string `yaml:"command"`
	} `yaml:"slack"`
	Model struct {
		Timeout string `yaml:"timeout"`
	} `yaml:"model"`
	Worker struct {
		Concurrency *int   `yaml:"concurrency"`
		Sweep       string `yaml:"sweep"`
		SyncQuick   string `yaml:"syncQuick"`
		SyncSlow    string `yaml:"syncSlow"`
	} `yaml:"worker"`
}

type projectYAML struct {
	Name         string            `yaml:"name"`
	Title        string            `yaml:"title"`
	Owner        string            `yaml:"owner"`
	Repo         string            `yaml:"repo"`
	Base         string            `yaml:"base"`
	Environments []environmentYAML `yaml:"environments"`
}

type environmentYAML struct {
	Key          string `yaml:"key"`
	Slug         string `yaml:"slug"`
	Channel      string `yaml:"channel"`
	Protected    *bool  `yaml:"protected"`
	Apply        string `yaml:"apply"`
	Destroy      string `yaml:"destroy"`
	SelfApproval bool   `yaml:"selfApproval"`
	Approvals    struct {
		Ask           string `yaml:"ask"`
		TimeZone      string `yaml:"timeZone"`
		WorkingHours  string `yaml:"workingHours"`
		RemindAfter   string `yaml:"remindAfter"`
		RemindEvery   string `yaml:"remindEvery"`
		EscalateAfter string `yaml:"escalateAfter"`
		EscalateTo    string `yaml:"escalateTo"`
		ExpireAfter   string `yaml:"expireAfter"`
		OnExpiry      string `yaml:"onExpiry"`
	} `yaml:"approvals"`
	Region  string `yaml:"region"`
	Backend struct {
		Bucket        string `yaml:"bucket"`
		Key           string `yaml:"key"`
		Region        string `yaml:"region"`
		DynamoDBTable string `yaml:"dynamodbTable"`
		UseLockfile   *bool  `yaml:"useLockfile"`
	} `yaml:"backend"`
}

// Defaults are the values of keys that tfpilot.yaml does not set.
type Defaults struct{ Region string }

// Parse reads and checks the text of tfpilot.yaml. name is the file name in faults.
func Parse(data []byte, name string, d Defaults) (Structure, Faults) {
	w := &walker{name: name, lines: map[string]int{}}
	if len(data) > maxFile {
		return Structure{}, Faults{{name, fmt.Sprintf("is larger than %d bytes", maxFile)}}
	}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return Structure{}, Faults{{name, firstLine(err)}}
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return Structure{}, Faults{{name, "must contain one YAML document; start from tfpilot.example.yaml"}}
	}
	w.value("", Key{Kind: Map}, file.Docs[0].Body)
	// The decoder would repeat these faults in its own words.
	if w.wrongKind {
		return Structure{}, w.faults
	}
	var raw fileYAML
	if err := yaml.Unmarshal(data, &raw); err != nil {
		return Structure{}, append(w.faults, Fault{name, firstLine(err)})
	}
	s := resolve(raw, d, w)
	return s, w.faults
}

// firstLine omits the excerpt of the file that the parser adds.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return clip(line)
}

// walker walks the nodes of the file and records the line of every key. Unknown keys and
// values of the wrong kind are faults.
type walker struct {
	name      string
	lines     map[string]int
	faults    Faults
	wrongKind bool
}

// fault adds a fault at a path such as projects[0].name, or at its nearest parent that is
// in the file.
func (w *walker) fault(path, format string, args ...any) {
	line := 0
	for at := path; line == 0 && at != ""; at = parent(at) {
		line = w.lines[at]
	}
	w.at(line, path, format, args...)
}

func (w *walker) at(line int, path, format string, args ...any) {
	where := w.name
	if line > 0 {
		where = fmt.Sprintf("%s:%d", w.name, line)
	}
	if path != "" {
		where += ": " + path
	}
	w.faults = append(w.faults, Fault{where, fmt.Sprintf(format, args...)})
}

func parent(path string) string {
	return path[:max(strings.LastIndexAny(path, ".["), 0)]
}

func (w *walker) value(path string, key Key, n ast.Node) {
	switch n := n.(type) {
	case *ast.MappingNode:
		if w.kind(path, key, n, Map) {
			w.mapping(path, key, n.Values)
		}
	case *ast.MappingValueNode:
		if w.kind(path, key, n, Map) {
			w.mapping(path, key, []*ast.MappingValueNode{n})
		}
	case *ast.SequenceNode:
		if w.kind(path, key, n, List) {
			w.sequence(path, key, n)
		}
	case *ast.StringNode, *ast.LiteralNode:
		w.kind(path, key, n, Text, Duration)
	case *ast.BoolNode:
		w.kind(path, key, n, YesNo)
	case *ast.IntegerNode:
		w.kind(path, key, n, Number)
	case *ast.NullNode:
		w.wrong(path, n, "has no value; add one or remove the key")
	default: // anchors, aliases, tags, merges, floats
		w.kind(path, key, n)
	}
}

// kind adds a fault if a node does not have one of the allowed kinds.
func (w *walker) kind(path string, key Key, n ast.Node, can ...Kind) bool {
	if slices.Contains(can, key.Kind) {
		return true
	}
	w.wrong(path, n, "must be "+hint(key.Kind))
	return false
}

func (w *walker) wrong(path string, n ast.Node, text string) {
	w.wrongKind = true
	w.at(lineOf(n), path, "%s", text)
}

func hint(k Kind) string {
	switch k {
	case Text:
		return "text; use quotes if YAML would read it as another type"
	case Duration:
		return "a duration such as 30s or 5m"
	case YesNo:
		return string(k)
	default:
		return "a " + string(k)
	}
}

func lineOf(n ast.Node) int {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}

func (w *walker) mapping(path string, key Key, values []*ast.MappingValueNode) {
	for _, v := range values {
		name := v.Key.GetToken().Value
		at := dotted(path, name)
		child, known := keys[dotted(key.Path, name)]
		if !known {
			w.at(lineOf(v.Key), dotted(path, clip(name)), "is not a valid key; valid keys here: %s", siblings(key.Path))
			continue
		}
		w.lines[at] = lineOf(v.Key)
		w.value(at, child, v.Value)
	}
}

func (w *walker) sequence(path string, key Key, n *ast.SequenceNode) {
	for i, v := range n.Values {
		at := fmt.Sprintf("%s[%d]", path, i)
		w.lines[at] = lineOf(v)
		w.value(at, Key{Path: key.Path + "[]", Kind: Map}, v)
	}
}

func dotted(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// siblings returns the keys directly under a path of the table.
func siblings(path string) string {
	var names []string
	for _, p := range slices.Sorted(maps.Keys(keys)) {
		rest, under := strings.CutPrefix(p, path)
		rest = strings.TrimPrefix(rest, ".")
		if under && rest != "" && !strings.ContainsAny(rest, ".[") {
			names = append(names, rest)
		}
	}
	return strings.Join(names, ", ")
}
