package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/tfpilot/tfpilot/slackapp"
)

// examineChannels asks Slack about the channel of each environment, each channel once.
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
		f := finding{what: "the channel " + channel + " takes cards"}
		if err := channels.Fault(ctx, channel); err != nil {
			f.err = fmt.Errorf("%w; it is that of %s", err, strings.Join(of[channel], ", "))
		}
		all = append(all, f)
	}
	return all
}
