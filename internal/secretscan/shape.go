package secretscan

import (
	"regexp"
	"strings"
)

// Some credentials have no prefix. AWS secret access keys are 40 characters of base64, the same
// length as a Git commit or a SHA-1 in hexadecimal; Azure keys are 64 bytes in base64, as is a
// SHA-512. The alphabet and the distribution of characters tell them apart: a hash in hexadecimal
// has no capital letters, and identifiers are made of words.

// findShapes finds keys that have no prefix, only a length and an alphabet.
func findShapes(text string) []Span {
	var found []Span
	for start := 0; start < len(text); {
		if !isBase64(text[start]) {
			start++
			continue
		}
		end := start
		for end < len(text) && isBase64(text[end]) {
			end++
		}
		switch run := text[start:end]; {
		case len(run) == 40 && alone(text, start, end) && looksLikeAWSSecret(run):
			found = append(found, Span{start, end, "an AWS secret key"})
		case len(run) == 86 && strings.HasPrefix(text[end:], "==") && !isHash(text[:start]) && looksRandom(run):
			found = append(found, Span{start, end + 2, "an Azure key"})
		}
		start = end
	}
	if len(text) >= 55 {
		for _, at := range discordToken.FindAllStringIndex(text, -1) {
			found = append(found, Span{at[0], at[1], "a Discord token"})
		}
	}
	return found
}

var discordToken = regexp.MustCompile(`\b[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}`)

func isBase64(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/'
}

// alone reports whether a match is not part of a longer word.
func alone(text string, start, end int) bool {
	before := start > 0 && strings.IndexByte("_-%", text[start-1]) >= 0
	after := end < len(text) && strings.IndexByte("_-=", text[end]) >= 0
	return !before && !after
}

// isHash reports whether the text before a base64 text marks it as a checksum.
func isHash(before string) bool {
	return strings.HasSuffix(before, "sha512-") || strings.HasSuffix(before, "sha512:") ||
		strings.HasSuffix(before, "SHA512:")
}

// looksLikeAWSSecret requires all three kinds of characters. A random key of 40 lacks one of them
// in about one case of a thousand.
func looksLikeAWSSecret(run string) bool {
	c := classes(run)
	return c.lower > 0 && c.upper > 0 && c.digits > 0 && !c.wordy(len(run))
}

// looksRandom reports whether a token looks random rather than composed of words and numbers.
func looksRandom(token string) bool {
	c := classes(token)
	mixed := c.digits > 0 && c.lower+c.upper > 0 || c.lower > 0 && c.upper > 0
	return mixed && !c.wordy(len(token)) && c.changes*4 >= len(token)
}

type class struct {
	lower, upper, digits int
	inWords              int // letters of runs of lower case that are long enough for a word
	digitRuns            int
	changes              int // between kinds of characters
}

// classes counts characters by kind in one pass.
func classes(token string) class {
	var c class
	run, before := 0, byte(0)
	endRun := func() {
		if run >= 3 {
			c.inWords += run
		}
		run = 0
	}
	for i := range len(token) {
		kind := byte('o')
		switch b := token[i]; {
		case b >= 'a' && b <= 'z':
			kind, c.lower, run = 'l', c.lower+1, run+1
		case b >= 'A' && b <= 'Z':
			kind, c.upper = 'u', c.upper+1
		case b >= '0' && b <= '9':
			kind, c.digits = 'd', c.digits+1
		}
		if kind != 'l' {
			endRun()
		}
		if kind != before {
			c.changes++
			if kind == 'd' {
				c.digitRuns++
			}
		}
		before = kind
	}
	endRun()
	return c
}

// wordy reports whether a token of n characters is composed of words: a random one has shorter
// runs of lower-case letters, and its digits are spread.
func (c class) wordy(n int) bool { return c.inWords*100 >= n*45 && c.digitRuns <= max(1, n/12) }

// isWords reports whether a token is a name such as glpat-is-a-name-of-ours: several words and
// small numbers.
func isWords(token string) bool {
	parts := strings.FieldsFunc(token, func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	for _, part := range parts {
		c := classes(part)
		if c.lower != len(part) && c.digits != len(part) || len(part) > 16 || c.digits > 4 {
			return false
		}
	}
	return len(parts) >= 3
}
