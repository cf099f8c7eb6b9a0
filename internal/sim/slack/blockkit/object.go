package blockkit

import "reflect"

// Limits of composition objects, in characters unless named otherwise.
const (
	maxID          = 255
	maxURL         = 3000
	maxOptionText  = 75
	maxOptionValue = 75 // some of Slack's pages say 150
	maxPlaceholder = 150
	maxGroupLabel  = 75
)

var (
	actionID    = str(1, maxID)
	placeholder = plainText(maxPlaceholder)

	confirmDialog = object(
		required("title", plainText(100)),
		required("text", either(300)),
		required("confirm", plainText(30)),
		optional("deny", plainText(30)),
		optional("style", enum("primary", "danger")),
	)

	optionGroup = object(
		required("label", plainText(maxGroupLabel)),
		required("options", list(1, MaxOptions, optionObject(plainText))),
	)
)

// optionObject checks one choice; label decides which text types it may have.
func optionObject(label func(int) check) check {
	return object(
		required("text", label(maxOptionText)),
		required("value", str(1, maxOptionValue)),
		optional("description", label(maxOptionText)),
		optional("url", webLink),
	)
}

// oneSource requires exactly one of the properties.
func oneSource(names ...string) check {
	return func(c *checker, at string, v any) {
		m, _ := v.(map[string]any)
		n := 0
		for _, name := range names {
			if m[name] != nil {
				n++
			}
		}
		if n != 1 {
			c.problem(at, "must provide exactly one of %v", names)
		}
	}
}

// initialsAreOptions requires each initial option to be one of the options.
func initialsAreOptions(c *checker, at string, v any) {
	m, _ := v.(map[string]any)
	choices := choicesOf(m)
	if one := m["initial_option"]; one != nil && !offered(choices, one) {
		c.problem(at+"/initial_option", "must be one of the options")
	}
	many, _ := m["initial_options"].([]any)
	for i, one := range many {
		if !offered(choices, one) {
			c.problem(index(at+"/initial_options", i), "must be one of the options")
		}
	}
}

func choicesOf(element map[string]any) []any {
	choices, _ := element["options"].([]any)
	groups, _ := element["option_groups"].([]any)
	for _, g := range groups {
		group, _ := g.(map[string]any)
		of, _ := group["options"].([]any)
		choices = append(choices[:len(choices):len(choices)], of...)
	}
	return choices
}

func offered(choices []any, one any) bool {
	o, _ := one.(map[string]any)
	for _, choice := range choices {
		m, _ := choice.(map[string]any)
		if m["value"] == o["value"] && reflect.DeepEqual(textOf(m["text"]), textOf(o["text"])) {
			return true
		}
	}
	return false
}

// textOf leaves out defaults, which only one of two equal texts may contain.
func textOf(v any) [2]any {
	m, _ := v.(map[string]any)
	return [2]any{m["type"], m["text"]}
}
