package slack

import "slices"

// slot is one element of a message or view that a person can use.
type slot struct {
	blockID  string
	actionID string
	kind     string
	element  obj
	block    obj
	input    bool // inside an input block
}

// slots lists the elements of blocks in reading order.
func slots(blocks []any) []slot {
	var out []slot
	for _, b := range blocks {
		block, ok := b.(obj)
		if !ok {
			continue
		}
		add := func(v any, input bool) {
			if el, ok := v.(obj); ok {
				out = append(out, slot{
					blockID: textOf(block["block_id"]), actionID: textOf(el["action_id"]), kind: textOf(el["type"]),
					element: el, block: block, input: input,
				})
			}
		}
		switch block["type"] {
		case "section":
			add(block["accessory"], false)
		case "input":
			add(block["element"], true)
		case "actions":
			each(block["elements"], func(v any) { add(v, false) })
		}
	}
	return out
}

// nameBlocks adds missing ids to blocks and elements, as Slack does.
func (s *Server) nameBlocks(blocks []any) {
	for _, b := range blocks {
		block, ok := b.(obj)
		if !ok {
			continue
		}
		if textOf(block["block_id"]) == "" {
			block["block_id"] = s.hex(5)
		}
	}
	for _, sl := range slots(blocks) {
		if sl.actionID == "" {
			sl.element["action_id"] = s.hex(5)
		}
	}
}

// stateful reports whether an element has a value in the state; a button has none.
func (sl slot) stateful() bool {
	return !slices.Contains([]string{"button", "overflow", ""}, sl.kind)
}

// options lists the choices of a menu with static options.
func (sl slot) options() []any {
	var out []any
	each(sl.element["options"], func(v any) { out = append(out, v) })
	each(sl.element["option_groups"], func(g any) {
		each(fieldOf(g, "options"), func(v any) { out = append(out, v) })
	})
	return out
}

func (sl slot) external() bool {
	return sl.kind == "external_select"
}

// label is the name of the element for a person.
func (sl slot) label() string {
	if sl.input {
		return textOf(fieldOf(sl.block["label"], "text"))
	}
	return or(textOf(fieldOf(sl.element["text"], "text")), sl.actionID)
}

// visible reports whether the person sees the element.
func (sl slot) visible(user string) bool {
	only, ok := sl.element["visible_to_user_ids"].([]any)
	return !ok || slices.Contains(only, any(user))
}

func textOf(v any) string {
	s, _ := v.(string)
	return s
}

func fieldOf(v any, name string) any {
	m, _ := v.(obj)
	return m[name]
}

func each(v any, fn func(any)) {
	list, _ := v.([]any)
	for _, item := range list {
		fn(item)
	}
}
