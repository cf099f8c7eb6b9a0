package slack

import (
	"encoding/json"
	"slices"
	"unicode/utf8"

	"github.com/tfpilot/tfpilot/internal/sim/slack/blockkit"
)

// ActionInput is a person's use of one element of a message, a view or the Home tab.
type ActionInput struct {
	User     string         `json:"user"`
	Channel  string         `json:"channel"` // with TS
	TS       string         `json:"ts"`
	View     string         `json:"view"` // instead of Channel and TS
	ActionID string         `json:"actionId"`
	BlockID  string         `json:"blockId"`  // required if several blocks contain the action id
	Value    string         `json:"value"`    // of a button
	Selected any            `json:"selected"` // of a menu, picker or field
	Values   map[string]any `json:"values"`   // the other fields of the view, not submitted yet
	Query    string         `json:"query"`    // of Options
}

// surface is the message or view that contains an element.
type surface struct {
	user    *User
	view    *openView
	channel *channelLog
	message *message
	place   string // names the message or view
}

// find returns the message or view as the person sees it now.
func (s *Server) find(in ActionInput) (surface, error) {
	u, err := s.person(in.User)
	if err != nil {
		return surface{}, err
	}
	if in.View != "" {
		v, err := s.usableView(u, in.View)
		return surface{user: u, view: v, place: in.View}, err
	}
	if in.TS == "" {
		return surface{}, invalid(400, "missing_place", "ts with channel, or view, is required")
	}
	_, c, err := s.personIn(in.User, in.Channel)
	if err != nil {
		return surface{}, err
	}
	m := c.find(in.TS)
	if m == nil {
		m = c.ephemeral(in.TS, u.ID)
	}
	if m == nil {
		return surface{}, invalid(404, "unknown_message", "%s cannot see a message %s there", u.Name, in.TS)
	}
	return surface{user: u, channel: c, message: m, place: c.ID + " " + m.TS}, nil
}

func (p surface) blocks() []any {
	if p.view != nil {
		return p.view.blocks()
	}
	return p.message.Blocks
}

// slot finds the element: the action id must exist, and a button's value must match.
func (p surface) slot(in ActionInput) (slot, error) {
	if in.ActionID == "" {
		return slot{}, invalid(400, "missing_action", "actionId is required")
	}
	var found []slot
	seen := false
	for _, sl := range slots(p.blocks()) {
		if sl.actionID != in.ActionID || !sl.visible(p.user.ID) || (in.BlockID != "" && sl.blockID != in.BlockID) {
			continue
		}
		seen = true
		_, chosen := shapes[sl.kind]
		if in.Value == "" || textOf(sl.element["value"]) == in.Value || chosen {
			found = append(found, sl)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return slot{}, invalid(400, "ambiguous_action", "%d elements have the action %q; name the value or the block",
			len(found), in.ActionID)
	case seen:
		return slot{}, invalid(404, "unknown_value", "no element %q currently has the value %q", in.ActionID, in.Value)
	}
	return slot{}, invalid(404, "unknown_action", "there is currently no element %q", in.ActionID)
}

// Act performs a click on a button, a choice from a menu, or a change of a box.
func (s *Server) Act(in ActionInput) (Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.find(in)
	if err != nil {
		return Result{}, err
	}
	sl, err := p.slot(in)
	if err != nil {
		return Result{}, err
	}
	if !s.manifest.Settings.Interactivity.Enabled {
		return Result{}, invalid(400, "not_interactive", "the app does not accept interactions")
	}
	if p.view != nil {
		if err := s.fillIn(p.view, in.Values); err != nil {
			return Result{}, err
		}
	}
	action, err := s.action(p, sl, in)
	if err != nil {
		return Result{}, err
	}
	if !sl.dispatches() {
		s.touch()
		return Result{Outcome: Acked, Views: s.viewStates(p.user.ID)}, nil
	}
	_, outcome := s.ask(p.user.ID, "action", sl.label(), "interactive", s.blockActions(p, action), false)
	out := Result{Outcome: outcome, Views: s.viewStates(p.user.ID)}
	if outcome != Acked {
		out.Note = connectionError
		s.notice(p.user.ID, outcome, sl.label()+": "+connectionError)
		if p.view != nil {
			p.view.note = connectionError
		}
	}
	return out, nil
}

// action returns what the app receives about the element. In a view it also updates the state.
func (s *Server) action(p surface, sl slot, in ActionInput) (obj, error) {
	out := obj{"type": sl.kind, "action_id": sl.actionID, "block_id": sl.blockID, "action_ts": s.ts()}
	if _, ok := shapes[sl.kind]; !ok {
		for _, name := range []string{"text", "value", "style"} {
			if v := sl.element[name]; v != nil {
				out[name] = v
			}
		}
		return out, nil
	}
	raw := in.Selected
	if raw == nil && in.Value != "" {
		raw = in.Value
	}
	value, err := sl.setValue(raw, s.offers(p.place, p.user.ID, sl))
	if err != nil {
		return nil, invalid(400, "invalid_value", "%s: %v", sl.actionID, err)
	}
	if sh := shapes[sl.kind]; sh.option && !sh.many && !sl.input && empty(value) {
		return nil, invalid(400, "missing_selected", "%s: selected is required", sl.actionID)
	}
	if sl.stateful() {
		if why := sl.fieldError(value); why != "" && !empty(value) {
			return nil, invalid(400, "invalid_value", "%s: %s", sl.actionID, why)
		}
		if p.view != nil {
			p.view.set(sl, value)
			delete(p.view.errors, sl.blockID)
		}
	}
	for name, v := range value {
		out[name] = v
	}
	return out, nil
}

func (s *Server) blockActions(p surface, action obj) obj {
	payload := s.envelopeBase("block_actions", p.user)
	payload["trigger_id"] = s.newTrigger(p.user.ID)
	payload["actions"] = []any{action}
	s.locate(p, payload)
	if p.view != nil {
		return payload
	}
	payload["state"] = obj{"values": stateOf(p.message.Blocks, action)}
	payload["response_url"] = s.newResponseURL(p.channel, p.user.ID, p.message)
	return payload
}

// locate adds the position of an element to the payload.
func (s *Server) locate(p surface, payload obj) {
	if p.view != nil {
		payload["view"] = s.viewPayload(p.view)
		payload["container"] = obj{"type": "view", "view_id": p.view.ID}
		return
	}
	name := p.channel.Name
	if p.channel.IM != "" {
		name = "directmessage"
	}
	payload["channel"] = obj{"id": p.channel.ID, "name": name}
	container := obj{
		"type": "message", "message_ts": p.message.TS, "channel_id": p.channel.ID, "is_ephemeral": p.message.For != "",
	}
	if p.message.Thread != "" {
		container["thread_ts"] = p.message.Thread
	}
	payload["container"] = container
	if p.message.For == "" { // the payload does not repeat an ephemeral message
		payload["message"] = s.payload(p.channel, p.message)
	}
}

// stateOf returns the state of a message: the initial values of its elements, and the element just
// used.
func stateOf(blocks []any, action obj) obj {
	out := obj{}
	for _, sl := range slots(blocks) {
		if !sl.stateful() {
			continue
		}
		value := sl.initial()
		if sl.blockID == action["block_id"] && sl.actionID == action["action_id"] {
			key := shapes[sl.kind].key
			value = obj{"type": sl.kind, key: action[key]}
		}
		of, _ := out[sl.blockID].(obj)
		if of == nil {
			of = obj{}
			out[sl.blockID] = of
		}
		of[sl.actionID] = value
	}
	return out
}

// Options performs typing into a menu whose choices the app supplies.
func (s *Server) Options(in ActionInput) (Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.find(in)
	if err != nil {
		return Result{}, err
	}
	sl, err := p.slot(in)
	if err != nil {
		return Result{}, err
	}
	if !sl.external() {
		return Result{}, invalid(400, "not_external", "%q lists its options itself", in.ActionID)
	}
	least, given := integer(sl.element["min_query_length"])
	if !given {
		least = 3 // Slack's own default
	}
	if utf8.RuneCountInString(in.Query) < least {
		return Result{}, invalid(400, "query_too_short", "type at least %d characters", least)
	}
	payload := s.envelopeBase("block_suggestion", p.user)
	payload["action_id"], payload["block_id"], payload["value"] = sl.actionID, sl.blockID, in.Query
	s.locate(p, payload)
	answer, outcome := s.ask(p.user.ID, "options", sl.label(), "interactive", payload, true)
	return s.suggested(p, sl, answer, outcome), nil
}

func (s *Server) suggested(p surface, sl slot, answer json.RawMessage, outcome string) Result {
	out := Result{Outcome: outcome, Views: s.viewStates(p.user.ID)}
	if outcome == Acked && len(blockkit.Options(answer)) > 0 {
		out.Outcome = BadAnswer
	}
	if out.Outcome != Acked {
		out.Note = "Result not available"
		s.notice(p.user.ID, out.Outcome, sl.label()+": "+out.Note)
		return out
	}
	var a obj
	dec := decoder(answer)
	if dec.Decode(&a) != nil {
		return out
	}
	out.Options, _ = a["options"].([]any)
	out.Groups, _ = a["option_groups"].([]any)
	all := slices.Clone(out.Options)
	for _, g := range out.Groups {
		each(fieldOf(g, "options"), func(o any) { all = append(all, o) })
	}
	s.offered[offerKey(p.place, p.user.ID, sl)] = all
	return out
}
