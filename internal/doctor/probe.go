package doctor

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/intake"
	"github.com/tfpilot/tfpilot/internal/wire"
	"github.com/tfpilot/tfpilot/slackapp"
)

// Checks of other systems make real calls with the real credentials, but no call changes anything
// or reaches people: no message is posted, no socket is opened, and the model gets a sentence
// without a request in it.

// slack checks both tokens and the scopes of the bot token. It opens no socket: it
// discards the address that Slack returns.
func (x exam) slack(ctx context.Context) []Finding {
	api, err := slackapp.NewClient(x.Slack())
	if err != nil {
		return []Finding{{"the Slack settings are valid", err}}
	}
	var found []Finding
	bot, err := api.AuthTestContext(ctx)
	found = append(
		found,
		Finding{
			"Slack accepts the bot token",
			wire.Hint(err, "install the app in your workspace and set SLACK_BOT_TOKEN to its bot token, xoxb-…"),
		},
	)
	if err == nil {
		found = append(found, scopes(bot.Header))
	}
	if err == nil {
		found = append(found, x.channels(ctx, slackapp.Channels{API: api})...)
	}
	_, _, err = api.StartSocketModeContext(ctx)
	return append(
		found,
		Finding{
			"Slack accepts the app token (Socket Mode)",
			wire.Hint(
				err,
				"turn on Socket Mode and set SLACK_APP_TOKEN to an app-level token with "+slackapp.AppScope+", xapp-…",
			),
		},
	)
}

// scopes compares the scopes of the bot token with those that the code needs.
// Unneeded scopes do no harm, so they are listed but are not an error.
func scopes(h http.Header) Finding {
	has := strings.FieldsFunc(
		strings.Join(h.Values("X-Oauth-Scopes"), ","),
		func(c rune) bool { return c == ',' || c == ' ' },
	)
	if len(has) == 0 {
		return Finding{What: "scopes of the bot token not checked: Slack did not return them"}
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
	f := Finding{What: "the bot token has the required scopes"}
	if len(missing) > 0 {
		f.Err = fmt.Errorf(
			"%s Add them to the app (slack-manifest.yaml lists all of them) and reinstall it",
			strings.Join(missing, " "),
		)
	}
	if len(has) > 0 {
		f.What += "; not needed: " + strings.Join(has, ", ")
	}
	return f
}

// model sends the model one small question, about one module in one environment.
func (x exam) model(ctx context.Context) []Finding {
	model, modules := x.Model(), x.Catalog.Modules()
	if model == nil || len(modules) == 0 {
		return nil
	}
	e := x.Config.Projects[0].Environments[0]
	_, err := model.Read(ctx, intake.Turn{
		Words: "This is a connection test. Nothing is requested.",
		Scope: intake.Scope{
			Places:  []catalog.Environment{{Project: e.Project, Key: e.Key, Slug: e.Slug, Protected: e.Protected}},
			Modules: modules[:1],
		},
	})
	return []Finding{
		{
			"the model returns valid structured output",
			wire.Hint(err, "check OPENAI_API_KEY, OPENAI_BASE_URL and OPENAI_MODEL; "+
				"the model must support structured output; model.timeout is "+x.Config.Asking.Timeout.String()),
		},
	}
}
