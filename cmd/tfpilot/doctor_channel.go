package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/tfpilot/tfpilot/slackapp"
)

// examineChannels checks each channel once: it must exist, and TfPilot must be able to post to it.
func (p *parts) examineChannels(ctx context.Context, channels slackapp.Channels) []finding {
	var all []finding
	of := map[string][]string{}
	var order []string
	for _, project := range p.cfg.Projects {
		for _, e := range project.Environments {
			if _, seen := of[e.Channel]; !seen {
				order = append(order, e.Channel)
			}
			of[e.Channel] = append(of[e.Channel], project.Name+" "+e.String())
		}
	}
	for _, channel := range order {
		f := finding{what: "TfPilot can post to channel " + channel}
		if err := channels.Fault(ctx, channel); err != nil {
			f.err = fmt.Errorf("%w; it is the channel of %s", err, strings.Join(of[channel], ", "))
		}
		all = append(all, f)
	}
	return all
}
