package slackapp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// TfPilot never replaces an environment that the words name. It searches for it in the project that they
// name with it, otherwise in the channel's project. When a word matches no environment there, or several,
// the form's environment stays empty, and the form shows the reason. These rules apply to names after the
// command and to sentences, with and without a language model: a model's choice counts only if it matches
// the word.

// usualNames are words that name environments in sentences, also where no environment has that name.
var usualNames = strings.Fields(
	"dev development prod production prd staging stage stg preprod pre-prod preproduction pre-production qa uat",
)

// contextualNames are words that name environments only after "in" and similar words: elsewhere they are
// ordinary words.
var contextualNames = strings.Fields(
	"live test testing perf performance sandbox demo preview integration acceptance sit",
)

// likeUsual reports whether a word is a usual name with a suffix, such as prod-eu or dev2.
func likeUsual(w string) bool {
	return slices.ContainsFunc(usualNames, func(usual string) bool {
		rest, ok := strings.CutPrefix(w, usual)
		return ok && rest != "" && rest != "-like" && strings.ContainsRune("-0123456789", rune(rest[0]))
	})
}

// sameName maps the spellings of an environment's name to one.
var sameName = map[string]string{
	"development": "dev", "production": "prod", "prd": "prod", "stage": "staging", "stg": "staging", "testing": "test",
	"pre-prod": "preprod", "preproduction": "preprod", "pre-production": "preprod",
}

func oneName(w string) string {
	if short, ok := sameName[w]; ok {
		return short
	}
	return w
}

// namedEnv is a word that names an environment.
type namedEnv struct {
	project, word string // project is set when it is named next to the word
	sure          bool   // the sentence clearly names it as the target: "in staging"
}

// split returns the words of a sentence without punctuation.
func split(text string) []string {
	words := strings.FieldsFunc(
		strings.ToLower(text),
		func(r rune) bool { return strings.ContainsRune(" \t\r\n,;:.!?()[]{}<>=#\"'“”‘’`*~", r) },
	)
	for i := range words {
		words[i] = strings.Trim(words[i], "_-")
	}
	return words
}

// namedEnvs finds the words of a sentence that name environments. Words after "in" and similar words have priority.
func namedEnvs(d Directory, text string) []namedEnv {
	tokens := split(text)
	var sure, other []namedEnv
	for i, w := range tokens {
		m, ok := namedAt(d, tokens, i)
		if !ok {
			continue
		}
		list := &other
		if m.sure {
			list = &sure
		}
		known := func(n namedEnv) bool { return n.project == m.project && oneName(n.word) == oneName(w) }
		if !slices.ContainsFunc(*list, known) {
			*list = append(*list, m)
		}
	}
	if len(sure) > 0 {
		return sure
	}
	return other
}

func namedAt(d Directory, tokens []string, i int) (namedEnv, bool) {
	m := namedEnv{word: tokens[i]}
	at := func(n int) string {
		if n < 0 || n >= len(tokens) {
			return ""
		}
		return tokens[n]
	}
	isProject := func(w string) bool { _, ok := d.project(w); return ok }
	before := i - 1
	if isProject(at(before)) {
		m.project = at(before)
		before--
	}
	for slices.Contains(strings.Fields("the our my your a an"), at(before)) {
		before--
	}
	after := i + 1
	called := (at(after) == "environment" || at(after) == "env") && !strings.HasPrefix(at(after+1), "variable")
	if called {
		after++
	}
	if m.project == "" && (at(after) == "in" || at(after) == "of") && isProject(at(after+1)) {
		m.project = at(after + 1)
	}
	if slices.Contains([]string{"not", "never", "except"}, at(before)) ||
		slices.Contains([]string{"not", "never", "except"}, at(before-1)) {
		return namedEnv{}, false
	}
	key, _, isPath := strings.Cut(m.word, "/")
	usual := slices.Contains(usualNames, key)
	placed := slices.Contains(strings.Fields("in into to on within"), at(before))
	pronoun := slices.Contains(
		strings.Fields("this that same default new current right every each any the an a my our your"),
		m.word,
	)
	placedUsual := usual || likeUsual(key) || slices.Contains(contextualNames, m.word)
	m.sure = isPath && (usual || isKey(d, key)) ||
		placed && (placedUsual || isKey(d, m.word) || called && !pronoun && !isProject(m.word))
	return m, m.sure || usual
}

func isKey(d Directory, w string) bool {
	return slices.ContainsFunc(d.environments(), func(e config.Environment) bool { return e.Key == w })
}

// matchingEnvironments returns the environments that a word names: exact matches, otherwise other spellings.
func matchingEnvironments(all []config.Environment, w string) []config.Environment {
	var exact, alike []config.Environment
	key, slug, isPath := strings.Cut(w, "/")
	for _, e := range all {
		switch {
		case e.Key == w || e.String() == w || e.Slug == w:
			exact = append(exact, e)
		case oneName(e.Key) == oneName(key) && (!isPath || e.Slug == slug):
			alike = append(alike, e)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return alike
}

// resolveEnvironment finds the project and environment that a word means. here is the channel's
// environment, or the zero value. When the word matches none or several, env is empty and note tells the
// person.
func resolveEnvironment(d Directory, here config.Environment, m namedEnv) (project, env, note string) {
	project = m.project
	if project == "" {
		project = here.Project
	}
	all := d.environments()
	if p, ok := d.project(project); ok {
		all = p.Environments
	}
	found := matchingEnvironments(all, m.word)
	if i := slices.IndexFunc(found, func(e config.Environment) bool { return e.Project == here.Project && e.String() == here.String() }); i >= 0 {
		found = found[i : i+1]
	}
	phrase := blocks.OneLine(m.word, blocks.MaxOption)
	switch {
	case len(found) == 1:
		return found[0].Project, found[0].String(), ""
	case len(found) > 1:
		return project, "", fmt.Sprintf(
			"“%s” matches several environments: %s. Choose one.",
			phrase,
			listEnvironments(found),
		)
	}
	note = fmt.Sprintf("There is no environment “%s”", phrase)
	if project != "" {
		note += " in the project " + project
	}
	if elsewhere := matchingEnvironments(d.environments(), m.word); len(elsewhere) > 0 {
		note += ". It matches other environments: " + listEnvironments(elsewhere)
	}
	return project, "", note + ". Choose an environment."
}

// listEnvironments names a few environments.
func listEnvironments(all []config.Environment) string {
	const most = 5
	var names []string
	for _, e := range all[:min(len(all), most)] {
		names = append(names, e.Project+" "+e.String())
	}
	if n := len(all) - most; n > 0 {
		names = append(names, fmt.Sprintf("%d more", n))
	}
	return strings.Join(names, ", ")
}

// applyNamedEnvironment sets the environment that a sentence names in a form, which holds the model's
// choice or the channel's environment.
func applyNamedEnvironment(d Directory, here config.Environment, f form, text string) form {
	named := namedEnvs(d, text)
	if len(named) == 0 {
		return f
	}
	if len(named) > 1 {
		var phrase []string
		for _, m := range named[:min(len(named), 3)] {
			phrase = append(phrase, "“"+blocks.OneLine(m.word, blocks.MaxOption)+"”")
		}
		return f.asking(
			"Your words name several environments: " + strings.Join(phrase, ", ") + ". Choose one.",
		)
	}
	m := named[0]
	chosen, ok := d.environment(f.Project, f.Env)
	if ok && len(matchingEnvironments([]config.Environment{chosen}, m.word)) == 1 && isMeant(chosen, here, m, text) {
		return f
	}
	project, env, note := resolveEnvironment(d, here, m)
	if !m.sure && note == "" {
		note = fmt.Sprintf(
			"Your words mention “%s”. Choose an environment.",
			blocks.OneLine(m.word, blocks.MaxOption),
		)
		env = ""
	}
	f.Project, f.Env = project, env
	if note != "" {
		return f.asking(note)
	}
	return f
}

// isMeant reports whether a chosen environment is in the project that the words mean.
func isMeant(chosen, here config.Environment, m namedEnv, text string) bool {
	switch {
	case m.project != "":
		return chosen.Project == m.project
	case here.Project == "" || chosen.Project == here.Project:
		return true
	default:
		return slices.Contains(split(text), chosen.Project)
	}
}

// asking clears the environment so that the person chooses it, and adds the reason.
func (f form) asking(note string) form {
	f.Env = ""
	f.Note = strings.TrimSpace(note + " " + f.Note)
	return f
}
