package terraform

import (
	"encoding/json"
	"regexp"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/tfpilot/tfpilot/internal/catalog"
)

// Hidden stands where a secret was.
const Hidden = "(sensitive value)"

// mask takes secrets out of values, by Terraform's marks and by value.
type mask struct {
	whole  secrets
	inside *strings.Replacer
}

func newMask(plan *tfjson.Plan) *mask {
	whole := secretsOf(plan)
	pairs := []string{}
	for _, form := range whole.forms() {
		pairs = append(pairs, form, Hidden)
	}
	return &mask{whole: whole, inside: strings.NewReplacer(pairs...)}
}

func (m *mask) text(text string) string {
	if m.whole[text] || text != "" && m.whole[strings.TrimSpace(text)] {
		return Hidden
	}
	return catalog.CutCredentials(m.inside.Replace(text), Hidden)
}

// value masks a copy of a JSON value; marks is the tree that Terraform gives beside it.
func (m *mask) value(value, marks any) any {
	if marked, _ := marks.(bool); marked && value != nil {
		return Hidden
	}
	switch v := value.(type) {
	case string:
		return m.text(v)
	case json.Number:
		if m.whole[v.String()] {
			return Hidden
		}
	case map[string]any:
		inner, _ := marks.(map[string]any)
		masked := make(map[string]any, len(v))
		for name, one := range v {
			shown := m.text(name)
			if _, twice := masked[shown]; twice || shown == Hidden {
				masked[shown] = Hidden // which of them came first must not show
				continue
			}
			masked[shown] = m.value(one, inner[name])
		}
		return masked
	case []any:
		inner, _ := marks.([]any)
		masked := make([]any, len(v))
		for i, one := range v {
			var mark any
			if i < len(inner) {
				mark = inner[i]
			}
			masked[i] = m.value(one, mark)
		}
		return masked
	}
	return value
}

// attributes masks the values of a resource, whose own attribute names come from a schema and stay as they are.
func (m *mask) attributes(table map[string]any, marks any) map[string]any {
	all, _ := marks.(bool)
	inner, _ := marks.(map[string]any)
	masked := make(map[string]any, len(table))
	for name, one := range table {
		var mark any = all
		if !all {
			mark = inner[name]
		}
		masked[name] = m.value(one, mark)
	}
	return masked
}

// indexKey is the only part of an address that is made of values.
var indexKey = regexp.MustCompile(`\["(?:[^"\\]|\\.)*"\]`)

func (m *mask) address(address string) string {
	return indexKey.ReplaceAllStringFunc(address, func(key string) string {
		inner := key[2 : len(key)-2]
		var plain string
		if err := json.Unmarshal([]byte(`"`+inner+`"`), &plain); err == nil && m.text(plain) != plain {
			return `["` + Hidden + `"]`
		}
		return `["` + m.text(inner) + `"]`
	})
}

func (m *mask) paths(paths []string) []string {
	for i := range paths {
		paths[i] = m.inside.Replace(paths[i])
	}
	return paths
}

// Redactor cuts secrets out of the text that Terraform prints: those of a plan, and everything that looks like a known
// credential. Without a plan it knows only the latter.
type Redactor struct {
	replacer *strings.Replacer
}

// NewRedactor takes the secrets of a plan, which may be nil.
func NewRedactor(plan *tfjson.Plan) *Redactor {
	whole := secretsOf(plan)
	pairs := []string{}
	for _, form := range whole.forms() {
		pairs = append(pairs, form, Hidden)
	}
	for secret := range whole {
		if len(secret) < minInside { // too short to be looked for, except as a whole quoted value
			quoted := `"` + jsonText(secret) + `"`
			pairs = append(pairs, quoted, `"`+Hidden+`"`)
		}
	}
	return &Redactor{replacer: strings.NewReplacer(pairs...)}
}

// Redact gives the text without secrets.
func (r *Redactor) Redact(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if r != nil {
		text = r.replacer.Replace(text)
	}
	return catalog.CutCredentials(text, Hidden)
}
