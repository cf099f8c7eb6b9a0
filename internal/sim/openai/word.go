package openai

import (
	"regexp"
	"slices"
	"strings"
)

// word is one word of the user.
type word struct {
	typed string   // as typed; empty for the second part of a word
	raw   string   // without punctuation around it
	low   string   // in lower case
	stems []string // of its parts: "dev/app" has two
	last  bool     // punctuation follows
	used  bool     // it already made a choice
}

var (
	tag       = regexp.MustCompile(`</?[a-z_]+>`)
	partsOf   = regexp.MustCompile(`[a-z0-9]+`)
	anyNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?$`)
	withUnit  = regexp.MustCompile(`^(-?[0-9]{1,15}(?:\.[0-9]{1,9})?)([A-Za-z]+)$`)
)

const maxWordCount = 600

func splitWords(text string) []word {
	text = tag.ReplaceAllString(text, " ")
	var out []word
	for _, raw := range strings.Fields(text) {
		if m := withUnit.FindStringSubmatch(strings.Trim(raw, ".,;:!?")); m != nil {
			number, unit := newWord(m[1]), newWord(m[2]+raw[len(strings.TrimRight(raw, ".,;:!?")):]) // "20GB,"
			number.typed, unit.typed = raw, ""
			out = append(out, number, unit)
			continue
		}
		out = append(out, newWord(raw))
	}
	out = slices.DeleteFunc(out, func(w word) bool { return w.raw == "" })
	return out[:min(len(out), maxWordCount)]
}

func newWord(raw string) word {
	trimmed := strings.Trim(raw, ".,;:!?\"'`()[]{}‹›“”‘’")
	low := strings.ToLower(trimmed)
	return word{typed: raw, raw: trimmed, low: low, stems: stems(low),
		last: raw != "" && strings.ContainsAny(raw[len(raw)-1:], ".,;!?")}
}

// stems splits a text into the stems of its words.
func stems(text string) []string {
	var out []string
	for _, p := range partsOf.FindAllString(strings.ToLower(text), -1) {
		out = append(out, stemOf(p))
	}
	return out
}

// stemOf maps forms of a word to one stem: versioned and versioning, registry and registries. It is
// simple on purpose; only equality matters.
func stemOf(w string) string {
	for _, suffix := range []string{"ing", "ed", "es", "s"} {
		if cut, ok := strings.CutSuffix(w, suffix); ok && len(cut) >= 3 && !strings.HasSuffix(cut, "s") {
			w = cut
			break
		}
	}
	if cut, ok := strings.CutSuffix(w, "e"); ok && len(cut) >= 3 {
		w = cut
	}
	if cut, ok := strings.CutSuffix(w, "y"); ok && len(cut) >= 3 {
		w = cut + "i"
	}
	return w
}

// stopWords say nothing about the request.
var stopWords = set(
	"a an the for in into on at to from of with without and or that which who it its is are be will should must may can " +
		"i we my our you your me us this these those there please want wants need needs needed like would new create make give get add set up " +
		"some any each every more than as by keep keeping kept using use not no just only so where when after before then also have has having " +
		"one thing all only everything environment project aws amazon cloud")

// endOfPhrase ends the phrase after "for".
var endOfPhrase = set(
	"in into on at to from with without and or that which who is keep keeping using after before then where when named called of")

// negations turn a switch off.
var negations = set("no not without disable disabled non never forget drop remove")

func set(words string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(words) {
		out[w] = true
	}
	return out
}

// negates reports whether a word turns the next one off. "no, staging" does not.
func (w word) negates() bool { return negations[w.low] && !w.last }

func (w word) meaningful() bool { return !stopWords[w.low] && w.low != "" }

func (w word) has(stem string) bool { return slices.Contains(w.stems, stem) }

// terms returns the meaningful stems of a text.
func terms(text string) map[string]bool {
	out := map[string]bool{}
	for _, w := range splitWords(strings.ReplaceAll(text, "_", " ")) {
		if w.meaningful() {
			for _, s := range w.stems {
				out[s] = true
			}
		}
	}
	return out
}
