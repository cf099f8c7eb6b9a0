package intake

import (
	"maps"
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/catalog"
)

// What a language model returns is a claim about what a person wrote. This file decides which
// parts of it count. The rules are the same for a good answer and for one that was steered by the
// words: a module must be one that the person may request, a value must pass the form's checks, a
// name that cannot be guessed must be in the words, and an environment needs support in the
// words. So the worst that a hostile text can do is to fill in a form, which its author could do
// by hand.

// Scope is what a person can request, and where they write.
type Scope struct {
	Here    *catalog.Environment  // the environment of the channel; nil when there is none
	Places  []catalog.Environment // environments in which the person can create requests
	All     Environments          // every configured environment, to understand names; empty: Places
	Modules []*catalog.Module     // modules that the person can request
}

// Turn is what a person wrote, and the drafts that they have; the first is the current one.
type Turn struct {
	Scope
	Words  string
	Drafts []Draft
}

// Outcome is what follows from a turn.
type Outcome struct {
	Drafts  []Draft
	Changed bool // the words changed the drafts
	Dropped int  // further requests that were too many
}

// apply turns the entries of an answer into drafts. It decides what counts: the fields that a module has,
// valid values, environments that the person may use and the words support.
func (t Turn) apply(items []item) Outcome {
	out := Outcome{Drafts: slices.Clone(t.Drafts)}
	for i, it := range items {
		current := i == 0 && len(t.Drafts) > 0 && (it.About != aboutNew || it.Request.Module == "")
		switch {
		case current:
			next := t.change(out.Drafts[0], it)
			out.Changed = out.Changed || changed(out.Drafts[0], next)
			out.Drafts[0] = next
		case t.module(it.Request.Module) == nil:
			// asks for nothing that can be requested
		case len(out.Drafts) >= MaxDrafts:
			out.Dropped++
		default:
			out.Drafts = append(out.Drafts, t.change(Draft{Words: cutRunes(t.wordsOf(it), maxDraftText)}, it))
			out.Changed = true
		}
	}
	return out
}

func changed(before, after Draft) bool {
	return before.Hash() != after.Hash() || !slices.Equal(before.Unclear, after.Unclear)
}

// wordsOf returns the part of the words that an entry is from: what the entry says only if the person
// wrote exactly that.
func (t Turn) wordsOf(it item) string {
	part, all := oneSpaced(it.Words), oneSpaced(t.Words)
	if part != "" && strings.Contains(all, part) {
		return part
	}
	return all
}

// change applies an entry to a draft.
func (t Turn) change(d Draft, it item) Draft {
	words := t.wordsOf(it)
	d.Unclear = slices.DeleteFunc(slices.Clone(d.Unclear), func(u Unclear) bool { return u.Field == "" })
	named := t.environment(d, it, words)
	if named.Environment != d.Environment || named.Project != d.Project || named.Note != "" {
		d.Project, d.Environment = named.Project, named.Environment
		d.Unclear = without(d.Unclear, FieldEnvironment)
		if named.Note != "" {
			d.Unclear = append(d.Unclear, Unclear{Field: FieldEnvironment, Text: named.Note})
		}
	}
	if m := t.module(it.Request.Module); m != nil {
		d.Module = m.Name
	}
	m := t.module(d.Module)
	if m == nil {
		return d
	}
	inputs := cloneInputs(d.Inputs)
	given := known(m, it.Request.Values)
	for _, name := range it.Forget {
		delete(inputs, name)
		delete(given, name)
		d.Unclear = without(d.Unclear, name)
	}
	for name, v := range given {
		if v, ok := exact(v, words); ok {
			inputs[name] = v
			d.Unclear = without(d.Unclear, name)
		}
	}
	return t.checked(d, inputs)
}

// checked keeps the inputs that are valid in the draft's module and environment. What the person gave and is
// not valid is unclear, with the reason.
func (s Scope) checked(d Draft, inputs map[string]any) Draft {
	m := s.module(d.Module)
	if m == nil {
		return d
	}
	in := known(m, inputs)
	var wrong catalog.FieldErrors
	d.Inputs, wrong = m.Parse(in, s.where(d))
	for _, e := range wrong {
		if _, given := in[e.Field]; given && len(d.Unclear) < maxUnclear {
			d.Unclear = append(without(d.Unclear, e.Field), Unclear{
				Field: e.Field, Text: e.Message, Suggest: s.suggest(m, e.Field, in[e.Field], s.where(d)),
			})
		}
	}
	maps.DeleteFunc(d.Inputs, func(name string, _ any) bool { _, given := in[name]; return !given })
	return d
}

func without(all []Unclear, field string) []Unclear {
	return slices.DeleteFunc(slices.Clone(all), func(u Unclear) bool { return u.Field == field })
}

// environment decides the environment of a draft. A name in the words counts; without one, the model's choice
// counts if it replaces no other or the words point to it.
func (t Turn) environment(d Draft, it item, words string) Named {
	here := catalog.Environment{}
	if t.Here != nil {
		here = *t.Here
	}
	before := Named{Project: d.Project, Environment: d.Environment}
	if d.Environment == "" && d.Module == "" && t.Here != nil {
		before = Named{Project: here.Project, Environment: pathOf(here)}
	}
	chosen := before
	// A protected environment is never chosen on the word of the model alone.
	if p := t.place(it.Environment); p != nil && (pointsTo(words, *p) || before.Environment == "" && !p.Protected) {
		chosen = Named{Project: p.Project, Environment: pathOf(*p)}
	}
	// A name without a project is searched near the environment of the draft or, if the draft has
	// none, near the environment of the channel.
	near := here
	if e, ok := t.all().find(before.Project, before.Environment); ok {
		near = e
	}
	named := t.all().InWords(near, chosen, words)
	if _, ok := Environments(t.Places).find(named.Project, named.Environment); named.Environment != "" && !ok {
		return Named{Project: named.Project, Note: "You cannot create requests in " + named.Project + " " +
			named.Environment + "."}
	}
	return named
}

// pointsTo reports whether words mention an environment, also in another language: a word that begins like its key,
// or its project or slug.
func pointsTo(words string, e catalog.Environment) bool {
	// Shorter beginnings match ordinary words: "pro" is a start of prod, but also of product.
	const least = 3
	for _, w := range split(words) {
		if w == e.Slug || w == e.Project || w == pathOf(e) || w == e.Key {
			return true
		}
		if len(e.Key) >= least && len(w) > least && strings.HasPrefix(w, e.Key[:min(len(e.Key), least+1)]) {
			return true
		}
	}
	return false
}

func (s Scope) all() Environments {
	if len(s.All) > 0 {
		return s.All
	}
	return s.Places
}

func (s Scope) module(name string) *catalog.Module {
	for _, m := range s.Modules {
		if m.Name == name {
			return m
		}
	}
	return nil
}

func (s Scope) place(name string) *catalog.Environment {
	for i, p := range s.Places {
		if placeName(p) == name {
			return &s.Places[i]
		}
	}
	return nil
}

// where returns the environment whose limits apply to the inputs of a draft.
func (s Scope) where(d Draft) catalog.Environment {
	if e, ok := s.all().find(d.Project, d.Environment); ok {
		return e
	}
	if s.Here != nil {
		return *s.Here
	}
	if len(s.Places) > 0 {
		return s.Places[0]
	}
	return catalog.Environment{}
}

func placeName(e catalog.Environment) string { return e.Project + " " + pathOf(e) }

func oneSpaced(text string) string { return strings.Join(strings.Fields(text), " ") }

func cutRunes(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most])
	}
	return text
}
