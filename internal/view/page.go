package view

import (
	"strings"
	"unicode/utf8"
)

// Chunks joins lines to texts of at most limit runes. A line that is longer is continued in the
// next text: nothing is cut.
func Chunks(lines []string, limit int) []string {
	var chunks []string
	var now strings.Builder
	size := 0
	flush := func() {
		if text := strings.Trim(now.String(), "\n"); text != "" {
			chunks = append(chunks, text)
		}
		now.Reset()
		size = 0
	}
	for _, line := range lines {
		n := utf8.RuneCountInString(line) + 1
		if size > 0 && size+n > limit {
			flush()
		}
		for n > limit {
			head, rest := splitRunes(line, limit)
			now.WriteString(head)
			flush()
			line, n = rest, utf8.RuneCountInString(rest)+1
		}
		now.WriteString(line + "\n")
		size += n
	}
	flush()
	return chunks
}

func splitRunes(text string, n int) (head, rest string) {
	for i := range text {
		if n == 0 {
			return text[:i], text[i:]
		}
		n--
	}
	return text, ""
}

// Strings draws lines as plain text.
func Strings(lines []Line) []string { return draw(lines, Line.String) }

// Diffs draws lines for a reader that colors them by their first character.
func Diffs(lines []Line) []string { return draw(lines, Line.Diff) }

func draw(lines []Line, one func(Line) string) []string {
	all := make([]string, len(lines))
	for i, l := range lines {
		all[i] = one(l)
	}
	return all
}
