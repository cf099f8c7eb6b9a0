package slackapp

import (
	"context"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// notify shows or sets whether a person gets notifications.
func (a *App) notify(ctx context.Context, cmd slack.SlashCommand, word string) {
	a.respond(ctx, cmd.ResponseURL, blocks.Ephemeral(a.notifying(ctx, cmd, strings.ToLower(word))))
}

func (a *App) notifying(ctx context.Context, cmd slack.SlashCommand, word string) string {
	who, err := a.commandCaller(ctx, cmd)
	if err != nil {
		return blocks.Escape(a.refusal(err).Text)
	}
	switch word {
	case "on", "off":
		if refusal := a.refusal(a.Requests.SetQuiet(ctx, who, word == "off")); refusal != nil {
			return blocks.Escape(refusal.Text)
		}
	case "":
	default:
		return fmt.Sprintf("Usage: `%s notify on` or `%s notify off`.", a.name(), a.name())
	}
	chosen, err := a.Requests.Preferences(ctx, who)
	if refusal := a.refusal(err); refusal != nil {
		return blocks.Escape(refusal.Text)
	}
	if chosen.Quiet {
		return fmt.Sprintf("Notifications are off. You get cards, and questions that need your decision. "+
			"Turn them on with `%s notify on`.", a.name())
	}
	return fmt.Sprintf("Notifications are on. Turn them off with `%s notify off`.", a.name())
}
