package secretscan

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// gitleaks is a scanner with a large, maintained set of rules. TfPilot embeds the rules and not
// the program: they run in process, on texts that are not in any repository, and a release pins
// their version. The semantics follow gitleaks: a rule matches near one of its keywords; its
// secret group must have the rule's entropy; and an allow list names matches that are known to be
// harmless.

// gitleaksFile holds the rules of gitleaks, under the license in LICENSE.gitleaks.
// tools/gitleaks generates it and documents how.
//
//go:embed gitleaks.json
var gitleaksFile []byte

// rule finds one format. Its pattern is tried only near one of its keywords, so that a large
// text costs little.
type rule struct {
	ID       string   `json:"id"`
	Regex    string   `json:"regex"`
	Group    int      `json:"group"`
	Entropy  float64  `json:"entropy"`
	Keywords []string `json:"keywords"`
	Allow    []allow  `json:"allow"`

	what    string
	pattern func() *regexp.Regexp
	allowed func() []*regexp.Regexp
}

// allow lists matches of a rule that are not credentials.
type allow struct {
	Target    string   `json:"target"`
	Regexes   []string `json:"regexes"`
	Stopwords []string `json:"stopwords"`
}

type ruleSet struct {
	Source string `json:"source"`
	Allow  allow  `json:"allow"`
	Rules  []rule `json:"rules"`

	global  func() []*regexp.Regexp
	keyword keywordIndex
}

var gitleaks = sync.OnceValue(func() *ruleSet {
	var set ruleSet
	if err := json.Unmarshal(gitleaksFile, &set); err != nil {
		panic(fmt.Sprintf("embedded rules: %v", err)) // a test reads them
	}
	set.prepare()
	return &set
})

func (set *ruleSet) prepare() {
	set.global = compileLater(set.Allow.Regexes)
	for i := range set.Rules {
		r := &set.Rules[i]
		r.what = nameOfRule(r.ID)
		r.pattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(r.Regex) })
		var allowed []string
		for _, a := range r.Allow {
			allowed = append(allowed, a.Regexes...)
		}
		r.allowed = compileLater(allowed)
		for _, word := range r.Keywords {
			set.keyword.add(word, i)
		}
	}
}

// compileLater compiles patterns on first use, because most texts contain the keywords of few
// rules.
func compileLater(patterns []string) func() []*regexp.Regexp {
	return sync.OnceValue(func() []*regexp.Regexp {
		var compiled []*regexp.Regexp
		for _, p := range patterns {
			compiled = append(compiled, regexp.MustCompile(p))
		}
		return compiled
	})
}

// nameOfRule converts a rule's id, such as github-pat, to words.
func nameOfRule(id string) string {
	words := strings.ReplaceAll(id, "-", " ")
	if strings.ContainsAny(words[:1], "aeiou") {
		return "an " + words
	}
	return "a " + words
}

// The number of bytes to search around a keyword: more than the longest format needs.
const (
	windowBefore = 192
	windowAfter  = 2048
)

func findGitleaks(text string) []Span {
	set := gitleaks()
	var found []Span
	for _, hit := range set.keyword.windows(text) {
		r := &set.Rules[hit.rule]
		found = append(found, set.match(r, text, hit.start, hit.end)...)
	}
	return found
}

func (set *ruleSet) match(r *rule, text string, start, end int) []Span {
	var found []Span
	window := text[start:end]
	for _, at := range r.pattern().FindAllStringSubmatchIndex(window, -1) {
		from, to := secretGroup(at, r.Group)
		secret := window[from:to]
		// Entropy separates random characters from aaaa… and example-key. Random base64 has up to
		// 6 bits per character, English text about 4. Zero, in a rule without an entropy, accepts
		// all.
		if entropy(secret) < r.Entropy || isWords(secret) || set.isAllowed(r, secret) {
			continue
		}
		found = append(found, Span{start + from, tokenEnd(text, start+to), r.what})
	}
	return found
}

// secretGroup returns the first group that matched, or else the whole match.
func secretGroup(at []int, group int) (from, to int) {
	if group > 0 && 2*group+1 < len(at) && at[2*group] >= 0 {
		return at[2*group], at[2*group+1]
	}
	for i := 2; i+1 < len(at); i += 2 {
		if at[i] >= 0 && at[i+1] > at[i] {
			return at[i], at[i+1]
		}
	}
	return at[0], at[1]
}

func (set *ruleSet) isAllowed(r *rule, secret string) bool {
	matches := func(p *regexp.Regexp) bool { return p.MatchString(secret) }
	if slices.ContainsFunc(set.global(), matches) || slices.ContainsFunc(r.allowed(), matches) {
		return true
	}
	lower := strings.ToLower(secret)
	return slices.ContainsFunc(r.Allow, func(a allow) bool {
		return slices.ContainsFunc(a.Stopwords, func(word string) bool { return strings.Contains(lower, word) })
	})
}

// tokenEnd extends a match to the end of its letters and digits: a pattern of fixed length would
// leave the rest of a longer credential visible.
func tokenEnd(text string, end int) int {
	if end > 0 && !isToken(text[end-1]) {
		return end
	}
	for end < len(text) && isToken(text[end]) {
		end++
	}
	return end
}

func isToken(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// entropy returns the Shannon entropy, in bits per byte.
func entropy(text string) float64 {
	var counts [256]int
	for i := range len(text) {
		counts[text[i]]++
	}
	var bits float64
	for _, n := range counts {
		if n > 0 {
			p := float64(n) / float64(len(text))
			bits -= p * math.Log2(p)
		}
	}
	return bits
}

// keywordIndex finds many keywords in one pass over a text, ignoring case.
type keywordIndex struct {
	first [1 << 16][]entry // by the first two bytes
}

type entry struct {
	word string
	rule int
}

func (x *keywordIndex) add(word string, index int) {
	// A keyword has at least two characters, in lower case.
	at := int(word[0])<<8 | int(word[1])
	x.first[at] = append(x.first[at], entry{word, index})
}

type keywordWindow struct{ rule, start, end int }

// windows lists, for each rule, the parts of the text in which to try its pattern.
func (x *keywordIndex) windows(text string) []keywordWindow {
	last := map[int]int{} // rule → index of its last window
	var found []keywordWindow
	for i := 0; i+1 < len(text); i++ {
		for _, e := range x.first[int(lowerByte(text[i]))<<8|int(lowerByte(text[i+1]))] {
			if !hasPrefixFold(text[i:], e.word) {
				continue
			}
			start, end := max(0, i-windowBefore), min(len(text), i+windowAfter)
			// Windows of one rule that overlap become one, so no text is searched twice by a
			// rule.
			if at, ok := last[e.rule]; ok && found[at].end >= start {
				found[at].end = end
				continue
			}
			last[e.rule] = len(found)
			found = append(found, keywordWindow{e.rule, start, end})
		}
	}
	return found
}

func hasPrefixFold(text, word string) bool {
	if len(text) < len(word) {
		return false
	}
	for i := range len(word) {
		if lowerByte(text[i]) != word[i] {
			return false
		}
	}
	return true
}

func lowerByte(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
