package slackapp

import (
	"context"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// sync reads news from GitHub: for one request's repository or for all.
func (a *App) sync(ctx context.Context, cmd slack.SlashCommand, what string) {
	v, err := a.commandCaller(ctx, cmd)
	if err != nil {
		a.respond(ctx, cmd.ResponseURL, blocks.Ephemeral(blocks.Escape(a.refusal(err).Text)))
		return
	}
	a.respond(ctx, cmd.ResponseURL, blocks.Ephemeral(a.syncing(ctx, v, what)))
}

func (a *App) syncing(ctx context.Context, v request.Caller, what string) string {
	if what != "" && !looksLikeID(what) {
		return fmt.Sprintf("Usage: `%[3]s sync [ID]`. `%[1]s show %[2]s` finds the ID of a request.",
			a.name(), blocks.Escape(blocks.OneLine(strings.ReplaceAll(what, "`", " "), blocks.MaxOption)), a.name())
	}
	done, err := a.Requests.Sync(ctx, v, cleanID(what))
	if refusal := a.refusal(err); refusal != nil {
		return a.withNewest(refusal)
	}
	if done.Request == nil {
		return "Syncing all repositories with GitHub… The cards update within seconds."
	}
	return nextStep(*done.Request, lifecycle.ActionSync)
}
