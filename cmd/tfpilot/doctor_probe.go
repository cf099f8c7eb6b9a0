package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/intake"
	"github.com/tfpilot/tfpilot/slackapp"
)

// withHint adds to an error how to fix it.
func withHint(err error, what string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w; %s", err, what)
}

// examineSlack checks both tokens and the scopes of the bot token. It opens no socket: it
// discards the address that Slack returns.
func (p *parts) examineSlack(ctx context.Context) []finding {
	api, err := slackapp.NewClient(p.access())
	if err != nil {
		return []finding{{"the Slack settings are valid", err}}
	}
	var found []finding
	bot, err := api.AuthTestContext(ctx)
	found = append(
		found,
		finding{
			"Slack accepts the bot token",
			withHint(err, "install the app in your workspace and set SLACK_BOT_TOKEN to its bot token, xoxb-…"),
		},
	)
	if err == nil {
		found = append(found, examineScopes(bot.Header))
	}
	if err == nil {
		found = append(found, p.examineChannels(ctx, slackapp.Channels{API: api})...)
	}
	_, _, err = api.StartSocketModeContext(ctx)
	return append(
		found,
		finding{
			"Slack accepts the app token (Socket Mode)",
			withHint(
				err,
				"turn on Socket Mode and set SLACK_APP_TOKEN to an app-level token with "+slackapp.AppScope+", xapp-…",
			),
		},
	)
}

// examineScopes compares the scopes of the bot token with those that the code needs.
// Unneeded scopes do no harm, so they are listed but are not an error.
func examineScopes(h http.Header) finding {
	has := strings.FieldsFunc(
		strings.Join(h.Values("X-Oauth-Scopes"), ","),
		func(c rune) bool { return c == ',' || c == ' ' },
	)
	if len(has) == 0 {
		return finding{what: "scopes of the bot token not checked: Slack did not return them"}
	}
	var missing []string
	for _, s := range slackapp.Scopes() {
		i := slices.Index(has, s.Name)
		if i < 0 {
			missing = append(missing, s.Name+" is missing: "+s.Without)
			continue
		}
		has = slices.Delete(has, i, i+1)
	}
	f := finding{what: "the bot token has the required scopes"}
	if len(missing) > 0 {
		f.err = fmt.Errorf(
			"%s Add them to the app (slack-manifest.yaml lists all of them) and reinstall it",
			strings.Join(missing, " "),
		)
	}
	if len(has) > 0 {
		f.what += "; not needed: " + strings.Join(has, ", ")
	}
	return f
}

// examineModel sends the model one small question, about one module in one environment.
func (p *parts) examineModel(ctx context.Context) []finding {
	model, modules := p.intake(), p.catalog.Modules()
	if model == nil || len(modules) == 0 {
		return nil
	}
	e := p.cfg.Projects[0].Environments[0]
	_, err := model.Read(ctx, intake.Question{
		Words:   "This is a connection test. Nothing is requested.",
		Places:  []catalog.Environment{{Project: e.Project, Key: e.Key, Slug: e.Slug, Protected: e.Protected}},
		Modules: modules[:1],
	})
	return []finding{
		{
			"the model returns valid structured output",
			withHint(err, "check OPENAI_API_KEY, OPENAI_BASE_URL and OPENAI_MODEL; "+
				"the model must support structured output; model.timeout is "+p.cfg.Asking.Timeout.String()),
		},
	}
}
