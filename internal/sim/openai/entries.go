package openai

import (
	"maps"
	"slices"
	"strings"
)

// further are words that begin another request.
var further = set("also another second additionally plus furthermore")

// openers are words between a boundary and what it introduces: "and we also need".
var openers = set("and also then plus we i need want would like please me us give additionally furthermore")

// removal are words before the name of a field that is no longer wanted.
var removal = set("forget drop remove clear undo unset")

// entries fills a list of objects: one for each part of the words that asks for something of its own.
func (r *reader) entries(item schema) []any {
	var out []any
	for i, part := range r.parts(item) {
		one := &reader{system: r.system, words: part}
		for j, w := range part {
			if w.low == "for" {
				one.head = j
			}
		}
		out = append(out, one.entry(item, i, len(out)))
	}
	return out
}

// entry fills one object of the list. Its lists of removals and its quotation depend on the other fields.
func (r *reader) entry(item schema, index, before int) any {
	var quoted []string
	for _, w := range r.words {
		if w.typed != "" {
			quoted = append(quoted, w.typed)
		}
	}
	isFurther := len(r.words) > 0 && (before > 0 || further[r.words[0].low] || len(r.words) > 1 && further[r.words[1].low])
	forget := r.forgotten(item)
	filled, ok := r.fill(item).(map[string]any)
	if !ok {
		return nil
	}
	for name, p := range item.Properties {
		switch {
		case name == "words" && p.is("string"):
			filled[name] = strings.Join(quoted, " ")
		case name == "forget" && p.is("array"):
			filled[name] = forget
		case name == "about" && slices.Contains(p.Enum, any("new")):
			if isFurther {
				filled[name] = "new"
			} else {
				filled[name] = p.Enum[0]
			}
		}
	}
	return filled
}

// forgotten lists the fields whose own words follow a word of removal, and marks those words as used.
func (r *reader) forgotten(item schema) []any {
	out := []any{}
	names := map[string]bool{}
	collectNames(item, names)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		key := terms(name)
		delete(key, "arn")
		for i, w := range r.words {
			if !removal[w.low] || len(key) == 0 {
				continue
			}
			var hit []int
			for j := i + 1; j < min(len(r.words), i+1+window); j++ {
				if slices.ContainsFunc(r.words[j].stems, func(s string) bool { return key[s] }) {
					hit = append(hit, j)
				}
			}
			if len(hit) >= min(len(key), 2) {
				out = append(out, name)
				for _, j := range hit {
					r.words[j].used = true
				}
			}
		}
	}
	return out
}

// collectNames gathers the names of the fields of all alternatives.
func collectNames(s schema, into map[string]bool) {
	for _, form := range s.AnyOf {
		for _, p := range form.Properties {
			for name := range p.Properties {
				into[name] = true
			}
		}
	}
	for _, p := range s.Properties {
		collectNames(p, into)
	}
}

// parts splits the words where another request begins: after "and", punctuation or a number of a list, with an
// article or a word such as "another" next, when both sides name something that can be chosen.
func (r *reader) parts(item schema) [][]word {
	var out [][]word
	from := 0
	for i := 1; i < len(r.words); i++ {
		if !r.boundary(i) || !r.namesChoice(item, r.words[from:i]) || !r.namesChoice(item, r.words[i:]) {
			continue
		}
		out = append(out, slices.Clone(r.words[from:i]))
		from = i
	}
	return append(out, slices.Clone(r.words[from:]))
}

func (r *reader) boundary(i int) bool {
	if !r.words[i-1].last && !openers[r.words[i].low] && !strings.HasSuffix(r.words[i].typed, ")") {
		return false
	}
	for j := i; j < min(len(r.words), i+6); j++ {
		switch w := r.words[j]; {
		case w.low == "a" || w.low == "an" || w.low == "another" || w.low == "one":
			return true
		case !openers[w.low] && !anyNumber.MatchString(w.raw):
			return false
		}
	}
	return false
}

// namesChoice reports whether words contain a term of the own name of an alternative.
func (r *reader) namesChoice(item schema, words []word) bool {
	for _, p := range item.Properties {
		for _, form := range p.AnyOf {
			name, _ := r.tag(form).(string)
			for term := range r.titleTerms(name) {
				if slices.ContainsFunc(words, func(w word) bool { return w.has(term) }) {
					return true
				}
			}
		}
	}
	return false
}

// titleTerms are the terms of a value's name and of its title: what the instructions say up to the first period.
func (r *reader) titleTerms(value string) map[string]bool {
	out := terms(value)
	for line := range strings.Lines(r.system) {
		line = strings.TrimLeft(strings.TrimSpace(line), "-* ")
		if rest, ok := strings.CutPrefix(line, value+":"); ok && value != "" {
			title, _, _ := strings.Cut(rest, ".")
			maps.Copy(out, terms(title))
		}
	}
	return out
}
