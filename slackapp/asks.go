package slackapp

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/slack-go/slack"
)

// How much of the inputs and of the reason a message shows. A window shows all of them.
const (
	shownInputs   = 6
	shownInput    = 160
	windowInputs  = 60
	limitOneInput = 300
)

// asks says who wants what, and why: the person who decides reads this first. Inputs that have their default are left out.
func (s scene) asks() slack.Block {
	return rich(append(s.why(shownWhy), s.inputs(shownInputs, shownInput)...)...)
}

// asksInFull is asks for a window.
func (s scene) asksInFull() slack.Block {
	return rich(append(s.why(maxReason), s.inputs(windowInputs, limitOneInput)...)...)
}

// why is the requester's reason. The name is text: a mention would call them to a decision of others.
func (s scene) why(limit int) []slack.RichTextElement {
	reason := s.r.Reason
	if reason == "" {
		reason = "no reason given"
	}
	return []slack.RichTextElement{line(bold(oneLine(s.requesterName(), limitOption)+": "), text(cut(reason, limit)))}
}

// inputs lists what the requester set, in the order of the form.
func (s scene) inputs(most, limit int) []slack.RichTextElement {
	all := s.setInputs()
	var items []slack.RichTextElement
	for i, one := range all {
		if i == most-1 && len(all) > most {
			items = append(items, line(text(fmt.Sprintf("and %d more", len(all)-i))))
			break
		}
		value := strings.ReplaceAll(strings.TrimSpace(one[1]), "\n", ", ")
		items = append(items, line(text(oneLine(one[0], limitOption)+": "), code(oneLine(value, limit))))
	}
	if len(items) == 0 {
		return nil
	}
	return []slack.RichTextElement{slack.NewRichTextList(slack.RTEListBullet, 0, items...)}
}

// setInputs are the inputs that differ from their default, as label and value.
func (s scene) setInputs() [][2]string {
	var all [][2]string
	known := map[string]bool{}
	if s.module != nil {
		for i := range s.module.Fields {
			f := &s.module.Fields[i]
			known[f.Name] = true
			value, given := s.r.Config[f.Name]
			if given && !reflect.DeepEqual(value, f.DefaultIn(limits(s.place))) {
				all = append(all, [2]string{f.Label, f.Text(value)})
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.r.Config)) {
		if !known[name] {
			all = append(all, [2]string{name, outputText(s.r.Config[name])})
		}
	}
	return all
}
