package slack

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// shape describes how an element stores the value that a person entered.
type shape struct {
	key     string // in the state
	initial string // in the element
	many    bool
	option  bool // option objects instead of plain strings
}

var shapes = map[string]shape{
	"plain_text_input":    {key: "value", initial: "initial_value"},
	"number_input":        {key: "value", initial: "initial_value"},
	"static_select":       {key: "selected_option", initial: "initial_option", option: true},
	"external_select":     {key: "selected_option", initial: "initial_option", option: true},
	"radio_buttons":       {key: "selected_option", initial: "initial_option", option: true},
	"overflow":            {key: "selected_option", option: true},
	"multi_static_select": {key: "selected_options", initial: "initial_options", option: true, many: true},
}

// initial returns the value of an element before a person uses it.
func (sl slot) initial() obj {
	sh := shapes[sl.kind]
	v := sl.element[sh.initial]
	if v == nil && sh.many {
		v = []any{}
	}
	return obj{"type": sl.kind, sh.key: v}
}

// kept reports whether a value survives an update of the view: the type is the same, and the choice is
// still available.
func (sl slot) kept(old obj) bool {
	if old == nil || old["type"] != sl.kind {
		return false
	}
	if sh := shapes[sl.kind]; !sh.option || sl.external() {
		return true
	}
	for _, chosen := range chosenValues(old) {
		if pick(sl.options(), textOf(fieldOf(chosen, "value"))) == nil {
			return false
		}
	}
	return true
}

// chosenValues lists the option objects of a value.
func chosenValues(value obj) []any {
	if list, ok := value["selected_options"].([]any); ok {
		return list
	}
	if one := value["selected_option"]; one != nil {
		return []any{one}
	}
	return nil
}

// setValue returns the value of an element from what a person typed or chose; offers lists the
// available choices.
func (sl slot) setValue(raw any, offers []any) (obj, error) {
	sh, ok := shapes[sl.kind]
	if !ok {
		return nil, fmt.Errorf("%s accepts no value", sl.kind)
	}
	v, err := sl.convert(sh, raw, offers)
	if err != nil {
		return nil, err
	}
	return obj{"type": sl.kind, sh.key: v}, nil
}

func (sl slot) convert(sh shape, raw any, offers []any) (any, error) {
	switch {
	case sh.option && sh.many:
		return pickMany(raw, offers)
	case sh.option:
		return pickOne(raw, offers)
	}
	return oneString(raw)
}

// oneString parses a single text. Nothing is nil, as in Slack's state.
func oneString(raw any) (any, error) {
	switch v := raw.(type) {
	case nil:
		return nil, nil
	case string:
		if v == "" {
			return nil, nil
		}
		return v, nil
	case json.Number:
		return v.String(), nil
	case int, int64:
		return fmt.Sprint(v), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case bool:
		return strconv.FormatBool(v), nil
	}
	return nil, fmt.Errorf("want a text, got %T", raw)
}

func items(raw any) []any {
	switch v := raw.(type) {
	case nil:
		return nil
	case []any:
		return v
	case []string:
		out := make([]any, len(v))
		for i, w := range v {
			out[i] = w
		}
		return out
	}
	return []any{raw}
}

func pickOne(raw any, offers []any) (any, error) {
	w, err := oneString(raw)
	if err != nil || w == nil {
		return nil, err
	}
	if o := pick(offers, textOf(w)); o != nil {
		return o, nil
	}
	return nil, fmt.Errorf("no option %q", w)
}

// pickMany parses a list of choices.
func pickMany(raw any, offers []any) (any, error) {
	out := []any{}
	for _, item := range items(raw) {
		o, err := pickOne(item, offers)
		if err != nil {
			return nil, err
		}
		if o != nil {
			out = append(out, o)
		}
	}
	return out, nil
}

// pick finds an option by its value or else by its text.
func pick(offers []any, want string) any {
	for _, o := range offers {
		if textOf(fieldOf(o, "value")) == want {
			return o
		}
	}
	for _, o := range offers {
		if textOf(fieldOf(fieldOf(o, "text"), "text")) == want {
			return o
		}
	}
	return nil
}

func empty(value obj) bool {
	v := value[shapes[textOf(value["type"])].key]
	list, isList := v.([]any)
	return v == nil || (isList && len(list) == 0)
}

// fieldError returns the error that Slack's own window shows before it submits a value.
func (sl slot) fieldError(value obj) string {
	optional, _ := sl.block["optional"].(bool)
	switch {
	case empty(value) && sl.input && !optional:
		return "Please complete this required field."
	case empty(value):
		return ""
	}
	v := textOf(value["value"])
	switch sl.kind {
	case "plain_text_input":
		return sl.length(v)
	case "number_input":
		return sl.numeric(v)
	}
	return sl.count(value)
}

func (sl slot) length(v string) string {
	n := utf8.RuneCountInString(v)
	if least, ok := integer(sl.element["min_length"]); ok && n < least {
		return fmt.Sprintf("Must be at least %d characters.", least)
	}
	most, ok := integer(sl.element["max_length"])
	if !ok {
		most = 3000
	}
	if n > most {
		return fmt.Sprintf("Must be %d characters or fewer.", most)
	}
	return ""
}

func (sl slot) numeric(v string) string {
	decimals, _ := sl.element["is_decimal_allowed"].(bool)
	n, err := strconv.ParseFloat(v, 64)
	if err != nil || strings.ContainsAny(v, "eExXpPnNiI_") {
		return "Please enter a number."
	}
	if !decimals && strings.Contains(v, ".") {
		return "Please enter a whole number."
	}
	if least, err := strconv.ParseFloat(textOf(sl.element["min_value"]), 64); err == nil && n < least {
		return fmt.Sprintf("Must be at least %s.", sl.element["min_value"])
	}
	if most, err := strconv.ParseFloat(textOf(sl.element["max_value"]), 64); err == nil && n > most {
		return fmt.Sprintf("Must be at most %s.", sl.element["max_value"])
	}
	return ""
}

func (sl slot) count(value obj) string {
	most, ok := integer(sl.element["max_selected_items"])
	list, _ := value[shapes[sl.kind].key].([]any)
	if ok && len(list) > most {
		return fmt.Sprintf("Choose at most %d.", most)
	}
	return ""
}

func integer(v any) (int, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := strconv.Atoi(n.String())
	return i, err == nil
}

// dispatches reports whether an input element sends changes to the app at once.
func (sl slot) dispatches() bool {
	on, _ := sl.block["dispatch_action"].(bool)
	return !sl.input || on
}
