package openai

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// reader fills a schema from words.
type reader struct {
	system string
	words  []word
	head   int // words before the last "for": what the user wants, not what it is for
}

func newReader(system, user string) *reader {
	r := &reader{system: system, words: splitWords(user)}
	for i, w := range r.words {
		if w.low == "for" {
			r.head = i
		}
	}
	return r
}

// fill returns a value for a schema. It fills choices first, so that the words that make a choice are
// not used again as names or numbers.
func (r *reader) fill(s schema) any {
	switch {
	case len(s.AnyOf) > 0:
		return r.fill(r.alternative(s.AnyOf))
	case s.is("object"):
		out := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
			if p := s.Properties[name]; len(p.AnyOf) > 0 || len(p.allowed()) > 0 || p.is("object") && len(p.Properties) == 0 {
				out[name] = r.choose(name, p)
			}
		}
		return r.rest(s, out)
	}
	return r.value("", s)
}

// rest fills all other fields. Nested objects come last, after the choices around them.
func (r *reader) rest(s schema, out map[string]any) any {
	numbers := r.numbers(s)
	names := slices.Sorted(maps.Keys(s.Properties))
	for _, name := range names {
		if _, done := out[name]; done {
			continue
		}
		p := s.Properties[name]
		if n, ok := numbers[name]; ok {
			out[name] = n
			continue
		}
		if p.is("object") {
			out[name] = r.fill(p)
			continue
		}
		out[name] = r.value(name, p)
	}
	return out
}

func (r *reader) choose(name string, s schema) any {
	switch {
	case len(s.AnyOf) > 0:
		return r.fill(s)
	case s.is("object"):
		return map[string]any{}
	}
	values := s.allowed()
	if len(values) == 1 && !s.nullable() {
		return values[0]
	}
	if _, number := values[0].(float64); number {
		return r.chooseNumber(name, s, values)
	}
	if i, ok := r.best(values, nil); ok {
		return values[i]
	}
	if s.nullable() {
		return nil
	}
	return values[0]
}

// chooseNumber returns the number of the enumeration that is next to the field's own words. A number
// alone says nothing about the field.
func (r *reader) chooseNumber(name string, s schema, values []any) any {
	for i, w := range r.words {
		for _, v := range values {
			if w.raw == fmt.Sprint(v) && r.near(i, name, s) > 0 {
				return v
			}
		}
	}
	if s.nullable() {
		return nil
	}
	return values[0]
}

// alternative chooses one of several forms by the one value in which they differ.
func (r *reader) alternative(forms []schema) schema {
	var tags []any
	var fields []map[string]bool
	for _, f := range forms {
		tags, fields = append(tags, r.tag(f)), append(fields, fieldTerms(f))
	}
	if i, ok := r.best(tags, fields); ok {
		return forms[i]
	}
	for i, t := range tags {
		if t == "" { // the form for no match
			return forms[i]
		}
	}
	for _, f := range forms {
		if !f.is("null") {
			return f
		}
	}
	return forms[0]
}

func (r *reader) tag(form schema) any {
	for _, name := range slices.Sorted(maps.Keys(form.Properties)) {
		if values := form.Properties[name].allowed(); len(values) == 1 {
			return values[0]
		}
	}
	return nil
}

// fieldTerms returns the terms of a form's fields, at any depth.
func fieldTerms(form schema) map[string]bool {
	out := map[string]bool{}
	for name, p := range form.Properties {
		if p.is("object") {
			maps.Copy(out, fieldTerms(p))
			continue
		}
		maps.Copy(out, terms(name+" "+p.Description))
	}
	return out
}

const (
	quotedBonus = 2.0 // the current value of the user
	ownScore    = 3.0 // the words contain the value's own name
	fieldScore  = 0.4 // the words mention one of the form's fields
	least       = 1.3 // a lower score is chance: one word of a description
)

// best finds the value that the words refer to. A term that several values share counts less, and one
// after "in" or "to" counts more. A value in quotation marks in the instructions is the user's current
// one.
func (r *reader) best(values []any, fields []map[string]bool) (int, bool) {
	if i := r.literal(values); i >= 0 {
		return i, true
	}
	own, described, shared := r.vocabulary(values)
	top, topScore := 0, 0.0
	for i, v := range values {
		score := 0.0
		if text, ok := v.(string); ok && text != "" && strings.Contains(r.system, fmt.Sprintf("%q", text)) {
			score = quotedBonus
		}
		for term := range own[i] {
			score += ownScore * r.weight(term) / float64(shared[term])
		}
		for term := range described[i] {
			if !own[i][term] {
				score += r.weight(term) / float64(shared[term])
			}
		}
		if fields != nil {
			score += fieldScore * r.countTerms(fields[i])
		}
		if score > topScore {
			top, topScore = i, score
		}
	}
	if topScore < least || r.negated(own[top]) {
		return 0, false
	}
	r.use(own[top])
	return top, true
}

// literal finds a value that the words contain literally.
func (r *reader) literal(values []any) int {
	for i, w := range r.words {
		for j, v := range values {
			if text, ok := v.(string); ok && !w.used && w.meaningful() && strings.EqualFold(w.raw, text) {
				r.words[i].used = true
				return j
			}
		}
	}
	return -1
}

// countTerms counts the words that are among the terms.
func (r *reader) countTerms(of map[string]bool) float64 {
	count := 0.0
	for _, w := range r.words {
		if !w.used && w.meaningful() && slices.ContainsFunc(w.stems, func(s string) bool { return of[s] }) {
			count++
		}
	}
	return count
}

// vocabulary returns the terms of each value's name and of its description in the instructions, and
// how many values share a term.
func (r *reader) vocabulary(values []any) (own, described []map[string]bool, shared map[string]int) {
	shared = map[string]int{}
	for _, v := range values {
		text := fmt.Sprint(v)
		mine, more := terms(text), map[string]bool{}
		for line := range strings.Lines(r.system) {
			line = strings.TrimLeft(strings.TrimSpace(line), "-* ")
			if rest, ok := strings.CutPrefix(line, text); ok && text != "" {
				maps.Copy(more, terms(rest))
			}
		}
		for term := range mine {
			shared[term]++
		}
		for term := range more {
			if !mine[term] {
				shared[term]++
			}
		}
		own, described = append(own, mine), append(described, more)
	}
	return own, described, shared
}

// weight is 0 if the words do not contain the term.
func (r *reader) weight(term string) float64 {
	weight := 0.0
	for i, w := range r.words {
		if w.used || !w.meaningful() || !w.has(term) {
			continue
		}
		here := 1.0
		if r.followsPreposition(i) {
			here = 3
		} else if i < r.head {
			here = 1.5
		}
		weight = max(weight, here)
	}
	return weight
}

func (r *reader) negated(of map[string]bool) bool {
	for i, w := range r.words {
		if i > 0 && r.words[i-1].negates() && slices.ContainsFunc(w.stems, func(s string) bool { return of[s] }) {
			return true
		}
	}
	return false
}

// use marks the words that made a choice: those after "in" or "to" if there are any, since the same
// word elsewhere can be part of a name.
func (r *reader) use(of map[string]bool) {
	var placed, others []int
	for i, w := range r.words {
		if !w.meaningful() || !slices.ContainsFunc(w.stems, func(s string) bool { return of[s] }) {
			continue
		}
		if r.followsPreposition(i) {
			placed = append(placed, i)
		} else {
			others = append(others, i)
		}
	}
	if len(placed) == 0 {
		placed = others
	}
	for _, i := range placed {
		r.words[i].used = true
	}
}

// followsPreposition reports whether a word follows "in" or "to".
func (r *reader) followsPreposition(i int) bool {
	return i > 0 && slices.Contains([]string{"in", "into", "to", "on"}, r.words[i-1].low)
}

// value returns the value of one field from the words. Without one it is null, or empty where null is
// not allowed.
func (r *reader) value(name string, s schema) any {
	var v any
	switch {
	case s.is("boolean"):
		v = r.flag(name, s)
	case s.is("array") && s.Items != nil && len(s.Items.Properties) > 2:
		return r.entries(*s.Items)
	case s.is("array") && s.Items != nil:
		v = r.items(name, *s.Items)
	case s.is("string"):
		v = r.text(name)
	}
	if v != nil || s.nullable() {
		return v
	}
	return empty(s)
}

func empty(s schema) any {
	switch {
	case s.is("boolean"):
		return false
	case s.is("array"):
		return []any{}
	case s.is("number"), s.is("integer"):
		return json.Number("0")
	}
	return ""
}
