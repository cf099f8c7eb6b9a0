package openai

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

const (
	window       = 4 // words between a number and its subject
	maxNameWords = 4
)

// numbers assigns each number in the words to the field whose terms are nearest.
func (r *reader) numbers(s schema) map[string]json.Number {
	out := map[string]json.Number{}
	for i, w := range r.words {
		if !anyNumber.MatchString(w.raw) {
			continue
		}
		bestName, bestScore := "", 0.0
		for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
			p := s.Properties[name]
			if _, taken := out[name]; taken || !p.is("number") && !p.is("integer") || !p.admits(json.Number(w.raw)) {
				continue
			}
			if score := r.near(i, name, p); score > bestScore {
				bestName, bestScore = name, score
			}
		}
		if bestName != "" {
			out[bestName] = json.Number(w.raw)
		}
	}
	return out
}

// near scores how many of a field's terms are near a word. Of two fields with the same number, the one
// with fewer other terms scores higher.
func (r *reader) near(at int, name string, s schema) float64 {
	about := terms(name + " " + s.Description)
	found := map[string]bool{}
	for i := max(0, at-window); i < min(len(r.words), at+window+1); i++ {
		for _, stem := range r.words[i].stems {
			if about[stem] {
				found[stem] = true
			}
		}
	}
	if len(found) == 0 {
		return 0
	}
	return float64(len(found)) + float64(len(found))/float64(len(about)+1)
}

// admits reports whether a number is within the bounds.
func (s schema) admits(n json.Number) bool {
	f, err := n.Float64()
	return err == nil && (s.Minimum == nil || f >= *s.Minimum) && (s.Maximum == nil || f <= *s.Maximum) &&
		(!s.is("integer") || !strings.Contains(n.String(), "."))
}

// flag returns true when the words name the switch, and false when they negate it.
func (r *reader) flag(name string, s schema) any {
	key, all := terms(name), terms(name+" "+s.Description)
	hits, keyHits, denied := map[string]bool{}, 0, false
	for i, w := range r.words {
		if w.used || !w.meaningful() {
			continue
		}
		for _, stem := range w.stems {
			if !all[stem] || hits[stem] {
				continue
			}
			hits[stem] = true
			if key[stem] {
				keyHits++
			}
			denied = denied || i > 0 && r.words[i-1].negates()
		}
	}
	if keyHits == 0 || keyHits < len(key) && len(hits) < 2 {
		return nil
	}
	return !denied
}

var (
	isName    = map[string]bool{"named": true, "called": true}
	resource  = regexp.MustCompile(`^([a-z]+)-[0-9a-f]{6,}$`)
	sized     = regexp.MustCompile(`^[a-z][a-z0-9-]*[0-9][a-z0-9-]*\.[a-z0-9]+$`)
	domain    = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+){2,}$`)
	joined    = regexp.MustCompile(`^([^=\s]+)=([^=\s]+)$`)
	plainWord = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)
)

// text returns a string for one field: a name, or a word with the form of such a value.
func (r *reader) text(name string) any {
	if found := r.shaped(name); len(found) > 0 {
		return found[0]
	}
	parts := strings.Split(name, "_")
	if parts[len(parts)-1] == "name" && len(parts) <= 2 {
		return r.name()
	}
	return r.following(name)
}

// items returns strings in the form of the field, or pairs.
func (r *reader) items(name string, item schema) any {
	if item.is("object") {
		return r.pairs(item)
	}
	var out []any
	allowed := item.allowed()
	for _, found := range r.shaped(name) {
		if len(allowed) == 0 || slices.Contains(allowed, any(found)) {
			out = append(out, found)
		}
	}
	if out == nil {
		return nil
	}
	return out
}

// pairs returns the words of the form key=value.
func (r *reader) pairs(item schema) any {
	fields := slices.Sorted(maps.Keys(item.Properties)) // "key" or "name" sorts before "value"
	if len(fields) != 2 {
		return nil
	}
	var out []any
	for i, w := range r.words {
		if m := joined.FindStringSubmatch(w.raw); m != nil && !w.used {
			out = append(out, map[string]any{fields[0]: m[1], fields[1]: m[2]})
			r.words[i].used = true
		}
	}
	if out == nil {
		return nil
	}
	return out
}

// shaped finds words whose form matches the field: an ARN of the service or type in its name, an id
// with its prefix, a size, a domain.
func (r *reader) shaped(name string) []string {
	parts := strings.Split(name, "_")
	var out []string
	for _, w := range r.words {
		if belongs(w, parts) {
			out = append(out, w.raw)
		}
	}
	return out
}

func belongs(w word, parts []string) bool {
	has := func(names ...string) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return slices.Contains(names, p) })
	}
	switch {
	case strings.HasPrefix(w.low, "arn:"):
		return has("arn", "arns") && slices.ContainsFunc(parts, func(p string) bool {
			return p != "arn" && p != "arns" && w.has(stemOf(p))
		})
	case resource.MatchString(w.low):
		prefix := resource.FindStringSubmatch(w.low)[1]
		return has("id", "ids") && (has(prefix) || strings.HasPrefix(initials(parts), prefix))
	case sized.MatchString(w.low):
		return has("type", "size", "class")
	case domain.MatchString(w.low):
		return has("service", "services", "domain", "domains", "host", "hosts")
	}
	return false
}

func initials(parts []string) string {
	var b strings.Builder
	for _, p := range parts {
		if p != "" {
			b.WriteByte(p[0])
		}
	}
	return b.String()
}

// name returns what the words call the resource, or else what it is for.
func (r *reader) name() any {
	for i, w := range r.words {
		if isName[w.low] && i+1 < len(r.words) {
			return r.words[i+1].raw
		}
	}
	for i, w := range r.words {
		if w.low == "for" {
			if phrase := r.phrase(i + 1); phrase != "" {
				return phrase
			}
		}
	}
	return nil
}

// phrase joins the meaningful words from an index on, up to a word that starts another phrase.
func (r *reader) phrase(from int) string {
	var out []string
	for _, w := range r.words[from:] {
		if endOfPhrase[w.low] || anyNumber.MatchString(w.raw) || len(out) == maxNameWords {
			break
		}
		if w.meaningful() && !w.used && plainWord.MatchString(w.low) {
			out = append(out, w.low)
		}
		if w.last {
			break
		}
	}
	return strings.Join(out, "-")
}

// following returns the word after the field's own name: "instance profile runner".
func (r *reader) following(name string) any {
	key := stems(strings.ReplaceAll(name, "_", " "))
	for i := 0; i+len(key) < len(r.words); i++ {
		match := true
		for j, want := range key {
			match = match && slices.Equal(r.words[i+j].stems, []string{want})
		}
		next := i + len(key)
		for match && next < len(r.words)-1 &&
			slices.Contains([]string{"is", "of", "named", "called", "="}, r.words[next].low) {
			next++
		}
		if match && r.words[next].meaningful() {
			return r.words[next].raw
		}
	}
	return nil
}
