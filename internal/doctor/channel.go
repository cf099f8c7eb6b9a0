package doctor

import (
	"context"
	"fmt"
	"strings"

	"github.com/tfpilot/tfpilot/slackapp"
)

// channels checks each channel once: it must exist, and TfPilot must be able to post to it.
// Several environments may share a channel, and Slack limits calls, so each channel is asked
// once.
func (x exam) channels(ctx context.Context, channels slackapp.Channels) []Finding {
	var all []Finding
	of := map[string][]string{}
	var order []string
	for _, project := range x.Config.Projects {
		for _, e := range project.Environments {
			if _, seen := of[e.Channel]; !seen {
				order = append(order, e.Channel)
			}
			of[e.Channel] = append(of[e.Channel], project.Name+" "+e.String())
		}
	}
	for _, channel := range order {
		f := Finding{What: "TfPilot can post to channel " + channel}
		if err := channels.Fault(ctx, channel); err != nil {
			f.Err = fmt.Errorf("%w; it is the channel of %s", err, strings.Join(of[channel], ", "))
		}
		all = append(all, f)
	}
	return all
}
