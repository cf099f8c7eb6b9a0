package slackapp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// A form opens with defaults in its fields, and what comes back tells by comparison what the person did. The rules:
//   - A field that comes back as it was drawn was left alone: it is no input, and the module's default counts.
//   - A default that the field cannot hold exactly is not drawn; the field says so.
//   - A list or map that was drawn filled and comes back empty is empty. A text or number cannot be: there, empty means the
//     default, and the field says so.
//
// What was drawn is computed again from the module and the environment; a form of another module
// digest is refused. A raw value is what an element holds: the text of an input, the keys of a
// menu's choices one a line.

// fieldIn gives a field as an environment's limits leave it.
func fieldIn(f catalog.Field, env catalog.Environment) catalog.Field {
	f.Choices = f.ChoicesIn(env)
	return f
}

// isMenu reports whether a field is drawn with its choices. More than a menu holds are typed.
func isMenu(f catalog.Field) bool {
	return (f.Kind == catalog.Select || f.Kind == catalog.List) && len(f.Choices) > 0 &&
		len(f.Choices) <= blocks.MaxOptions
}

// rawOf is the raw value that shows a value in a field; false when the field cannot show it.
func rawOf(f catalog.Field, value any) (string, bool) {
	if !isMenu(f) {
		return f.FormText(value)
	}
	items, isList := value.([]any)
	if !isList && value != nil {
		items = []any{value}
	}
	keys := make([]string, 0, len(items))
	for _, item := range items {
		i := slices.IndexFunc(f.Choices, func(c catalog.Choice) bool { return c.Value == item })
		if i < 0 || slices.Contains(keys, choiceKey(f, f.Choices[i])) {
			return "", false
		}
		keys = append(keys, choiceKey(f, f.Choices[i]))
	}
	return strings.Join(keys, "\n"), true
}

// offers reports whether a field can be drawn with a raw value: a menu has fewer choices in some environments.
func offers(f catalog.Field, raw string) bool {
	if !isMenu(f) || raw == "" {
		return true
	}
	for key := range strings.SplitSeq(raw, "\n") {
		if !slices.ContainsFunc(f.Choices, func(c catalog.Choice) bool { return choiceKey(f, c) == key }) {
			return false
		}
	}
	return true
}

// valueOf is the input of Parse for a raw value: of a menu the chosen values, else the text.
func valueOf(f catalog.Field, raw string) any {
	if !isMenu(f) {
		return raw
	}
	chosen := []any{}
	for key := range strings.SplitSeq(raw, "\n") {
		i := slices.IndexFunc(f.Choices, func(c catalog.Choice) bool { return choiceKey(f, c) == key })
		if i < 0 {
			return raw // no choice of here: Parse says what there is
		}
		chosen = append(chosen, f.Choices[i].Value)
	}
	if f.Kind == catalog.Select {
		return chosen[0]
	}
	return chosen
}

// prefill is the raw value with which a field is drawn until someone touches it; shown is false when there
// is a default that the field cannot hold.
func prefill(f catalog.Field, env catalog.Environment) (raw string, shown bool) {
	return rawOf(fieldIn(f, env), f.DefaultIn(env))
}

// untouched reports whether a raw value is the one that was drawn. Slack sends lines as they are, the
// order of a menu's choices as it likes.
func untouched(f catalog.Field, env catalog.Environment, raw string) bool {
	drawn, _ := prefill(f, env)
	if raw == drawn {
		return true
	}
	if isMenu(fieldIn(f, env)) {
		a, b := strings.Split(raw, "\n"), strings.Split(drawn, "\n")
		slices.Sort(a)
		slices.Sort(b)
		return slices.Equal(a, b)
	}
	return strings.ReplaceAll(raw, "\r\n", "\n") == drawn
}

// touched keeps the raw values that a person entered or emptied.
func touched(m *catalog.Module, env catalog.Environment, raw map[string]string) map[string]string {
	out := map[string]string{}
	for name, v := range raw {
		if f, ok := m.Field(name); ok && !untouched(*f, env, v) {
			out[name] = v
		}
	}
	return out
}

// inputsOf is the input of Parse: what was entered, and the lists and maps that were emptied.
func inputsOf(m *catalog.Module, env catalog.Environment, raw map[string]string) map[string]any {
	in := map[string]any{}
	for name, v := range touched(m, env, raw) {
		f, _ := m.Field(name)
		if v != "" {
			in[name] = valueOf(fieldIn(*f, env), v)
		} else if empty := f.Empty(); empty != nil {
			in[name] = empty
		}
	}
	return in
}

// emptyMeans explains an empty field where its meaning is not obvious.
func emptyMeans(f catalog.Field, env catalog.Environment) string {
	def := f.DefaultIn(env)
	raw, shown := prefill(f, env)
	switch {
	case !shown:
		return fmt.Sprintf(
			"The default, %s, cannot be shown here. Leave this empty to keep it.",
			catalog.Describe(def),
		)
	case raw == "" || f.Kind != catalog.Text && f.Kind != catalog.Number:
		return ""
	default:
		return fmt.Sprintf("Empty means: %s.", blocks.OneLine(f.Text(def), blocks.MaxOption))
	}
}

// fieldBlock names the block of a field: the same in every view of the same module, so that Slack keeps
// what was typed there. Where the environment does not allow the default, the block is another one: in the
// same one Slack would keep the old default.
func fieldBlock(m *catalog.Module, f catalog.Field, env catalog.Environment) string {
	id := "field:" + m.Name + ":" + f.Name
	if f.Default != nil && f.DefaultIn(env) == nil {
		id += ":limited"
	}
	return id
}
