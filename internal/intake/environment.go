package intake

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/invisible"
)

// TfPilot never replaces an environment that the words name. It searches for it in the project that they
// name with it, otherwise in the channel's project. When a word matches no environment there, or several,
// the environment stays empty, and the person reads the reason. These rules apply to names after the
// command and to sentences, with and without a language model: a model's choice counts only if it matches
// the word.

// Environments are all that are configured.
type Environments []catalog.Environment

func (all Environments) hasProject(name string) bool {
	return slices.ContainsFunc(all, func(e catalog.Environment) bool { return e.Project == name })
}

func (all Environments) in(project string) Environments {
	var out Environments
	for _, e := range all {
		if e.Project == project {
			out = append(out, e)
		}
	}
	return out
}

func (all Environments) find(project, env string) (catalog.Environment, bool) {
	i := slices.IndexFunc(all, func(e catalog.Environment) bool { return e.Project == project && pathOf(e) == env })
	if i < 0 {
		return catalog.Environment{}, false
	}
	return all[i], true
}

// pathOf is how people write an environment: key/slug.
func pathOf(e catalog.Environment) string { return e.Key + "/" + e.Slug }

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
func namedEnvs(all Environments, text string) []namedEnv {
	tokens := split(text)
	var sure, other []namedEnv
	for i, w := range tokens {
		m, ok := namedAt(all, tokens, i)
		if !ok {
			continue
		}
		list := &other
		if m.sure {
			list = &sure
		}
		isListed := func(n namedEnv) bool { return n.project == m.project && oneName(n.word) == oneName(w) }
		if !slices.ContainsFunc(*list, isListed) {
			*list = append(*list, m)
		}
	}
	if len(sure) > 0 {
		return sure
	}
	return other
}

func namedAt(all Environments, tokens []string, i int) (namedEnv, bool) {
	m := namedEnv{word: tokens[i]}
	at := func(n int) string {
		if n < 0 || n >= len(tokens) {
			return ""
		}
		return tokens[n]
	}
	isProject := all.hasProject
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
	envKey, _, isPath := strings.Cut(m.word, "/")
	usual := slices.Contains(usualNames, envKey)
	placed := slices.Contains(strings.Fields("in into to on within"), at(before))
	pronoun := slices.Contains(
		strings.Fields("this that same default new current right every each any the an a my our your"),
		m.word,
	)
	placedUsual := usual || likeUsual(envKey) || slices.Contains(contextualNames, m.word)
	m.sure = isPath && (usual || isKey(all, envKey)) ||
		placed && (placedUsual || isKey(all, m.word) || called && !pronoun && !isProject(m.word))
	return m, m.sure || usual
}

func isKey(all Environments, w string) bool {
	return slices.ContainsFunc(all, func(e catalog.Environment) bool { return e.Key == w })
}

// Matching returns the environments that a word names: exact matches, otherwise other spellings.
func (all Environments) Matching(w string) Environments {
	var same, alike Environments
	envKey, slug, isPath := strings.Cut(w, "/")
	for _, e := range all {
		switch {
		case e.Key == w || pathOf(e) == w || e.Slug == w:
			same = append(same, e)
		case oneName(e.Key) == oneName(envKey) && (!isPath || e.Slug == slug):
			alike = append(alike, e)
		}
	}
	if len(same) > 0 {
		return same
	}
	return alike
}

// Named is what words mean for the environment. If the note and the environment are empty, the
// words name none.
type Named struct {
	Project, Environment string
	Note                 string // why no environment is chosen although the words name one
}

// Resolve finds the project and environment that a word means. here is the channel's
// environment, or the zero value. When the word matches none or several, the environment is empty and
// the note tells the person.
func (all Environments) Resolve(here catalog.Environment, project, word string) Named {
	return all.resolve(here, namedEnv{project: project, word: word})
}

func (all Environments) resolve(here catalog.Environment, m namedEnv) Named {
	project, among := m.project, all
	if project == "" {
		project = here.Project
	}
	if all.hasProject(project) {
		among = all.in(project)
	}
	found := among.Matching(m.word)
	if slices.Contains(found, here) {
		found = Environments{here}
	}
	phrase := shortWord(m.word)
	switch {
	case len(found) == 1:
		return Named{Project: found[0].Project, Environment: pathOf(found[0])}
	case len(found) > 1:
		return Named{Project: project, Note: fmt.Sprintf(
			"“%s” matches several environments: %s. Choose one.", phrase, listEnvironments(found))}
	}
	note := fmt.Sprintf("There is no environment “%s”", phrase)
	if project != "" {
		note += " in the project " + project
	}
	if elsewhere := all.Matching(m.word); len(elsewhere) > 0 {
		note += ". It matches other environments: " + listEnvironments(elsewhere)
	}
	return Named{Project: project, Note: note + ". Choose an environment."}
}

// shortWord is a word of a person on one line, for a sentence.
func shortWord(w string) string {
	const most = 75
	w = invisible.Show(w)
	if runes := []rune(w); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return w
}

// listEnvironments names a few environments.
func listEnvironments(all Environments) string {
	const most = 5
	var names []string
	for _, e := range all[:min(len(all), most)] {
		names = append(names, placeName(e))
	}
	if n := len(all) - most; n > 0 {
		names = append(names, fmt.Sprintf("%d more", n))
	}
	return strings.Join(names, ", ")
}

// InWords finds the environment that a sentence names. chosen is the model's choice or the channel's
// environment, which stays when the sentence means it or names none; here is the channel's, or the zero value.
func (all Environments) InWords(here catalog.Environment, chosen Named, text string) Named {
	named := namedEnvs(all, text)
	if len(named) == 0 {
		return chosen
	}
	if len(named) > 1 {
		var phrase []string
		for _, m := range named[:min(len(named), 3)] {
			phrase = append(phrase, "“"+shortWord(m.word)+"”")
		}
		return Named{Project: chosen.Project, Note: "Your words name several environments: " +
			strings.Join(phrase, ", ") + ". Choose one."}
	}
	m := named[0]
	e, ok := all.find(chosen.Project, chosen.Environment)
	if ok && len(Environments{e}.Matching(m.word)) == 1 && isMeant(e, here, m, text) {
		return chosen
	}
	out := all.resolve(here, m)
	if !m.sure && out.Note == "" {
		out.Note = fmt.Sprintf("Your words mention “%s”. Choose an environment.", shortWord(m.word))
		out.Environment = ""
	}
	return out
}

// isMeant reports whether a chosen environment is in the project that the words mean.
func isMeant(chosen, here catalog.Environment, m namedEnv, text string) bool {
	switch {
	case m.project != "":
		return chosen.Project == m.project
	case here.Project == "" || chosen.Project == here.Project:
		return true
	default:
		return slices.Contains(split(text), chosen.Project)
	}
}
