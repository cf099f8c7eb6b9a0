package secretscan

import (
	"regexp"
	"strings"
)

// Private keys with any label, encrypted or not. A key without its last line, or without its
// first one, is hidden as far as the lines look like a key. Line breaks may be escaped any
// number of times.
var (
	keyBegin = regexp.MustCompile(`-----BEGIN [A-Z0-9 ]{0,40}PRIV[A-Z ]{0,30}`)
	keyEnd   = regexp.MustCompile(`-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-{0,5}`)

	// keyLine matches a line of a key, including the prefix that a diff or a log adds.
	keyLine = regexp.MustCompile(`^[ \t+~|│>-]*(?:[A-Za-z0-9+/=]+|(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset` +
		`|MessageID): [^\\"]*)?[ \t\r]*$`)
	keyPart = regexp.MustCompile(`^[ \t+~|│>-]*[A-Za-z0-9+/=]+`)
	newline = regexp.MustCompile(`\r?\n|\\+r\\+n|\\+n`)
)

const (
	whatKey = "a private key"
	maxKey  = 32 << 10
)

// findPrivateKeys pairs each first line with the next last line, unless another key begins before
// it or it is too far away. Public keys and certificates have other labels and are not matched.
func findPrivateKeys(text string) []Span {
	if !strings.Contains(text, "-----") {
		return nil
	}
	var found []Span
	begins, ends := keyBegin.FindAllStringIndex(text, -1), keyEnd.FindAllStringIndex(text, -1)
	floor := 0 // where the key before ended
	lonelyEnd := func() {
		found = append(found, Span{linesBefore(text, floor, ends[0][0]), ends[0][1], whatKey})
		floor, ends = ends[0][1], ends[1:]
	}
	for i, begin := range begins {
		for len(ends) > 0 && ends[0][0] < begin[0] {
			lonelyEnd()
		}
		limit := len(text)
		if i+1 < len(begins) {
			limit = begins[i+1][0]
		}
		if len(ends) > 0 && ends[0][0] < limit && ends[0][0]-begin[0] < maxKey {
			floor, ends = ends[0][1], ends[1:]
		} else {
			floor = linesAfter(text[:limit], begin[1])
		}
		found = append(found, Span{begin[0], floor, whatKey})
	}
	for len(ends) > 0 {
		lonelyEnd()
	}
	return found
}

// linesAfter returns the end of a key without a last line, which begins before at.
func linesAfter(text string, at int) int {
	at = skip(text, at, "-ABCDEFGHIJKLMNOPQRSTUVWXYZ ")
	limit := min(len(text), at+maxKey)
	for at < limit {
		end, next := limit, limit
		if brk := newline.FindStringIndex(text[at:limit]); brk != nil {
			end, next = at+brk[0], at+brk[1]
		}
		if !keyLine.MatchString(text[at:end]) {
			return at + len(keyPart.FindString(text[at:end]))
		}
		at = next
	}
	return at
}

// linesBefore returns the start of a key without a first line, which ends at at.
func linesBefore(text string, floor, at int) int {
	least := max(floor, at-maxKey)
	start := at
	breaks := newline.FindAllStringIndex(text[least:at], -1)
	for i := len(breaks) - 1; i >= 0; i-- {
		from := least
		if i > 0 {
			from = least + breaks[i-1][1]
		}
		line := text[from : least+breaks[i][0]]
		if !keyLine.MatchString(line) {
			tail := len(line)
			for tail > 0 && isBase64(line[tail-1]) {
				tail--
			}
			return from + tail
		}
		start = from
	}
	return start
}
