package slackapp

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// input draws one field of a module with its current raw value.
func input(m *catalog.Module, f catalog.Field, env catalog.Environment, raw string, note string) slack.Block {
	// Slack keeps what was typed in a block with the same id when a view is updated. fieldBlock
	// gives a block another id when its meaning changes.
	block := slack.NewInputBlock(fieldBlock(m, f, env), blocks.Plain(f.Label, blocks.MaxLabel), nil,
		element(fieldIn(f, env), raw))
	block.Optional = !f.Required
	empty := emptyMeans(f, env)
	help := blocks.OneLine(f.Help, blocks.MaxHint-utf8.RuneCountInString(note+empty)-2)
	if h := joinHints(note, help, empty); h != "" {
		block.Hint = blocks.Plain(blocks.OneLine(h, blocks.MaxHint), blocks.MaxHint)
	}
	return block
}

func joinHints(parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, " ")
}

// element chooses the input for a kind of field. Slack has no input for lists or maps, so they
// are typed as lines.
func element(f catalog.Field, raw string) slack.BlockElement {
	id := actField + f.Name
	switch {
	case f.Kind == catalog.Bool:
		return yesNo(id, raw)
	case isMenu(f) && f.Kind == catalog.Select:
		return choice(id, f, raw)
	case isMenu(f):
		return choiceList(id, f, raw)
	case f.Kind == catalog.Number:
		n := slack.NewNumberInputBlockElement(blocks.Placeholder(f.Placeholder), id, true)
		n.InitialValue = raw
		return n
	default:
		t := slack.NewPlainTextInputBlockElement(blocks.Placeholder(f.Placeholder), id)
		t.Multiline = f.Kind == catalog.List || f.Kind == catalog.Map || f.Multiline
		t.InitialValue = raw
		return t
	}
}

// What Field.Text writes for yes and no.
const (
	rawYes = "yes"
	rawNo  = "no"
)

// yesNo uses radio buttons and not a checkbox, so that a person can leave the question open: no
// entry means the default.
func yesNo(id, raw string) slack.BlockElement {
	yes, no := blocks.Option(rawYes, "Yes"), blocks.Option(rawNo, "No")
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
	s := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, blocks.Placeholder("Choose"), id)
	for _, c := range f.Choices {
		o := blocks.Option(choiceKey(f, c), c.Label)
		s.Options = append(s.Options, o)
		if o.Value == raw {
			s.InitialOption = o
		}
	}
	return s
}

func choiceList(id string, f catalog.Field, raw string) slack.BlockElement {
	s := slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeStatic, blocks.Placeholder("Choose"), id)
	for _, c := range f.Choices {
		s.Options = append(s.Options, blocks.Option(choiceKey(f, c), c.Label))
	}
	for key := range strings.SplitSeq(raw, "\n") {
		if i := slices.IndexFunc(s.Options, func(o *slack.OptionBlockObject) bool { return o.Value == key }); i >= 0 {
			s.InitialOptions = append(s.InitialOptions, s.Options[i])
		}
	}
	return s
}

// choiceKey is the value of a choice in a menu: the choice itself if Slack's limit allows
// it, otherwise its fingerprint. Its index would change with the environment, which may
// allow fewer choices.
func choiceKey(f catalog.Field, c catalog.Choice) string {
	v := f.Text(c.Value)
	if v != "" && len(v) <= blocks.MaxOptionValue && v == strings.TrimSpace(v) && !strings.HasPrefix(v, "#") {
		return v
	}
	sum := sha256.Sum256([]byte(v))
	return "#" + hex.EncodeToString(sum[:8])
}

// shownValues reads the fields of a view, as raw text by name.
// Fields on other pages are not in the state of the view.
func shownValues(m *catalog.Module, state *slack.ViewState) map[string]string {
	out := map[string]string{}
	for _, block := range blocks.Values(state) {
		for id, action := range block {
			name, ok := strings.CutPrefix(id, actField)
			if !ok {
				continue
			}
			if _, ok := m.Field(name); ok {
				out[name] = blocks.Raw(action)
			}
		}
	}
	return out
}
