package blocks

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/slack-go/slack"
)

// Placeholder is the text of an empty input; nil for none.
func Placeholder(text string) *slack.TextBlockObject {
	if text == "" {
		return nil
	}
	return Plain(OneLine(text, MaxPlaceholder), MaxPlaceholder)
}

// Option is one entry of a menu. The caller keeps its value within Slack's limit.
func Option(value, label string) *slack.OptionBlockObject {
	return slack.NewOptionBlockObject(value, Plain(OneLine(label, MaxOption), MaxOption), nil)
}

// Menu is an input in which a person chooses one option. Every choice is sent at once. Its block is named
// after its options, so that Slack forgets a choice that is no longer among them. left counts the options
// for which one menu has no room.
func Menu(action, label, placeholder string, options []*slack.OptionBlockObject, chosen string) (
	menu *slack.InputBlock, left int,
) {
	options, left = firstOptions(options, chosen)
	s := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, Placeholder(placeholder), action)
	if len(options) <= MaxOptions {
		s.Options = options
	} else {
		s.OptionGroups = optionGroups(options)
	}
	for _, o := range options {
		if o.Value == chosen {
			s.InitialOption = o
		}
	}
	menu = slack.NewInputBlock(action+":"+fingerprintOf(options), Plain(label, MaxLabel), nil, s)
	menu.DispatchAction = true
	return menu, left
}

// firstOptions takes as many options as one menu of a view can hold; the chosen one is always among them.
func firstOptions(options []*slack.OptionBlockObject, chosen string) (taken []*slack.OptionBlockObject, left int) {
	if len(options) <= MaxMenu {
		return options, 0
	}
	taken = slices.Clone(options[:MaxMenu])
	for _, o := range options[MaxMenu:] {
		if o.Value == chosen {
			taken[MaxMenu-1] = o
		}
	}
	return taken, len(options) - MaxMenu
}

// optionGroups splits a long menu, since Slack allows a hundred options in one group. Each group is named after its
// first and last option.
func optionGroups(options []*slack.OptionBlockObject) []*slack.OptionGroupBlockObject {
	var groups []*slack.OptionGroupBlockObject
	for part := range slices.Chunk(options, MaxOptions) {
		first, last := part[0].Text.Text, part[len(part)-1].Text.Text
		name := Cut(first, MaxOption/2-2) + " – " + Cut(last, MaxOption/2-2)
		groups = append(groups, slack.NewOptionGroupBlockElement(Plain(name, MaxOption), part...))
	}
	return groups
}

func fingerprintOf(options []*slack.OptionBlockObject) string {
	h := sha256.New()
	for _, o := range options {
		fmt.Fprintf(h, "%q", o.Value)
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}
