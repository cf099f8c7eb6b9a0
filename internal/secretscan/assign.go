package secretscan

import (
	"regexp"
	"strings"
)

// Most passwords have no format that a pattern could find, and only their name reveals them. So
// this file finds assignments in any text and asks Name about the left side. It is not a parser
// of one language: a text may be a log line with JSON in it, a diff of YAML or half a shell
// script. Each function accepts the superset of what these languages write, and errs toward
// hiding.
//
// Cost matters, since the text comes from outside: a value that contains many assignments would
// be read once for each of them, in quadratic time. progress remembers the ends that were found.

// maxName bounds the name read before a separator, and maxQuoted a quoted value, in bytes.
const (
	maxName   = 128
	maxQuoted = 16 << 10
)

// findAssigned finds values assigned to a name that suggests a credential, in code, shells,
// YAML, JSON, headers, connection strings and Terraform's diffs.
func findAssigned(text string) []Span {
	var found []Span
	done := &progress{heredocs: map[string]int{}, lists: map[string]int{}}
	for i := 0; i < len(text); i++ {
		if text[i] != '=' && text[i] != ':' {
			continue
		}
		name, nameAt := nameBefore(text, i)
		if name == "" {
			continue
		}
		// In lists of environment variables the name is in a field of its own, beside the value.
		if strings.EqualFold(name, "value") {
			if name = pairName(text, nameAt, i); name == "" {
				continue
			}
		}
		if !Name(name) {
			continue
		}
		a := assignment{text: text, name: name, nameAt: nameAt, separator: i, done: done}
		found = append(found, a.values()...)
	}
	return found
}

// nameBefore returns the name before a separator. It skips blanks, quotes and brackets.
func nameBefore(text string, at int) (name string, start int) {
	end, least := at, max(0, at-maxName)
	for end > least && strings.IndexByte(" \t\"'`\\]", text[end-1]) >= 0 {
		end--
	}
	start = end
	for start > least && (isToken(text[start-1]) || text[start-1] == '.') {
		start--
	}
	return text[start:end], start
}

// pairName finds the name in a pair such as {"name": "DB_PASSWORD", "value": "x"}, before or
// after the value.
func pairName(text string, valueAt, separator int) string {
	if at := pairBefore.FindStringSubmatch(text[max(0, valueAt-2*maxName):valueAt]); at != nil {
		return at[1]
	}
	rest := text[separator:min(len(text), separator+4*maxName)]
	if at := pairAfter.FindStringSubmatch(rest); at != nil {
		return at[1]
	}
	return ""
}

var (
	pairBefore = regexp.MustCompile(`(?i)(?:\bname|\bkey)\\*["']?\s*[=:]\s*\\*["']?([\w.-]{1,128})\\*["']?[\s,;+~-]` +
		`{1,40}\\*["']?$`)
	pairAfter = regexp.MustCompile(`(?i)^[=:]\s*\\*["'][^"'\\]*\\*["'][\s,;+~-]{1,40}\\*["']?(?:name` +
		`|key)\\*["']?\s*[=:]\s*\\*["']?([\w.-]{1,128})`)
)

type assignment struct {
	text              string
	name              string
	nameAt, separator int
	done              *progress
}

// progress remembers how far a text was read, so that nested assignments are not read twice.
type progress struct {
	bare     int            // end of the last value without quotes
	heredocs map[string]int // marker → start of its last line
	lists    map[string]int // mark at the end → where the last one ended
}

// values returns the assigned value and, in a diff, the new value after it.
func (a assignment) values() []Span {
	text := a.text
	at, sign := a.separator+1, text[a.separator]
	if before := a.separator - 1; sign == '=' && before >= 0 && strings.IndexByte("=!<>", text[before]) >= 0 {
		return nil // a comparison
	}
	for at < len(text) && (text[at] == '=' || text[at] == '>' || text[at] == ':') {
		// = compares. The other signs in this loop are =>, := and ::.
		if text[at] == '=' && sign == '=' {
			return nil
		}
		if text[at] == '=' {
			sign = '='
		}
		at++
	}
	if colons := text[a.separator:at]; len(colons) > 1 && strings.Trim(colons, ":") == "" {
		return nil // a part of a name, as in an ARN
	}
	if strings.HasPrefix(text[at:], "//") {
		return nil // an address, whose scheme is no name
	}
	at = skip(text, at, " \t")
	if strings.HasPrefix(text[at:], "<<") {
		return a.heredoc(at)
	}
	if block := yamlBlock.FindString(text[at:min(len(text), at+maxName)]); block != "" && sign == ':' {
		return a.block(at + len(block))
	}
	if at < len(text) && text[at] == '[' {
		return a.quotedWithin(at, "]{")
	}
	found, end := a.value(at, sign)
	if end > at && end < len(text) {
		// Terraform shows a changed attribute as "old" -> "new".
		if next := skip(text, end, " \t"); strings.HasPrefix(text[next:], "->") {
			more, _ := a.value(skip(text, next+2, " \t"), sign)
			found = append(found, more...)
		}
	}
	return found
}

func skip(text string, at int, what string) int {
	for at < len(text) && strings.IndexByte(what, text[at]) >= 0 {
		at++
	}
	return at
}

// value reads one value, quoted or not.
func (a assignment) value(at int, sign byte) (found []Span, end int) {
	if start, end, ok := quoted(a.text, at); ok {
		value := strings.TrimRight(a.text[start:end], `\`)
		if !HoldsSecret(a.name, value) {
			return nil, end + 1
		}
		return a.span(start, end), end + 1
	}
	if end = a.done.bare; at >= end {
		end = bareEnd(a.text, at)
		a.done.bare = end
	}
	value := strings.TrimRight(a.text[at:end], ",.)}]")
	if call.MatchString(a.text[at:min(len(a.text), end+1)]) {
		return a.quotedWithin(at, "\n"), end
	}
	if bare := a.text[at:min(end, at+maxReference)]; isPlaceholder(bare) || strings.HasPrefix(bare, "$(") {
		return nil, end
	}
	if len(value) < 3 || !HoldsSecret(a.name, value) || strings.IndexByte("({[|>", value[0]) >= 0 {
		return nil, end
	}
	// After a colon a sentence may follow, as in "Reset the password: click here".
	if sign == ':' && !a.alone(at, end) && !passwordLike(value[:min(len(value), maxReference)]) {
		return nil, end
	}
	if strings.HasSuffix(strings.ToLower(a.name), "pwd") && value[0] == '/' {
		return nil, end // the directory of a shell
	}
	return a.span(at, at+len(value)), end
}

var call = regexp.MustCompile(`^[a-z][a-z0-9_]*\(`)

func (a assignment) span(start, end int) []Span {
	if start >= end {
		return nil
	}
	return []Span{{start, end, "the value of " + a.name}}
}

// quoted returns the text between quotes. In JSON inside a string the quotes are preceded by
// backslashes, which the closing quote repeats.
func quoted(text string, at int) (start, end int, ok bool) {
	slashes := skip(text, at, `\`) - at
	at += slashes
	if at >= len(text) || strings.IndexByte("\"'`", text[at]) < 0 {
		return 0, 0, false
	}
	quote, start := text[at], at+1
	for i := start; i < min(len(text), start+maxQuoted); i++ {
		if text[i] != quote {
			continue
		}
		before := 0
		for i-before-1 >= start && text[i-before-1] == '\\' {
			before++
		}
		// Each level of quoting doubles the backslashes and adds one before the quote. This count
		// therefore belongs to the level at which the value began, and not to a quote inside it.
		if before%(2*(slashes+1)) == slashes {
			return start, i - slashes, true
		}
	}
	end = len(text) // cut: to the end of the line
	if line := strings.IndexByte(text[start:], '\n'); line >= 0 {
		end = start + line
	}
	return start, end, true
}

// bareEnd matches the end of an unquoted value.
func bareEnd(text string, at int) int {
	for at < len(text) {
		switch c := text[at]; {
		case strings.IndexByte(" \t\r\n\"'`;", c) >= 0:
			return at
		case c == '\\' && at+1 < len(text) && strings.IndexByte(`nrt"'u\`, text[at+1]) >= 0:
			return at
		}
		at++
	}
	return at
}

// alone reports whether a name and its value fill a line, as in YAML.
func (a assignment) alone(at, end int) bool {
	before := a.text[max(0, a.nameAt-maxName):a.nameAt]
	before = strings.Trim(before[strings.LastIndexByte(before, '\n')+1:], " \t-+~\"'│|")
	after, _, _ := strings.Cut(a.text[end:min(len(a.text), end+maxName)], "\n")
	return before == "" && strings.Trim(after, " \t\r,") == "" && end > at
}

// passwordLike reports whether a word looks like a password rather than the next word of a
// sentence.
func passwordLike(value string) bool {
	if len(value) < 6 || date.MatchString(value) {
		return false
	}
	c := classes(value)
	letters := c.lower + c.upper
	return letters > 0 && c.digits > 0 || strings.ContainsAny(value, "!@#$%^&*+=~?") && letters > 0 &&
		value[len(value)-1] != '?'
}

var date = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}`)

// heredoc returns the lines up to the marker.
func (a assignment) heredoc(at int) []Span {
	line := strings.IndexByte(a.text[at:], '\n')
	if line < 0 {
		return nil
	}
	marker := strings.Trim(a.text[at:at+line], "<-~ \t\r\"'")
	start := at + line + 1
	end, known := a.done.heredocs[marker]
	if !known || end < start {
		end = heredocEnd(a.text, start, marker)
		a.done.heredocs[marker] = end
	}
	return a.body(start, end)
}

// yamlBlock matches the start of a block scalar in YAML.
var yamlBlock = regexp.MustCompile(`^[|>][+-]?[0-9]?[ \t]*\r?\n`)

// block returns the lines of a YAML block scalar: those indented further than its name.
func (a assignment) block(start int) []Span {
	line := strings.LastIndexByte(a.text[:a.nameAt], '\n') + 1
	indent := skip(a.text, line, " \t+~-") - line
	end := start
	for end < len(a.text) {
		next := strings.IndexByte(a.text[end:], '\n')
		if next < 0 {
			next = len(a.text) - end - 1
		}
		one := a.text[end : end+next+1]
		if strings.TrimSpace(one) != "" && skip(one, 0, " \t+~-") <= indent {
			break
		}
		end += next + 1
	}
	return a.body(start, end)
}

// heredocEnd returns the start of the line with the marker, or else the end of the text.
func heredocEnd(text string, at int, marker string) int {
	for at < len(text) {
		next := strings.IndexByte(text[at:], '\n')
		if next < 0 {
			next = len(text) - at
		}
		if strings.Trim(text[at:at+next], " \t\r+-~") == marker {
			return at
		}
		at += next + 1
	}
	return len(text)
}

func (a assignment) body(start, end int) []Span {
	if start >= end || !HoldsSecret(a.name, a.text[start:end]) {
		return nil
	}
	return a.span(start, end)
}

// quotedWithin returns each quoted text up to a closing mark: the items of a list, the arguments
// of a call.
func (a assignment) quotedWithin(at int, mark string) []Span {
	if at < a.done.lists[mark] {
		return nil
	}
	var found []Span
	i := at + 1
	for i < len(a.text) && strings.IndexByte(mark, a.text[i]) < 0 {
		start, end, ok := quoted(a.text, i)
		if !ok {
			i++
			continue
		}
		if HoldsSecret(a.name, a.text[start:end]) {
			found = append(found, a.span(start, end)...)
		}
		i = end + 1
	}
	a.done.lists[mark] = i
	return found
}
