package terraform

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// rank orders what people read first: what goes, then what changes, then what comes.
var rank = map[string]int{"delete": 0, "replace": 1, "update": 2, "create": 3, "import": 4, "move": 5, "read": 6}

var verb = map[string]string{
	"delete": "destroy", "replace": "replace", "update": "update", "create": "create", "import": "import", "move": "move", "read": "read",
}

// maxLine bounds a line of a list, in runes.
const maxLine = 200

// Lines tells the plan in plain lines, what is destroyed or replaced first. At most limit lines are given, of which the last then
// says how many more there are; what it leaves out is never worse than what it shows.
func (s *Summary) Lines(limit int) []string {
	ordered := slices.Clone(s.Changes)
	slices.SortStableFunc(ordered, func(a, b Change) int { return cmp.Compare(rank[a.Kind()], rank[b.Kind()]) })
	limit = max(limit, 1)
	var lines []string
	for i, c := range ordered {
		if len(lines) == limit-1 && len(ordered) > limit {
			return append(lines, fmt.Sprintf("and %d more", len(ordered)-i))
		}
		lines = append(lines, c.line())
	}
	return lines
}

// Text is Headline, Lines and how the providers are configured as one text.
func (s *Summary) Text(limit int) string {
	lines := s.Lines(limit)
	for _, p := range s.Providers {
		lines = append(lines, p.Line())
	}
	if len(lines) == 0 {
		return s.Headline()
	}
	return s.Headline() + "\n- " + strings.Join(lines, "\n- ")
}

// Headline counts in words, what is destroyed or replaced first.
func (s *Summary) Headline() string {
	n, reads := s.Counts(), s.reads()
	var parts []string
	for _, one := range []struct {
		count int
		word  string
	}{{n.Destroy, "to destroy"}, {n.Replace, "to replace"}, {n.Change, "to change"}, {n.Add, "to add"},
		{len(s.Changes) - n.Destroy - n.Replace - n.Change - n.Add - reads, "to move or import"}, {reads, "to read"}} {
		if one.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", one.count, one.word))
		}
	}
	if len(parts) == 0 {
		return "No changes."
	}
	return strings.Join(parts, ", ") + "."
}

func (s *Summary) reads() (n int) {
	for _, c := range s.Changes {
		if c.Kind() == "read" {
			n++
		}
	}
	return n
}

func (c Change) line() string {
	line := verb[c.Kind()] + " " + c.ShortAddress()
	if c.Deposed != "" {
		line += " (left over from an earlier replacement)"
	}
	switch c.Kind() {
	case "delete":
		if name := c.realName(); name != "" {
			line += " (" + name + ")"
		}
	case "replace":
		if names := pathNames(c.ReplacePaths); len(names) > 0 {
			line += ", because of " + strings.Join(names, ", ")
		}
	case "update":
		line += ": " + strings.Join(c.differing(), ", ")
	case "move":
		line += " from " + shortAddress(c.PreviousAddress)
	case "import":
		line += " " + c.Importing
	}
	if c.Configuration != "" {
		line += ", by provider " + c.Configuration
	}
	for _, warning := range c.Warnings {
		line += "; " + warning
	}
	if len(c.Commands) > 0 {
		line += "; " + strings.Join(c.CommandLines(), "; ")
	}
	return plain(line)
}

// ShortAddress is the address inside the request's module.
func (c Change) ShortAddress() string { return shortAddress(c.Address) }

func shortAddress(address string) string {
	if rest, ok := strings.CutPrefix(address, "module.tfpilot_"); ok {
		if _, inside, ok := strings.Cut(rest, "."); ok {
			return inside
		}
	}
	return address
}

func (c Change) realName() string {
	for _, key := range []string{"name", "id", "arn"} {
		if text, ok := c.Before[key].(string); ok && text != "" {
			return text
		}
	}
	return ""
}

// differing names the attributes of an update.
func (c Change) differing() []string {
	names := map[string]bool{}
	for name := range c.Before {
		names[name] = true
	}
	for name := range c.After {
		names[name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

func pathNames(paths []any) []string {
	names := map[string]bool{}
	for _, one := range paths {
		if steps, ok := one.([]any); ok && len(steps) > 0 {
			if name, ok := steps[0].(string); ok {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// plain keeps a line on one line and within its bound.
func plain(line string) string {
	line = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, line)
	if runes := []rune(line); len(runes) > maxLine {
		return string(runes[:maxLine-1]) + "…"
	}
	return line
}
