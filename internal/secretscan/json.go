package secretscan

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// In JSON the structure says more than the text: a name at the top applies to a list far below
// it, and a secret can be split from its name by escapes. This file walks the raw text instead of
// a decoded value, because the result has to be offsets in the original: the caller replaces only
// the secret and keeps everything else as it is.

// maxJSON bounds the texts that are read as JSON.
const maxJSON = 1 << 20

// findInJSON scans a JSON text by its structure: a name applies to everything below it, a name
// and value pair belongs together, and strings are scanned without their escapes.
func (s *Scanner) findInJSON(text string, depth int) []Span {
	trimmed := strings.TrimSpace(text)
	if len(trimmed) < 2 || len(text) > maxJSON || strings.IndexByte(`{["`, trimmed[0]) < 0 ||
		!json.Valid([]byte(trimmed)) {
		return nil
	}
	w := &jsonWalk{scanner: s, text: text, depth: depth, at: strings.Index(text, trimmed)}
	w.value(Names{})
	return w.found
}

// jsonWalk walks valid JSON and tracks the offsets of its strings.
type jsonWalk struct {
	scanner *Scanner
	text    string
	at      int
	depth   int
	found   []Span
}

func (w *jsonWalk) space() { w.at = skip(w.text, w.at, " \t\r\n") }

func (w *jsonWalk) value(c Names) {
	w.space()
	switch w.text[w.at] {
	case '{':
		w.object(c)
	case '[':
		w.at++
		for w.space(); w.text[w.at] != ']'; w.space() {
			w.value(c)
			if w.space(); w.text[w.at] == ',' {
				w.at++
			}
		}
		w.at++
	case '"':
		start, end := w.literal()
		w.check(c, start, end)
	default:
		start := w.at
		for w.at < len(w.text) && strings.IndexByte(",]} \t\r\n", w.text[w.at]) < 0 {
			w.at++
		}
		if c.HidesNumber(w.text[start:w.at]) {
			w.found = append(w.found, Span{start, w.at, "the value of " + c.secret})
		}
	}
}

// member is a string directly in an object.
type member struct{ start, end int }

func (w *jsonWalk) object(c Names) {
	w.at++
	texts := map[string]member{}
	for w.space(); w.text[w.at] != '}'; w.space() {
		start, end := w.literal()
		name, _ := unquote(w.text[start:end])
		w.check(Names{}, start, end)
		w.space()
		w.at++ // :
		w.space()
		if w.text[w.at] == '"' {
			from := w.at + 1
			w.value(c.Below(name))
			texts[strings.ToLower(name)] = member{from, w.at - 1}
		} else {
			w.value(c.Below(name))
		}
		if w.space(); w.text[w.at] == ',' {
			w.at++
		}
	}
	w.at++
	w.pair(texts)
}

// pair checks {"name": N, "value": V} as if it were N = V.
func (w *jsonWalk) pair(texts map[string]member) {
	value, hasValue := texts["value"]
	for _, key := range pairNames {
		if m, ok := texts[key]; ok && hasValue {
			name, _ := unquote(w.text[m.start:m.end])
			w.check(Names{}.Below(name), value.start, value.end)
		}
	}
}

// literal reads a string and returns its text between the quotes.
func (w *jsonWalk) literal() (start, end int) {
	w.at++
	start = w.at
	for w.text[w.at] != '"' {
		if w.text[w.at] == '\\' {
			w.at++
		}
		w.at++
	}
	end = w.at
	w.at++
	return start, end
}

// check scans one string of the document.
func (w *jsonWalk) check(c Names, start, end int) {
	plain, offsets := unquote(w.text[start:end])
	if c.Hides(plain) {
		w.found = append(w.found, Span{start, end, "the value of " + c.secret})
		return
	}
	// Without escapes, and without levels left for nested texts, the scan of the whole text has
	// found all that a scan of this string could find.
	if strings.IndexByte(w.text[start:end], '\\') < 0 && w.depth < 1 {
		return
	}
	for _, one := range w.scanner.find(plain, w.depth) {
		w.found = append(w.found, Span{start + offsets[one.Start], start + offsets[one.End], one.What})
	}
}

// unquote removes JSON escapes from a text. It returns the offset of each byte and of the end.
func unquote(raw string) (plain string, offsets []int) {
	var out []byte
	add := func(at int, r rune) {
		for range utf8.RuneLen(r) {
			offsets = append(offsets, at)
		}
		out = utf8.AppendRune(out, r)
	}
	for i := 0; i < len(raw); {
		if raw[i] != '\\' || i+1 >= len(raw) {
			out, offsets = append(out, raw[i]), append(offsets, i)
			i++
			continue
		}
		size := 2
		if raw[i+1] == 'u' {
			size = 6
			// A character beyond U+FFFF is two escapes, a surrogate pair, which decode only
			// together.
			if i+12 <= len(raw) && raw[i+6] == '\\' && (raw[i+2] == 'd' || raw[i+2] == 'D') {
				size = 12
			}
		}
		size = min(size, len(raw)-i)
		var one string
		if err := json.Unmarshal([]byte(`"`+raw[i:i+size]+`"`), &one); err != nil {
			one = raw[i : i+size]
		}
		for _, r := range one {
			add(i, r)
		}
		i += size
	}
	return string(out), append(offsets, len(raw))
}
