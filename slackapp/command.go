package slackapp

import (
	"context"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// maxWords bounds what is read of a command's text, in runes.
const maxWords = 2000

// Command answers the slash command.
func (a *App) Command(ctx context.Context, cmd slack.SlashCommand, ack Ack) {
	sub, rest, _ := strings.Cut(strings.TrimSpace(blocks.Cut(blocks.Unescape(cmd.Text), maxWords)), " ")
	sub, rest = strings.ToLower(sub), strings.TrimSpace(rest)
	switch sub {
	case "", subHelp:
		ack(blocks.Ephemeral(a.help()))
	case subRequest:
		ack(nil)
		a.request(ctx, cmd, rest)
	case subList:
		ack(nil)
		a.list(ctx, cmd, rest)
	case subShow:
		ack(nil)
		a.show(ctx, cmd, rest)
	case subSync:
		ack(nil)
		a.sync(ctx, cmd, rest)
	case subNotify:
		ack(nil)
		a.notify(ctx, cmd, rest)
	default:
		ack(blocks.Ephemeral(a.unknownCommand(sub)))
	}
}

func (a *App) name() string {
	if a.Slash != "" {
		return a.Slash
	}
	return Command
}

func (a *App) help() string {
	n := a.name()
	return strings.Join([]string{
		"Request infrastructure through a reviewed pull request. Commands:",
		fmt.Sprintf("• `%s request` to open the form, or `%s request s3-bucket dev` to prefill it", n, n),
		fmt.Sprintf(
			"• `%s request` with what you need in your own words, such as `a private bucket for build artifacts in dev`",
			n,
		),
		"• or write to TfPilot in its direct messages, or mention it in a channel",
		fmt.Sprintf("• `%s list` for the newest requests; `list waiting`, `mine`, `open`, `failed`, `prod`, `@dana` or "+
			"words for fewer", n),
		fmt.Sprintf("• `%s show` with an ID or words of the title to see one request", n),
		fmt.Sprintf("• `%s sync` to refresh from GitHub now, or with an ID to refresh one request", n),
		fmt.Sprintf("• `%s notify off` to get only cards and questions that need your decision, `notify on` to get all messages", n),
		"Never type passwords or keys.",
	}, "\n")
}

func (a *App) unknownCommand(word string) string {
	known := fmt.Sprintf("Type `%s help` for all commands.", a.name())
	if near, ok := catalog.Nearest(word, subcommands); ok {
		return fmt.Sprintf(
			"Unknown command “%s”. Did you mean `%s %s`? %s",
			blocks.Escape(blocks.OneLine(word, blocks.MaxOption)),
			a.name(),
			near,
			known,
		)
	}
	return fmt.Sprintf("Unknown command “%s”. %s", blocks.Escape(blocks.OneLine(word, blocks.MaxOption)), known)
}
