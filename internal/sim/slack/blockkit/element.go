package blockkit

import (
	"encoding/json"
	"unicode/utf8"
)

const (
	maxButtonText  = 75
	maxButtonValue = 2000
	maxInputText   = 3000
	maxPicks       = 10 // options of radio buttons
)

// elements maps a type to its schema.
var elements = map[string]check{
	"button": object(
		required("text", plainText(maxButtonText)), optional("action_id", actionID),
		optional("url", webLink), optional("value", str(0, maxButtonValue)),
		optional("style", enum("primary", "danger")), optional("confirm", confirmDialog),
		optional("accessibility_label", str(1, 75)), optional("agent_prompt", str(1, 3000)),
		optional("agent_prompt_display", str(1, 150)), visibleTo),
	"overflow": object(optional("action_id", actionID), required("options", list(2, 5, optionObject(plainText))),
		optional("confirm", confirmDialog)),

	"radio_buttons": all(object(optional("action_id", actionID),
		required("options", list(1, maxPicks, optionObject(either))),
		optional("initial_option", optionObject(either)),
		optional("confirm", confirmDialog), focus), initialsAreOptions),

	"static_select": all(menu(optional("options", list(1, MaxOptions, optionObject(plainText))),
		optional("option_groups", list(1, MaxOptions, optionGroup)),
		optional("initial_option", optionObject(plainText))),
		oneSource("options", "option_groups"), initialsAreOptions),
	"external_select": menu(optional("initial_option", optionObject(plainText)), minQuery),

	"multi_static_select": all(menu(optional("options", list(1, MaxOptions, optionObject(plainText))),
		optional("option_groups", list(1, MaxOptions, optionGroup)),
		optional("initial_options", list(1, MaxOptions, optionObject(plainText))), maxSelected),
		oneSource("options", "option_groups"), initialsAreOptions),

	"plain_text_input": all(typed(optional("multiline", boolean),
		optional("min_length", numberBetween(0, maxInputText)), optional("max_length", numberBetween(1, maxInputText))),
		initialMatches),
	"number_input": typed(required("is_decimal_allowed", boolean),
		optional("min_value", str(1, maxID)), optional("max_value", str(1, maxID))),
}

var (
	focus       = optional("focus_on_load", focusOnLoad)
	minQuery    = optional("min_query_length", numberBetween(0, maxInputText))
	maxSelected = optional("max_selected_items", numberBetween(1, MaxOptions))
	visibleTo   = optional("visible_to_user_ids", list(1, 100, str(1, maxID)))

	dispatchConfig = object(required("trigger_actions_on",
		list(1, 2, enum("on_enter_pressed", "on_character_entered"))))
)

// menu contains the common fields of menus and pickers.
func menu(fields ...field) check {
	return object(append(fields, optional("action_id", actionID), optional("placeholder", placeholder),
		optional("confirm", confirmDialog), focus)...)
}

// typed contains the common fields of text inputs.
func typed(fields ...field) check {
	return object(append(fields, optional("action_id", actionID), optional("placeholder", placeholder),
		optional("initial_value", str(0, maxInputText)), optional("dispatch_action_config", dispatchConfig), focus)...)
}

func focusOnLoad(c *checker, at string, v any) {
	boolean(c, at, v)
	if v == true {
		c.focused++
	}
}

// initialMatches requires the initial text to have an allowed length.
func initialMatches(c *checker, at string, v any) {
	m, _ := v.(map[string]any)
	initial, _ := m["initial_value"].(string)
	n := int64(utf8.RuneCountInString(initial))
	if longest, ok := m["max_length"].(json.Number); ok {
		if most, err := longest.Int64(); err == nil && n > most {
			c.problem(at+"/initial_value", "must be less than %d characters", most+1)
		}
	}
	shortest, _ := m["min_length"].(json.Number)
	longest, _ := m["max_length"].(json.Number)
	least, err1 := shortest.Int64()
	most, err2 := longest.Int64()
	if err1 == nil && err2 == nil && least > most {
		c.problem(at+"/min_length", "must not be greater than max_length")
	}
}

// Where each element is allowed.
var (
	anyMenu   = []string{"static_select", "external_select", "multi_static_select", "radio_buttons"}
	inSection = append([]string{"button", "overflow"}, anyMenu...)
	inActions = inSection
	inInput   = append([]string{"plain_text_input", "number_input"}, anyMenu...)
)

// elementOf checks that an element has one of the allowed types, and that its action_id is unique in
// its block.
func elementOf(allowed []string) check {
	ok := map[string]bool{}
	for _, kind := range allowed {
		ok[kind] = true
	}
	return func(c *checker, at string, v any) {
		m, isObject := v.(map[string]any)
		if !isObject {
			c.problem(at, "must provide an object")
			return
		}
		kind, _ := m["type"].(string)
		if !ok[kind] {
			c.problem(at+"/type", "unsupported type: %s", kind)
			return
		}
		elements[kind](c, at, v)
		c.uniqueAction(at, m)
	}
}

func (c *checker) uniqueAction(at string, m map[string]any) {
	id, _ := m["action_id"].(string)
	if id == "" {
		return
	}
	if c.actionIDs[id] {
		c.problem(at+"/action_id", "action_id %q already exists for another element of this block", id)
	}
	c.actionIDs[id] = true
}
