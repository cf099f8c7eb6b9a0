package slackapp

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/request"
)

// asked is what somebody typed after "request".
type asked struct {
	project, env, module string
	wrong, near          string // a mistyped word and the nearest known one
	words                string // free text, for the model
	note                 string // why no environment is chosen, though one is named
}

// fillers are words that nobody types as the name of something.
var fillers = strings.Fields("a an the in on for with to of and my our new me please i we need want some")

// maxNames is up to how many words may be names of things. More is a sentence.
const maxNames = 3

// readAsk finds modules and environments among the words. Words that are none make
// it a sentence, unless it is a single one that is nearly one.
func readAsk(c *catalog.Catalog, d Directory, channel, text string) asked {
	var out asked
	words := named(c, strings.Fields(text))
	if len(words) > maxNames || slices.ContainsFunc(words, isFiller) {
		return asked{words: text}
	}
	for _, w := range words {
		w = strings.ToLower(w)
		if out.take(c, d, w) {
			continue
		}
		near, ok := catalog.Nearest(w, knownWords(c, d))
		if !ok || out.wrong != "" {
			return asked{words: text}
		}
		out.wrong, out.near = w, near
	}
	if out.env != "" {
		here, _ := d.inChannel(channel)
		out.project, out.env, out.note = locate(d, here, namedEnv{project: out.project, word: out.env})
	}
	return out
}

// named puts the name of a module where its title stands: that is how the form calls
// it. Of titles that begin alike the longest counts.
func named(c *catalog.Catalog, words []string) []string {
	var out []string
	for len(words) > 0 {
		name, n := words[0], 1
		for _, m := range c.Modules() {
			title := strings.Fields(m.Title)
			if k := len(title); k >= n && k <= len(words) && slices.EqualFunc(title, words[:k], strings.EqualFold) {
				name, n = m.Name, k
			}
		}
		out, words = append(out, name), words[n:]
	}
	return out
}

func isFiller(w string) bool { return slices.Contains(fillers, strings.ToLower(w)) }

// take takes a word that is exactly a name.
func (x *asked) take(c *catalog.Catalog, d Directory, w string) bool {
	if _, ok := c.Module(w); ok {
		x.module = w
		return true
	}
	if _, ok := d.project(w); ok {
		x.project = w
		return true
	}
	if len(fitting(d.places(), w)) == 0 {
		return false
	}
	x.env = w
	return true
}

func knownWords(c *catalog.Catalog, d Directory) []string {
	known := c.Names()
	for _, p := range d {
		known = append(known, p.Name)
		for _, pl := range p.Environments {
			known = append(known, pl.Key, pl.String())
		}
	}
	slices.Sort(known)
	return slices.Compact(known)
}

// request starts a request: with the form at once, prefilled as far as the words
// and the channel say, or with the nearest word when one is mistyped.
func (a *App) request(ctx context.Context, cmd slack.SlashCommand, text string) {
	ask := readAsk(a.Requests.Catalog, a.Projects, cmd.ChannelID, text)
	if ask.wrong != "" {
		a.suggest(ctx, cmd.ResponseURL, ask, text)
		return
	}
	s := a.start(ask, cmd.ChannelID, text)
	s.trigger, s.responseURL = cmd.TriggerID, cmd.ResponseURL
	a.begin(ctx, s, func() (visitor, error) { return a.whoTyped(ctx, cmd) })
}

// start prepares the form. The channel's environment counts where the words name none.
func (a *App) start(ask asked, channel, text string) start {
	s := start{text: text, words: ask.words, form: form{ID: request.NewID(), Project: ask.project, Env: ask.env, Module: ask.module, Note: ask.note}}
	if here, ok := a.Projects.inChannel(channel); ok {
		s.here = here
		if ask.project == "" && ask.env == "" && ask.note == "" {
			s.form.Project, s.form.Env = here.Project, here.String()
		}
	}
	return s
}

// suggest answers a mistyped word with the nearest known one, one click away.
func (a *App) suggest(ctx context.Context, url string, ask asked, text string) {
	mended := mend(text, ask.wrong, ask.near)
	say := fmt.Sprintf("Nothing here is called “%s”. Did you mean “%s”?", oneLine(ask.wrong, limitOption), ask.near)
	b := slack.NewButtonBlockElement(actStart, cut(mended, limitOptionValue*4), plain("Use "+ask.near, limitButton))
	b.Style = slack.StylePrimary
	a.respond(ctx, url, ephemeralBlocks(say, []slack.Block{words(say), slack.NewActionBlock("", b)}))
}

func mend(text, wrong, near string) string {
	fields := strings.Fields(text)
	for i, f := range fields {
		if strings.EqualFold(f, wrong) {
			fields[i] = near
		}
	}
	return strings.Join(fields, " ")
}
