package blockkit

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// field is one property of an object.
type field struct {
	name     string
	required bool
	check    check
}

func required(name string, ch check) field { return field{name, true, ch} }
func optional(name string, ch check) field { return field{name, false, ch} }

// object allows exactly the given properties. A null counts as absent, because clients encode missing
// properties either way.
func object(fields ...field) check {
	return func(c *checker, at string, v any) {
		m, ok := v.(map[string]any)
		if !ok {
			c.problem(at, "must provide an object")
			return
		}
		known := map[string]bool{"type": true}
		for _, f := range fields {
			known[f.name] = true
			value, present := m[f.name]
			switch {
			case present && value != nil:
				f.check(c, at+"/"+f.name, value)
			case f.required:
				c.problem(at, "missing required field: %s", f.name)
			}
		}
		for _, name := range sorted(m) {
			if !known[name] {
				c.problem(at, "invalid additional property: %s", name)
			}
		}
	}
}

// open checks the given properties and allows others, for blocks whose schema Slack still changes.
func open(fields ...field) check {
	return func(c *checker, at string, v any) {
		m, ok := v.(map[string]any)
		if !ok {
			c.problem(at, "must provide an object")
			return
		}
		for _, f := range fields {
			value, present := m[f.name]
			switch {
			case present && value != nil:
				f.check(c, at+"/"+f.name, value)
			case f.required:
				c.problem(at, "missing required field: %s", f.name)
			}
		}
	}
}

// all applies several checks to one value.
func all(checks ...check) check {
	return func(c *checker, at string, v any) {
		for _, ch := range checks {
			ch(c, at, v)
		}
	}
}

func sorted(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// str requires a string of min to max characters.
func str(min, max int) check {
	return func(c *checker, at string, v any) {
		s, ok := v.(string)
		if !ok {
			c.problem(at, "must be a string")
			return
		}
		n := utf8.RuneCountInString(s)
		if n < min {
			c.problem(at, "must be more than %d characters", min-1)
		}
		if n > max {
			c.problem(at, "must be less than %d characters", max+1)
		}
	}
}

func list(min, max int, item check) check {
	return func(c *checker, at string, v any) {
		items, ok := v.([]any)
		if !ok {
			c.problem(at, "must be an array")
			return
		}
		if len(items) < min {
			c.problem(at, "no fewer than %d items allowed", min)
		}
		if len(items) > max {
			c.problem(at, "no more than %d items allowed", max)
		}
		for i, it := range items {
			item(c, index(at, i), it)
		}
	}
}

func boolean(c *checker, at string, v any) {
	if _, ok := v.(bool); !ok {
		c.problem(at, "must be a boolean")
	}
}

// numberBetween requires an integer from min to max.
func numberBetween(min, max int64) check {
	return func(c *checker, at string, v any) {
		n, ok := v.(json.Number)
		i, err := n.Int64()
		if !ok || err != nil {
			c.problem(at, "must be an integer")
			return
		}
		if i < min || i > max {
			c.problem(at, "must be between %d and %d", min, max)
		}
	}
}

func enum(values ...string) check {
	return func(c *checker, at string, v any) {
		s, _ := v.(string)
		if !slices.Contains(values, s) {
			c.problem(at, "must be a valid enum value: one of %s", strings.Join(values, ", "))
		}
	}
}

// anything accepts a value for which this package has no rule.
func anything(*checker, string, any) {}

// link requires an absolute URL with one of the schemes, so that a browser opens nothing else.
func link(max int, schemes ...string) check {
	return func(c *checker, at string, v any) {
		str(1, max)(c, at, v)
		s, _ := v.(string)
		u, err := url.Parse(s)
		if err != nil || !slices.Contains(schemes, u.Scheme) || (u.Host == "" && u.Scheme != "mailto") {
			c.problem(at, "must be a valid URL: scheme %s", strings.Join(schemes, " or "))
		}
	}
}

var webLink = link(maxURL, "http", "https")

// textObject requires a text object of one of the types.
func textObject(max int, kinds ...string) check {
	body := object(required("text", str(1, max)), optional("emoji", boolean), optional("verbatim", boolean))
	return func(c *checker, at string, v any) {
		m, ok := v.(map[string]any)
		if !ok {
			c.problem(at, "must provide an object")
			return
		}
		kind, _ := m["type"].(string)
		if !slices.Contains(kinds, kind) {
			c.problem(at+"/type", "unsupported type: %s: must be %s", kind, strings.Join(kinds, " or "))
			return
		}
		if kind == mrkdwnKind && m["emoji"] != nil {
			c.problem(at, "invalid additional property: emoji")
		}
		body(c, at, v)
	}
}

func plainText(max int) check { return textObject(max, plainKind) }
func either(max int) check    { return textObject(max, plainKind, mrkdwnKind) }

const (
	plainKind  = "plain_text"
	mrkdwnKind = "mrkdwn"
)
