package intake

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tfpilot/tfpilot/internal/catalog"
)

// A suggestion is a valid value for one input, close to one that was refused. The rules make it, not the model, and
// only a click of the person uses it.

// suggest returns a valid value close to a refused one, "" without one.
func (s Scope) suggest(m *catalog.Module, field string, refused any, env catalog.Environment) string {
	f, ok := m.Field(field)
	if !ok {
		return ""
	}
	text := ""
	switch choices := f.ChoicesIn(env); {
	case f.Kind == catalog.Select:
		text = nearestChoice(choices, fmt.Sprint(refused))
	case f.Kind == catalog.Text && len(choices) == 0:
		text = plainName(fmt.Sprint(refused))
	}
	if text == "" {
		return ""
	}
	valid, wrong := m.Parse(map[string]any{field: text}, env)
	isWrong := func(e catalog.FieldError) bool { return e.Field == field }
	if _, kept := valid[field]; !kept || slices.ContainsFunc(wrong, isWrong) {
		return ""
	}
	return text
}

// nearestChoice is the choice closest to a number, or to a mistyped word.
func nearestChoice(choices []catalog.Choice, refused string) string {
	var names []string
	best, least := "", math.Inf(1)
	number, err := strconv.ParseFloat(refused, 64)
	for _, c := range choices {
		name := fmt.Sprint(c.Value)
		names = append(names, name)
		if n, parseErr := strconv.ParseFloat(name, 64); err == nil && parseErr == nil && math.Abs(n-number) < least {
			best, least = name, math.Abs(n-number)
		}
	}
	if best != "" || err == nil {
		return best
	}
	near, _ := catalog.Nearest(refused, names)
	return near
}

var notPlain = regexp.MustCompile(`[^a-z0-9]+`)

// plainName writes a name in lower case, with dashes between its words.
func plainName(refused string) string {
	const most = 60
	return strings.Trim(notPlain.ReplaceAllString(strings.ToLower(cutRunes(refused, most)), "-"), "-")
}

// Suggestions lists what is unclear and has a suggestion.
func (d Draft) Suggestions() []Unclear {
	var out []Unclear
	for _, u := range d.Unclear {
		if u.Suggest != "" {
			out = append(out, u)
		}
	}
	return out
}

// Use returns the draft with the suggestion for a field. It reports false when there is none.
func (s Scope) Use(d Draft, field string) (Draft, bool) {
	i := slices.IndexFunc(d.Unclear, func(u Unclear) bool { return u.Field == field && u.Suggest != "" })
	if i < 0 {
		return d, false
	}
	inputs := cloneInputs(d.Inputs)
	inputs[field] = d.Unclear[i].Suggest
	d.Unclear = without(d.Unclear, field)
	return s.checked(d, inputs), true
}
