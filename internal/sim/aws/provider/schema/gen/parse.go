package main

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/tfpilot/tfpilot/internal/sim/aws/provider/schema"
)

// The package is generated code, so its form is regular. The .d.ts files contain the Terraform name of
// each configuration field and whether it is required; the .js files contain its type, how blocks
// nest, and which attributes are computed.
var (
	rootClass  = regexp.MustCompile(`(?m)^class (\w+) extends (cdktf\.Terraform\w+) \{$`)
	resType    = regexp.MustCompile(`terraformResourceType: '(\w+)'`)
	genVersion = regexp.MustCompile(`providerVersion: '([\d.]+)'`)
	tsField    = regexp.MustCompile(`#(\w+) [^}]*\}\n(?:[^\n]*\*[^\n]*\n)*?\s*\*/\n\s*readonly \w+(\?)?: `)
	jsEntry    = regexp.MustCompile(
		`(?m)^\s+(\w+): \{\n\s+value: (.*),\n\s+isBlock: (\w+),\n\s+type: "(\w+)",\n\s+storageClassType: "(\w+)",\n`)
	nestedFn = regexp.MustCompile(`\b(\w+)ToHclTerraform\b`)
	computed = regexp.MustCompile(
		`// (\w+) - computed: true, optional: false, required: false\n\s+get \w+\(\) \{\n\s+return (.*);\n`)
	getter = regexp.MustCompile(`get(String|Number|Boolean|List|NumberList|StringMap|BooleanMap|NumberMap)Attribute`)
)

type parsed struct {
	typ, version string
	block        schema.Block
}

type file struct{ js, ts string }

func parse(js, ts, base string) (parsed, error) {
	f := file{js, ts}
	var class string
	for _, m := range rootClass.FindAllStringSubmatch(js, -1) {
		if m[2] == base {
			class = m[1]
		}
	}
	if class == "" {
		return parsed{}, fmt.Errorf("no class that extends %s", base)
	}
	out := parsed{version: first(genVersion, js), typ: first(resType, js)}
	body, err := section(js, "\n    synthesizeHclAttributes() {\n", "\n    }\n")
	if err != nil {
		return parsed{}, err
	}
	out.block, err = f.block(class+"Config", class, body)
	return out, err
}

// block reads one body from its configuration interface, its class, and the table of attributes and
// blocks in the text.
func (f file) block(iface, class, table string) (schema.Block, error) {
	b := schema.Block{Attributes: map[string]schema.Attribute{}, Blocks: map[string]schema.Nested{}}
	required, err := f.required(iface)
	if err != nil {
		return b, err
	}
	for _, m := range jsEntry.FindAllStringSubmatch(table, -1) {
		name, value, isBlock, kind, storage := m[1], m[2], m[3] == "true", m[4], m[5]
		must, known := required[name]
		if !known {
			return b, fmt.Errorf("%s: %s is not in the interface", iface, name)
		}
		if isBlock {
			b.Blocks[name], err = f.nested(value, kind, must)
		} else {
			b.Attributes[name], err = attribute(kind, storage, must)
		}
		if err != nil {
			return b, fmt.Errorf("%s.%s: %w", iface, name, err)
		}
	}
	if len(b.Attributes)+len(b.Blocks) != len(required) {
		return b, fmt.Errorf("%s: %d fields declared, %d found", iface, len(required), len(b.Attributes)+len(b.Blocks))
	}
	return b, f.addComputed(class, b.Attributes)
}

func (f file) required(iface string) (map[string]bool, error) {
	body, err := section(f.ts, "export interface "+iface+" ", "\n}\n")
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, m := range tsField.FindAllStringSubmatch(body, -1) {
		out[m[1]] = m[2] == ""
	}
	if n := strings.Count(body, "\n    readonly "); n != len(out) {
		return nil, fmt.Errorf("%s: %d fields, %d parsed", iface, n, len(out))
	}
	return out, nil
}

func (f file) nested(value, kind string, must bool) (schema.Nested, error) {
	n := schema.Nested{Nesting: kind}
	fn := nestedFn.FindStringSubmatch(value)
	if fn == nil {
		return n, fmt.Errorf("no function in %q", value)
	}
	switch {
	case kind == "struct":
		n.Nesting = "single"
	case !strings.Contains(value, "listMapperHcl"):
		n.Max = 1
	}
	if must {
		n.Min = 1
	}
	table, err := section(f.js, "\nfunction "+fn[1]+"ToHclTerraform(struct) {\n", "\n}\n")
	if err != nil {
		return n, err
	}
	iface := strings.ToUpper(fn[1][:1]) + fn[1][1:]
	n.Block, err = f.block(iface, iface+"OutputReference", table)
	return n, err
}

func attribute(kind, storage string, must bool) (schema.Attribute, error) {
	a := schema.Attribute{Mode: schema.Optional}
	if must {
		a.Mode = schema.Required
	}
	element := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(storage, "List"), "Map"), "Set")
	switch element {
	case "string", "number":
	case "boolean":
		element = "bool"
	default:
		return a, fmt.Errorf("unknown storage class %q", storage)
	}
	switch kind {
	case "simple":
		a.Type = element
	case "list", "set", "map":
		a.Type = kind + "(" + element + ")"
	default:
		return a, fmt.Errorf("unknown type %q", kind)
	}
	return a, nil
}

var getterTypes = map[string]string{
	"String": "string", "Number": "number", "Boolean": "bool", "List": "list(string)", "NumberList": "list(number)",
	"StringMap": "map(string)", "BooleanMap": "map(bool)", "NumberMap": "map(number)",
}

// addComputed adds the attributes that only the provider sets. Blocks of the provider's own
// configuration have no class and no computed attributes.
func (f file) addComputed(class string, into map[string]schema.Attribute) error {
	if !strings.Contains(f.js, "\nclass "+class+" extends ") {
		return nil
	}
	body, err := section(f.js, "\nclass "+class+" extends ", "\n}\n")
	if err != nil {
		return err
	}
	for _, m := range computed.FindAllStringSubmatch(body, -1) {
		g := getter.FindStringSubmatch(m[2])
		if g == nil {
			return fmt.Errorf("%s.%s: unknown %q", class, m[1], m[2])
		}
		typ := getterTypes[g[1]]
		if strings.Contains(m[2], "Fn.tolist") {
			typ = strings.Replace(typ, "list(", "set(", 1)
		}
		into[m[1]] = schema.Attribute{Type: typ, Mode: schema.Computed}
	}
	return nil
}

func section(text, from, to string) (string, error) {
	_, rest, ok := strings.Cut(text, from)
	if !ok {
		return "", fmt.Errorf("%q not found", strings.TrimSpace(from))
	}
	body, _, ok := strings.Cut(rest, to)
	if !ok {
		return "", fmt.Errorf("%q does not end", strings.TrimSpace(from))
	}
	return body + "\n", nil
}

func first(re *regexp.Regexp, text string) string {
	m := re.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return cmp.Or(m[1:]...)
}
