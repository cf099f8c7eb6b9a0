package secretscan

import (
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Only a base64 string with a length between these bounds is decoded.
const (
	// A shorter run is usually a word or an id. The upper bound limits the memory, since each
	// level of nesting decodes again.
	minRun = 24
	maxRun = 256 << 10
)

// findInBase64 finds credentials inside base64: user data, Kubernetes secrets, headers. It hides
// the whole string, because a part of it would be of no use.
func (s *Scanner) findInBase64(text string, depth int) []Span {
	var found []Span
	for start := 0; start < len(text); {
		end := start
		for end < len(text) && (isBase64(text[end]) || text[end] == '-' || text[end] == '_') {
			end++
		}
		if end-start >= minRun && end-start <= maxRun && s.holdsInside(text[start:end], depth) {
			found = append(found, Span{start, skip(text, end, "="), "a credential in base64"})
		}
		start = max(end, start+1)
	}
	return found
}

func (s *Scanner) holdsInside(run string, depth int) bool {
	decoded, ok := decode(run)
	return ok && readable(decoded) && len(s.find(decoded, depth)) > 0
}

// decode ignores the padding, which the run does not include. Both alphabets occur: the standard
// one in files, and the one for URLs in tokens.
func decode(run string) (string, bool) {
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(run, "-_") {
		encoding = base64.RawURLEncoding
	}
	decoded, err := encoding.DecodeString(run)
	return string(decoded), err == nil
}

// readable reports whether bytes are text, and not the result of decoding a random word or an
// image.
func readable(text string) bool {
	if !utf8.ValidString(text) {
		return false
	}
	for _, r := range text {
		if unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' {
			return false
		}
	}
	return true
}
