// Package invisible owns the characters that a reader cannot see: control characters, marks that
// reorder a line, zero-width and blank characters. Check refuses them in typed text, and Show
// escapes them in displayed text. It does not own length limits or markup.
package invisible

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Shape is whether an input has one line or several.
type Shape bool

const (
	Line  Shape = false
	Lines Shape = true // newline and tab are allowed
)

// Check returns an error for typed text with invisible characters. The error continues a
// sentence that begins with the name of the field.
func Check(typed string, shape Shape) error {
	if !utf8.ValidString(typed) {
		return fmt.Errorf("is not valid UTF-8; type it again")
	}
	if shape == Lines {
		typed = strings.ReplaceAll(typed, "\r\n", "\n")
	}
	var fault error
	each(typed, func(r rune, hidden bool) {
		switch {
		case fault != nil || !hidden && r != '\n' && r != '\t':
		case (r == '\n' || r == '\t') && shape == Lines:
		case r == '\n' || r == '\r':
			fault = fmt.Errorf("must be on one line")
		default:
			fault = fmt.Errorf("contains the invisible character U+%04X; delete it and type the text again", r)
		}
	})
	return fault
}

// Show replaces every hidden character with its escape, such as \u202e. It keeps newlines and tabs.
func Show(shown string) string {
	if plain(shown) {
		return shown
	}
	shown = strings.ReplaceAll(strings.ToValidUTF8(shown, "\uFFFD"), "\r\n", "\n")
	var out strings.Builder
	each(shown, func(r rune, hidden bool) {
		if hidden {
			out.WriteString(escaped(r))
		} else {
			out.WriteRune(r)
		}
	})
	return out.String()
}

// ShowLine is Show for one line: newlines and tabs are written out as well, as \n and \t, and so
// is everything else that does not print, such as spaces of another width.
func ShowLine(shown string) string {
	if plain(shown) && !strings.ContainsAny(shown, "\n\t") {
		return shown
	}
	var out strings.Builder
	each(strings.ToValidUTF8(shown, "\uFFFD"), func(r rune, hidden bool) {
		switch {
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\t':
			out.WriteString(`\t`)
		case hidden || !unicode.IsPrint(r) && !unicode.Is(unicode.Cf, r): // a joiner that is not hidden is part of a word
			out.WriteString(escaped(r))
		default:
			out.WriteRune(r)
		}
	})
	return out.String()
}

// escaped returns a rune as a JSON escape, so that a JSON document stays valid.
func escaped(r rune) string {
	if r > 0xFFFF {
		high, low := utf16.EncodeRune(r)
		return fmt.Sprintf(`\u%04x\u%04x`, high, low)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// plain reports whether a text is printable ASCII, as most are.
func plain(shown string) bool {
	for i := range len(shown) {
		if c := shown[i]; c != '\n' && c != '\t' && (c < ' ' || c > '~') {
			return false
		}
	}
	return true
}

// each calls do with every rune and whether a reader cannot see it in this position.
func each(s string, do func(r rune, hidden bool)) {
	runes := []rune(s)
	at := func(i int) rune {
		if i >= len(runes) {
			return 0
		}
		return runes[i]
	}
	before := rune(0)
	for i, r := range runes {
		is := isHidden(before, r, at(i+1))
		do(r, is)
		if before = r; is {
			before = 0 // it is escaped, so it joins nothing
		}
	}
}

const (
	nonJoiner    = '\u200c'
	joiner       = '\u200d'
	emojiVariant = '\ufe0f'
	textVariant  = '\ufe0e'
)

// isHidden reports whether r is invisible between its neighbors. Joiners are a normal part of
// emoji, and of words in some scripts. Elsewhere they only make two texts that look equal differ.
func isHidden(before, r, after rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r == joiner && (symbol(before) || before == emojiVariant) && symbol(after):
		return false
	case (r == joiner || r == nonJoiner) && joined(before) && joined(after):
		return false
	case r == emojiVariant || r == textVariant:
		return !symbol(before) && !strings.ContainsRune("0123456789#*", before)
	}
	return drawsNothing(r)
}

// drawsNothing reports whether r is invisible on its own.
func drawsNothing(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Variation_Selector, blank)
}

func symbol(r rune) bool {
	return (unicode.In(r, unicode.So, unicode.Sk) || r == '\u2194' || r == '\u2195' || r == '\u27a1') && !drawsNothing(r)
}

// joined reports whether r belongs to a script whose letters are joined or kept apart by the joiners.
func joined(r rune) bool {
	return !drawsNothing(r) && unicode.In(r, unicode.Arabic, unicode.Syriac, unicode.Mongolian, unicode.Devanagari,
		unicode.Bengali, unicode.Gurmukhi,
		unicode.Gujarati, unicode.Oriya, unicode.Tamil, unicode.Telugu, unicode.Kannada, unicode.Malayalam, unicode.Sinhala,
		unicode.Khmer, unicode.Myanmar)
}

// blank is the table of letters and marks that draw nothing.
var blank = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x034f, Hi: 0x034f, Stride: 1}, {Lo: 0x115f, Hi: 0x1160, Stride: 1}, {Lo: 0x17b4, Hi: 0x17b5, Stride: 1},
		{Lo: 0x2800, Hi: 0x2800, Stride: 1}, {Lo: 0x3164, Hi: 0x3164, Stride: 1}, {Lo: 0xffa0, Hi: 0xffa0, Stride: 1},
	},
}
