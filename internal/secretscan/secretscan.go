// Package secretscan finds credentials in texts, and names that suggest one. Everything that
// TfPilot takes in (fields, reasons, words) and everything that it gives out (summaries, plans,
// errors, outputs) is checked by the same rules. It owns no wording of a plan and stores nothing.
//
// A scan looks for several kinds of credentials, always in the original text, and joins what it
// finds:
//
//   - formats that their makers publish: the rules of gitleaks (gitleaks.json) and a table of our own (format.go)
//   - shapes without a mark: private keys, cut ones too, addresses with a password, the secret key of AWS, keys of Azure
//   - what is assigned to a name that says credential (assign.go, name.go), in JSON also by its structure (json.go)
//   - the same inside base64
//   - known secrets in every form in which they are written elsewhere (known.go)
//
// Since each kind only adds to what is hidden, a secret that becomes known never reveals what was
// hidden without it.
package secretscan

import (
	"cmp"
	"slices"
	"strings"
)

// Span is a part of a text that contains a credential, as byte offsets.
type Span struct {
	Start, End int
	What       string // the kind of credential, such as "a GitHub token"
}

// Scanner finds credentials by their format, and known secrets. A nil Scanner knows no secret.
type Scanner struct {
	known *knownSecrets
}

// New returns a Scanner that also finds these secrets.
func New(secrets []string) *Scanner { return &Scanner{known: newKnown(secrets)} }

// Find returns the credentials in a text in order, without overlaps.
func (s *Scanner) Find(text string) []Span { return s.find(text, maxDepth) }

// maxDepth limits how many times a text can be nested in JSON strings or base64.
const maxDepth = 3

func (s *Scanner) find(text string, depth int) []Span {
	if len(text) < minSecret && (s == nil || s.known == nil) {
		return nil
	}
	var found []Span
	if s != nil && s.known != nil {
		found = s.known.find(text)
	}
	found = append(found, findFormats(text)...)
	found = append(found, findGitleaks(text)...)
	found = append(found, findPrivateKeys(text)...)
	found = append(found, findAddresses(text)...)
	found = append(found, findShapes(text)...)
	found = append(found, findAssigned(text)...)
	// Each level costs a scan of what it decodes, and a text can be nested on purpose.
	if depth > 0 {
		found = append(found, s.findInJSON(text, depth-1)...)
		found = append(found, s.findInBase64(text, depth-1)...)
	}
	return merge(found)
}

// minSecret is the length of the shortest text that can contain a credential: a=bcd.
const minSecret = 5

// merge sorts spans and joins those that overlap or touch.
func merge(spans []Span) []Span {
	if len(spans) < 2 {
		return spans
	}
	slices.SortStableFunc(spans, func(a, b Span) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.End, a.End))
	})
	joined := spans[:1]
	for _, one := range spans[1:] {
		last := &joined[len(joined)-1]
		if one.Start > last.End {
			joined = append(joined, one)
			continue
		}
		last.End = max(last.End, one.End)
	}
	return joined
}

// Replace returns the text with every credential replaced.
func (s *Scanner) Replace(text string, with func(secret string) string) string {
	spans := s.Find(text)
	if len(spans) == 0 {
		return text
	}
	var out strings.Builder
	end := 0
	for _, one := range spans {
		out.WriteString(text[end:one.Start])
		out.WriteString(with(text[one.Start:one.End]))
		end = one.End
	}
	out.WriteString(text[end:])
	return out.String()
}

// Mask returns the text with every credential replaced by with.
func (s *Scanner) Mask(text, with string) string {
	return s.Replace(text, func(string) string { return with })
}

// IsKnown reports whether the whole text is a known secret.
func (s *Scanner) IsKnown(text string) bool {
	return s != nil && s.known != nil && s.known.whole(text)
}
