package slackapp

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/catalog"
)

// input draws one field of a module with the value it has now.
func input(m *catalog.Module, f catalog.Field, raw string, note string) slack.Block {
	block := slack.NewInputBlock(fieldBlock(m.Name, f.Name), plain(f.Label, limitLabel), nil, element(f, raw))
	block.Optional = !f.Required
	if h := joinHints(note, f.Help); h != "" {
		block.Hint = plain(oneLine(h, limitHint), limitHint)
	}
	return block
}

// fieldBlock names the block of a field: the same in every view of the same module,
// so that Slack keeps what was typed there.
func fieldBlock(module, field string) string { return "field:" + module + ":" + field }

func joinHints(parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, " ")
}

func element(f catalog.Field, raw string) slack.BlockElement {
	id := actField + f.Name
	switch {
	case f.Kind == catalog.Bool:
		return yesNo(id, raw)
	case f.Kind == catalog.Select && len(f.Choices) > 0 && len(f.Choices) <= limitOptions:
		return choice(id, f, raw)
	case f.Kind == catalog.List && len(f.Choices) > 0 && len(f.Choices) <= limitOptions:
		return choices(id, f, raw)
	case f.Kind == catalog.Number:
		n := slack.NewNumberInputBlockElement(placeholder(f.Placeholder), id, true)
		n.InitialValue = raw
		return n
	default:
		t := slack.NewPlainTextInputBlockElement(placeholder(f.Placeholder), id)
		t.Multiline = f.Kind == catalog.List || f.Kind == catalog.Map
		t.InitialValue = cut(raw, limitInput)
		return t
	}
}

func placeholder(text string) *slack.TextBlockObject {
	if text == "" {
		return nil
	}
	return plain(oneLine(text, limitPlaceholder), limitPlaceholder)
}

// What Field.Text writes for yes and no.
const (
	rawYes = "yes"
	rawNo  = "no"
)

func yesNo(id, raw string) slack.BlockElement {
	yes, no := option(rawYes, "Yes"), option(rawNo, "No")
	r := slack.NewRadioButtonsBlockElement(id, yes, no)
	switch raw {
	case rawYes:
		r.InitialOption = yes
	case rawNo:
		r.InitialOption = no
	}
	return r
}

func choice(id string, f catalog.Field, raw string) slack.BlockElement {
	s := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, placeholder("Choose"), id)
	for _, c := range f.Choices {
		o := option(choiceKey(f, c), c.Label)
		s.Options = append(s.Options, o)
		if f.Text(c.Value) == raw {
			s.InitialOption = o
		}
	}
	return s
}

func choices(id string, f catalog.Field, raw string) slack.BlockElement {
	s := slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeStatic, placeholder("Choose"), id)
	chosen := strings.Split(raw, "\n")
	for _, c := range f.Choices {
		o := option(choiceKey(f, c), c.Label)
		s.Options = append(s.Options, o)
		if slices.Contains(chosen, f.Text(c.Value)) {
			s.InitialOptions = append(s.InitialOptions, o)
		}
	}
	return s
}

// choiceKey is the value of a choice in a menu: the choice itself where Slack has
// room for it, else its fingerprint. Its number would change with the environment,
// which may allow fewer.
func choiceKey(f catalog.Field, c catalog.Choice) string {
	v := f.Text(c.Value)
	if v != "" && len(v) <= limitOptionValue {
		return v
	}
	sum := sha256.Sum256([]byte(v))
	return "#" + hex.EncodeToString(sum[:8])
}

// shownValues reads the fields of a view, as raw text by name.
func shownValues(m *catalog.Module, state *slack.ViewState) map[string]string {
	out := map[string]string{}
	for _, block := range values(state) {
		for id, action := range block {
			name, ok := strings.CutPrefix(id, actField)
			if !ok {
				continue
			}
			if f, ok := m.Field(name); ok {
				out[name] = rawValue(*f, action)
			}
		}
	}
	return out
}

func values(state *slack.ViewState) map[string]map[string]slack.BlockAction {
	if state == nil {
		return nil
	}
	return state.Values
}

// rawValue reads one element of a form.
func rawValue(f catalog.Field, a slack.BlockAction) string {
	switch slack.MessageElementType(a.Type) {
	case slack.METRadioButtons:
		return a.SelectedOption.Value
	case slack.MessageElementType(slack.OptTypeStatic):
		return choiceOf(f, a.SelectedOption.Value)
	case slack.MessageElementType(slack.MultiOptTypeStatic):
		var lines []string
		for _, o := range a.SelectedOptions {
			lines = append(lines, choiceOf(f, o.Value))
		}
		return joinLines(lines)
	default:
		return a.Value
	}
}

// joinLines writes a list as it is typed. A single item keeps its comma by standing
// on more than one line.
func joinLines(lines []string) string {
	if len(lines) == 1 && strings.Contains(lines[0], ",") {
		return lines[0] + "\n"
	}
	return strings.Join(lines, "\n")
}

// choiceOf undoes choiceKey. What is no choice stays as it came and is refused when
// it is parsed.
func choiceOf(f catalog.Field, key string) string {
	for _, c := range f.Choices {
		if choiceKey(f, c) == key {
			return f.Text(c.Value)
		}
	}
	return key
}

// selected is the value of a menu of the form itself.
func selected(state *slack.ViewState, action string) string {
	for _, block := range values(state) {
		if a, ok := block[action]; ok {
			return a.SelectedOption.Value
		}
	}
	return ""
}

// typed is the text of an input.
func typed(state *slack.ViewState, action string) string {
	for _, block := range values(state) {
		if a, ok := block[action]; ok {
			return a.Value
		}
	}
	return ""
}

// blockOf finds the block that an action stands in, for an error at its field.
func blockOf(state *slack.ViewState, action string) string {
	for id, block := range values(state) {
		if _, ok := block[action]; ok {
			return id
		}
	}
	return ""
}
