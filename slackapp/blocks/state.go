package blocks

import (
	"strings"

	"github.com/slack-go/slack"
)

// A view that comes back from Slack holds what a person entered, by block and action.

// Values returns the entered values of a view, by block and action.
func Values(state *slack.ViewState) map[string]map[string]slack.BlockAction {
	if state == nil {
		return nil
	}
	return state.Values
}

// Raw reads one element: text, the value of a choice, or the values of several choices, one a line.
func Raw(a slack.BlockAction) string {
	switch slack.MessageElementType(a.Type) {
	case slack.METRadioButtons, slack.MessageElementType(slack.OptTypeStatic):
		return a.SelectedOption.Value
	case slack.MessageElementType(slack.MultiOptTypeStatic):
		keys := make([]string, len(a.SelectedOptions))
		for i, o := range a.SelectedOptions {
			keys[i] = o.Value
		}
		return strings.Join(keys, "\n")
	default:
		return a.Value
	}
}

// Selected is the value of a menu with one choice.
func Selected(state *slack.ViewState, action string) string {
	a, _ := find(state, action)
	return a.SelectedOption.Value
}

// Typed is the text of an input.
func Typed(state *slack.ViewState, action string) string {
	a, _ := find(state, action)
	return a.Value
}

// BlockOf finds the block of an action, for an error at its field.
func BlockOf(state *slack.ViewState, action string) string {
	_, block := find(state, action)
	return block
}

func find(state *slack.ViewState, action string) (a slack.BlockAction, block string) {
	for id, actions := range Values(state) {
		if a, ok := actions[action]; ok {
			return a, id
		}
	}
	return slack.BlockAction{}, ""
}
