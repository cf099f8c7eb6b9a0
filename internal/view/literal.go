package view

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/tfpilot/tfpilot/internal/terraform"
)

// literal writes a plain value on one line. Characters that people cannot see are escapes.
func literal(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case unknownValue:
		return knownAfter
	case string:
		if terraform.IsHidden(v) {
			return terraform.Hidden
		}
		return quote(v)
	case json.Number:
		return visible(v.String())
	case bool:
		return strconv.FormatBool(v)
	}
	data, err := json.Marshal(value)
	if err != nil {
		return "?" // values of a summary always encode
	}
	return visible(string(data))
}

// quote escapes control characters and quotes as Go does, which is close to HCL.
func quote(text string) string { return strconv.Quote(strings.ToValidUTF8(text, "\uFFFD")) }

// plainName is a name that needs no quotes.
var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// key writes the name of an attribute or of a member of a map.
func key(name string) string {
	if plainName.MatchString(name) {
		return name
	}
	return quote(name)
}

// parseJSON reads a text that holds one JSON object or list, with exact numbers. A document that
// names a key twice stays text: readers disagree about which of the two counts.
func parseJSON(text string) (any, bool) {
	trimmed := strings.TrimSpace(text)
	if !strings.HasPrefix(trimmed, "{") && !strings.HasPrefix(trimmed, "[") {
		return nil, false
	}
	decoder := json.NewDecoder(strings.NewReader(trimmed))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil || isEmpty(value) {
		return nil, false
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, false
	}
	return value, !namesTwice([]byte(trimmed))
}

// namesTwice reports whether an object of a valid document has two members of one name.
func namesTwice(document []byte) bool {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	type level struct {
		seen  map[string]bool // nil in a list
		isKey bool
	}
	var open []*level
	for {
		token, err := decoder.Token()
		if err != nil {
			return false
		}
		var top *level
		if len(open) > 0 {
			top = open[len(open)-1]
		}
		delim, isDelim := token.(json.Delim)
		if isDelim && (delim == '}' || delim == ']') {
			open = open[:len(open)-1]
			continue
		}
		if top != nil && top.seen != nil {
			top.isKey = !top.isKey
			if name, isText := token.(string); isText && top.isKey {
				if top.seen[name] {
					return true
				}
				top.seen[name] = true
			}
		}
		switch {
		case isDelim && delim == '{':
			open = append(open, &level{seen: map[string]bool{}})
		case isDelim:
			open = append(open, &level{})
		}
	}
}
