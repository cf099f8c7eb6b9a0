package blocks

import "github.com/slack-go/slack"

// Modal is a window. Without submit it has no submit button.
func Modal(callback, title, submit string, body ...slack.Block) slack.ModalViewRequest {
	v := slack.ModalViewRequest{
		Type:       slack.VTModal,
		CallbackID: callback,
		Title:      Plain(title, MaxModalTitle),
		Close:      Plain("Close", MaxModalTitle),
		Blocks:     slack.Blocks{BlockSet: body},
	}
	if submit != "" {
		v.Submit = Plain(submit, MaxModalTitle)
		v.Close = Plain("Cancel", MaxModalTitle)
	}
	return v
}
