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

// mend adds to a failure what to do about it.
func mend(err error, what string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w; %s", err, what)
}

// examineSlack shows both tokens to Slack and compares the scopes of the bot's. The
// address of a socket that comes with it is not used, and counts as none.
func (p *parts) examineSlack(ctx context.Context) []finding {
	api, err := slackapp.NewClient(p.access())
	if err != nil {
		return []finding{{"Slack can be called", err}}
	}
	var found []finding
	bot, err := api.AuthTestContext(ctx)
	found = append(found, finding{"Slack takes the bot token", mend(err, "install the app in your workspace and set SLACK_BOT_TOKEN to its bot token, xoxb-…")})
	if err == nil {
		found = append(found, examineScopes(bot.Header))
	}
	if err == nil {
		found = append(found, p.examineChannels(ctx, slackapp.Channels{API: api})...)
	}
	_, _, err = api.StartSocketModeContext(ctx)
	return append(found, finding{"Slack opens a socket for the app token", mend(err, "turn Socket Mode on and set SLACK_APP_TOKEN to an app-level token with "+slackapp.AppScope+", xapp-…")})
}

// examineScopes compares what Slack says that the bot token may do with what the code
// calls. More than that does no harm to the work, and is only told.
func examineScopes(h http.Header) finding {
	has := strings.FieldsFunc(strings.Join(h.Values("X-Oauth-Scopes"), ","), func(c rune) bool { return c == ',' || c == ' ' })
	if len(has) == 0 {
		return finding{what: "the scopes of the bot token are not compared, since Slack does not name them"}
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
	f := finding{what: "the bot token has its scopes"}
	if len(missing) > 0 {
		f.err = fmt.Errorf("%s Add them to the app (slack-manifest.yaml has them all) and install it again", strings.Join(missing, " "))
	}
	if len(has) > 0 {
		f.what += "; not needed: " + strings.Join(has, ", ")
	}
	return f
}

// examineModel asks the model one small question, as a person's words would: about
// one module in one environment.
func (p *parts) examineModel(ctx context.Context) []finding {
	model, modules := p.intake(), p.catalog.Modules()
	if model == nil || len(modules) == 0 {
		return nil
	}
	e := p.cfg.Projects[0].Environments[0]
	_, err := model.Read(ctx, intake.Question{
		Words:   "Nothing is wanted. This asks only whether you answer.",
		Places:  []catalog.Environment{{Project: e.Project, Key: e.Key, Slug: e.Slug, Protected: e.Protected}},
		Modules: modules[:1],
	})
	return []finding{{"the model answers and keeps to a form", mend(err, "check OPENAI_API_KEY, OPENAI_BASE_URL and OPENAI_MODEL, which must keep to a JSON schema; model.timeout is "+p.cfg.Asking.Timeout.String())}}
}
