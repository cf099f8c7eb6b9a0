package intake

import (
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/catalog"
)

// ByKeyword returns a draft from words without a model: the module whose name or title the words mention, and
// the environment that they name. It fills in nothing else.
func (t Turn) ByKeyword() Draft {
	d := Draft{Words: cutRunes(strings.TrimSpace(t.Words), maxDraftText)}
	d.Module = t.moduleByKeyword()
	named := t.environment(d, item{}, t.Words)
	if d.Module != "" && named.Environment == "" && named.Note == "" && t.Here != nil {
		named = t.all().InWords(*t.Here, Named{Project: t.Here.Project, Environment: pathOf(*t.Here)}, t.Words)
	}
	d.Project, d.Environment = named.Project, named.Environment
	if named.Note != "" {
		d.Unclear = []Unclear{{Field: FieldEnvironment, Text: named.Note}}
	}
	return d
}

// moduleByKeyword returns the one module that most of the words point to, "" without a clear one. What comes
// before "for" is what the person needs, and counts twice.
func (t Turn) moduleByKeyword() string {
	words := split(t.Words)
	if i := slices.Index(words, "for"); i > 0 {
		words = append(words[:i:i], words...)
	}
	best, most, tie := "", 0, false
	for _, m := range t.Modules {
		n := 0
		for _, k := range keywords(m) {
			for _, w := range words {
				if w == k || w == k+"s" {
					n++
				}
			}
		}
		switch {
		case n > most:
			best, most, tie = m.Name, n, false
		case n == most && n > 0:
			tie = true
		}
	}
	if tie {
		return ""
	}
	return best
}

// generic words are in the titles of many modules and point to none.
var generic = strings.Fields("aws a an the and for of group instance service resource")

func keywords(m *catalog.Module) []string {
	var out []string
	for _, w := range append(split(strings.ReplaceAll(m.Name, "-", " ")), split(m.Title)...) {
		if w != "" && !slices.Contains(generic, w) && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}
