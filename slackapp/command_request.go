package slackapp

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// requestWords is the text that a person typed after "request".
type requestWords struct {
	project, env, module string
	wrong, near          string // a mistyped word and the nearest known one
	words                string // free text, for the model
	note                 string // why no environment is chosen although the words name one
}

// fillers are words that are never the name of something.
var fillers = strings.Fields("a an the in on for with to of and my our new me please i we need want some")

// maxNames bounds how many words may be names. A longer text is a sentence.
const maxNames = 3

// parseRequestWords finds modules and environments among the words. An unknown word makes
// the text a sentence, unless it is the only one and is close to a known name.
func parseRequestWords(c *catalog.Catalog, d Directory, channel, text string) requestWords {
	var out requestWords
	words := expandTitles(c, strings.Fields(text))
	if len(words) > maxNames || slices.ContainsFunc(words, isFiller) {
		return requestWords{words: text}
	}
	for _, w := range words {
		w = strings.ToLower(w)
		if out.take(c, d, w) {
			continue
		}
		near, ok := catalog.Nearest(w, knownWords(c, d))
		if !ok || out.wrong != "" {
			return requestWords{words: text}
		}
		out.wrong, out.near = w, near
	}
	if out.env != "" {
		here, _ := d.inChannel(channel)
		named := d.limits().Resolve(limits(here), out.project, out.env)
		out.project, out.env, out.note = named.Project, named.Environment, named.Note
	}
	return out
}

// expandTitles replaces the title of a module, which the form shows, with its name. If
// several titles match, the longest one counts.
func expandTitles(c *catalog.Catalog, words []string) []string {
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

// take records a word that is exactly a name, and reports whether it is one.
func (x *requestWords) take(c *catalog.Catalog, d Directory, w string) bool {
	if _, ok := c.Module(w); ok {
		x.module = w
		return true
	}
	if _, ok := d.project(w); ok {
		x.project = w
		return true
	}
	if len(d.limits().Matching(w)) == 0 {
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
	ask := parseRequestWords(a.Requests.Catalog, a.directory(), cmd.ChannelID, text)
	if ask.wrong != "" {
		a.suggest(ctx, cmd.ResponseURL, ask, text)
		return
	}
	s := a.start(ask, cmd.ChannelID, text)
	s.trigger, s.responseURL = cmd.TriggerID, cmd.ResponseURL
	a.begin(ctx, s, func(ctx context.Context) (request.Caller, error) { return a.commandCaller(ctx, cmd) })
}

// start prepares the form. Without an environment in the words, the channel's environment counts.
func (a *App) start(ask requestWords, channel, text string) start {
	s := start{
		text:  text,
		words: ask.words,
		form:  form{ID: request.NewID(), Project: ask.project, Env: ask.env, Module: ask.module, Note: ask.note},
	}
	if here, ok := a.directory().inChannel(channel); ok {
		s.here = here
		if ask.project == "" && ask.env == "" && ask.note == "" {
			s.form.Project, s.form.Env = here.Project, here.String()
		}
	}
	return s
}

// suggest answers a mistyped word with the nearest known one, one click away.
func (a *App) suggest(ctx context.Context, url string, ask requestWords, text string) {
	corrected := replaceWord(text, ask.wrong, ask.near)
	prompt := fmt.Sprintf("Unknown module or environment “%s”. Did you mean “%s”?",
		blocks.OneLine(ask.wrong, blocks.MaxOption), ask.near)
	b := blocks.Button(actStart, blocks.Cut(corrected, blocks.MaxOptionValue*4), "Use "+ask.near)
	b.Style = slack.StylePrimary
	a.respond(ctx, url, blocks.Message{
		Text: prompt, Blocks: []slack.Block{blocks.Paragraph(prompt), slack.NewActionBlock("", b)},
	}.Ephemeral())
}

func replaceWord(text, wrong, near string) string {
	fields := strings.Fields(text)
	for i, f := range fields {
		if strings.EqualFold(f, wrong) {
			fields[i] = near
		}
	}
	return strings.Join(fields, " ")
}
