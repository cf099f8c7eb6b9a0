package view

import (
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tfpilot/tfpilot/internal/terraform"
)

// writer collects the lines of one change.
type writer struct {
	lines   []Line
	unknown map[string]bool // paths that are unknown; true once they have a place
	paths   []string        // the same, sorted
	code    bool            // the values are of configuration, where some are expressions
}

func (w *writer) add(depth int, sign Sign, text string) {
	w.lines = append(w.lines, Line{Sign: sign, Depth: depth, Text: terraform.WithoutFingerprints(text)})
}

// place is where a value appears: how deep, under which name, and whether it is part of a JSON document.
type place struct {
	depth int
	name  string // of an attribute or a key; "" in a list
	label string // instead of a name
	json  bool
	comma string // "," behind a member of a JSON document that another one follows
}

// prefix is what the first line says before the value.
func (p place) prefix() string {
	switch {
	case p.label != "":
		return p.label
	case p.name == "" && !p.json:
		return ""
	case p.json && p.name != "":
		return quote(strings.TrimPrefix(p.name, jsonKey)) + ": "
	case p.json:
		return ""
	}
	return key(p.name) + " = "
}

// jsonKey marks the key of a JSON document, which may be empty.
const jsonKey = "\x00"

// Values up to these lengths share a line.
const (
	shortList  = 72
	shortArrow = 120
)

// whole shows a value that comes, goes or stays as a whole.
func (w *writer) whole(p place, sign Sign, value any) {
	switch v := value.(type) {
	case string:
		w.text(p, sign, v)
	case map[string]any:
		if w.expression(p, sign, v) {
			return
		}
		if len(v) == 0 {
			w.add(p.depth, sign, p.prefix()+"{}"+p.comma)
			return
		}
		w.add(p.depth, sign, p.prefix()+"{")
		w.object(p.depth+1, sign, v, p.json, nil)
		w.add(p.depth, "", "}"+p.comma)
	case []any:
		w.wholeList(p, sign, v)
	default:
		w.add(p.depth, sign, p.prefix()+literal(v)+p.comma)
	}
}

// expression shows what the summary keeps of a value that is computed in the code: its text, and
// the locals and variables in it.
func (w *writer) expression(p place, sign Sign, table map[string]any) bool {
	text, isText := table["expression"].(string)
	values, _ := table["values"].(map[string]any)
	if !w.code || !isText || len(table) > 2 || len(table) == 2 && values == nil {
		return false
	}
	w.add(p.depth, sign, p.prefix()+"expression "+visible(text)+p.comma)
	for _, name := range names(values) {
		w.whole(place{depth: p.depth + 1, label: visible(name) + " = "}, sign, values[name])
	}
	return true
}

// text shows a string: JSON as JSON, several lines as several lines, everything else quoted.
func (w *writer) text(p place, sign Sign, text string) {
	if document, ok := parseJSON(text); ok {
		w.whole(place{depth: p.depth, label: p.prefix() + "JSON ", json: true, comma: p.comma}, sign, document)
		return
	}
	if !manyLines(text) || p.json {
		w.add(p.depth, sign, p.prefix()+literal(text)+p.comma)
		return
	}
	w.add(p.depth, sign, p.prefix()+"text, line by line:")
	for _, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		w.add(p.depth+1, sign, "| "+visible(l))
	}
}

// manyLines reports whether a text reads better line by line.
func manyLines(text string) bool {
	return strings.Contains(strings.TrimSuffix(text, "\n"), "\n") && utf8.ValidString(text)
}

func (w *writer) wholeList(p place, sign Sign, list []any) {
	if text, ok := shortListText(list, p.json); ok {
		w.add(p.depth, sign, p.prefix()+text+p.comma)
		return
	}
	if w.blocks(p, list) {
		for _, one := range list {
			w.whole(place{depth: p.depth, label: key(p.name) + " "}, sign, one)
		}
		return
	}
	w.add(p.depth, sign, p.prefix()+"[")
	for i, one := range list {
		w.whole(element(p, i < len(list)-1), sign, one)
	}
	w.add(p.depth, "", "]"+p.comma)
}

// element is the place of a list's element. Terraform writes a comma behind each, JSON none behind the last.
func element(p place, more bool) place {
	e := place{depth: p.depth + 1, json: p.json}
	if more || !p.json {
		e.comma = ","
	}
	return e
}

// blocks reports whether a list is shown as Terraform writes nested blocks: name { … } once per element.
func (w *writer) blocks(p place, list []any) bool {
	if p.json || p.name == "" || p.label != "" || len(list) == 0 {
		return false
	}
	for _, one := range list {
		table, isTable := one.(map[string]any)
		if _, isComputed := table["expression"]; !isTable || len(table) == 0 || w.code && isComputed {
			return false
		}
	}
	return true
}

// shortListText writes a list of plain values on one line, if it is short.
func shortListText(list []any, json bool) (string, bool) {
	parts := make([]string, len(list))
	for i, one := range list {
		if text, isText := one.(string); isText {
			if _, document := parseJSON(text); document || manyLines(text) && !json {
				return "", false
			}
		}
		switch one.(type) {
		case map[string]any, []any:
			return "", false
		}
		parts[i] = literal(one)
	}
	text := "[" + strings.Join(parts, ", ") + "]"
	return text, utf8.RuneCountInString(text) <= shortList
}

// foldUnknown lists the names of what is known only after apply, instead of one line for each.
func foldUnknown(name string, value any) bool {
	_, unknown := value.(unknownValue)
	return unknown && !terraform.DecidesAccess(name)
}

// object shows the members of an object that comes, goes or stays as a whole. In Terraform's
// language null is not set; empty members, and those that fold selects, are named in one line each.
func (w *writer) object(depth int, sign Sign, table map[string]any, json bool, fold func(string, any) bool) {
	var shown, empty, folded []string
	for _, name := range names(table) {
		switch value := table[name]; {
		case !json && value == nil:
		case !json && isEmpty(value):
			empty = append(empty, key(name))
		case fold != nil && fold(name, value):
			folded = append(folded, key(name))
		default:
			shown = append(shown, name)
		}
	}
	for i, name := range shown {
		w.whole(member(depth, name, json, i < len(shown)-1), sign, table[name])
	}
	if len(empty) > 0 {
		w.add(depth, "", "# empty: "+strings.Join(empty, ", "))
	}
	if len(folded) > 0 {
		w.add(depth, "", "# known after apply: "+strings.Join(folded, ", "))
	}
}

func member(depth int, name string, json, more bool) place {
	p := place{depth: depth, name: name, json: json}
	if json {
		p.name = jsonKey + name
		if more {
			p.comma = ","
		}
	}
	return p
}

func isEmpty(value any) bool {
	switch v := value.(type) {
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// changed shows what differs between two values. It shows nothing where they look the same.
func (w *writer) changed(p place, was, is any) {
	switch {
	case reflect.DeepEqual(was, is):
	case was == nil && !p.json:
		w.whole(p, Create, is)
	case is == nil && !p.json:
		w.gone(p, was)
	default:
		w.changedValue(p, was, is)
	}
}

// gone shows a value that is taken away.
func (w *writer) gone(p place, was any) {
	first := len(w.lines)
	w.whole(p, Destroy, was)
	if len(w.lines) == first+1 {
		w.lines[first].Text += " → null"
	}
}

func (w *writer) changedValue(p place, was, is any) {
	if p.depth > maxIndent { // comparing takes longer with each level
		w.whole(p, Destroy, was)
		w.whole(p, Create, is)
		return
	}
	switch is := is.(type) {
	case map[string]any:
		if was, ok := was.(map[string]any); ok {
			w.changedObject(p, was, is)
			return
		}
	case []any:
		if was, ok := was.([]any); ok {
			w.changedList(p, was, is)
			return
		}
	case string:
		if was, ok := was.(string); ok {
			w.changedText(p, was, is)
			return
		}
	}
	w.arrow(p, was, is)
}

// arrow shows before → after on one line where both are plain, else one after the other.
func (w *writer) arrow(p place, was, is any) {
	if isPlain(was) && isPlain(is) {
		text := p.prefix() + arrowText(literal(was), literal(is)) + p.comma
		if terraform.IsHidden(was) && terraform.IsHidden(is) {
			text = p.prefix() + terraform.HiddenChanged + p.comma
		}
		if utf8.RuneCountInString(text) <= shortArrow {
			w.add(p.depth, Update, text)
			return
		}
	}
	w.whole(p, Destroy, was)
	w.whole(p, Create, is)
}

// arrowText writes a change of two values that differ. One inside of what is hidden looks the same
// on both sides, and says so.
func arrowText(was, is string) string {
	if same := terraform.WithoutFingerprints(was); same == terraform.WithoutFingerprints(is) {
		return same + " (its sensitive parts change)"
	}
	return was + " → " + is
}

// isPlain reports whether a value has one line of its own.
func isPlain(value any) bool {
	switch v := value.(type) {
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	case string:
		_, document := parseJSON(v)
		return !document && !manyLines(v)
	}
	return true
}

func (w *writer) changedText(p place, was, is string) {
	before, wasJSON := parseJSON(was)
	after, isJSON := parseJSON(is)
	switch {
	case wasJSON && isJSON && reflect.DeepEqual(before, after):
		w.add(p.depth, Update, p.prefix()+"the same JSON, written differently:")
		w.add(p.depth+1, Destroy, strconv.Quote(was))
		w.add(p.depth+1, Create, strconv.Quote(is))
	case wasJSON && isJSON:
		w.changed(place{depth: p.depth, label: p.prefix() + "JSON ", json: true, comma: p.comma}, before, after)
	case manyLines(was) && manyLines(is) && !p.json:
		if strings.HasSuffix(was, "\n") && strings.HasSuffix(is, "\n") {
			was, is = was[:len(was)-1], is[:len(is)-1]
		}
		w.changedLines(p, strings.Split(was, "\n"), strings.Split(is, "\n"))
	default:
		w.arrow(p, was, is)
	}
}

// changedLines shows a text of several lines with what stays around what differs.
func (w *writer) changedLines(p place, was, is []string) {
	w.add(p.depth, Update, p.prefix()+"text, line by line:")
	for _, s := range align(was, is) {
		switch {
		case s.was >= 0 && s.is >= 0:
			w.add(p.depth+1, "", "| "+visible(was[s.was]))
		case s.was >= 0:
			w.add(p.depth+1, Destroy, "| "+visible(was[s.was]))
		default:
			w.add(p.depth+1, Create, "| "+visible(is[s.is]))
		}
	}
}
