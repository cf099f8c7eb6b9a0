package slack

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tfpilot/tfpilot/internal/sim/slack/blockkit"
)

const (
	triggerLife = 3 * time.Second
	maxStack    = 3
	// How long an expired trigger is distinguished from an unknown one.
	triggerMemory = 10 * time.Minute
)

// triggerRecord lets the app open one view for the person who just did something.
type triggerRecord struct {
	user   string
	issued time.Time
	used   bool
}

// openView is an open modal or a published Home tab.
type openView struct {
	ID       string                    `json:"id"`
	Hash     string                    `json:"hash"`
	User     string                    `json:"user"`
	Root     string                    `json:"root"`
	Previous string                    `json:"previous,omitempty"`
	Body     obj                       `json:"body"` // as the app sent it
	Values   map[string]map[string]obj `json:"values"`

	errors  map[string]string
	note    string
	sending bool
}

func (v *openView) blocks() []any { b, _ := v.Body["blocks"].([]any); return b }

// values returns a copy: the view may change before the answer is encoded.
func (v *openView) values() map[string]map[string]obj {
	out := map[string]map[string]obj{}
	for block, of := range v.Values {
		out[block] = maps.Clone(of)
	}
	return out
}

func (v *openView) flag(name string) bool {
	on, _ := v.Body[name].(bool)
	return on
}

// newTrigger creates a trigger. The caller holds mu.
func (s *Server) newTrigger(user string) string {
	now := time.Now()
	for id, t := range s.triggers {
		if now.Sub(t.issued) > triggerMemory {
			delete(s.triggers, id)
		}
	}
	id := fmt.Sprintf("%d.%d.%s", 1e12+s.rng.Int64N(9e12), 1e12+s.rng.Int64N(9e12), s.hex(32))
	s.triggers[id] = &triggerRecord{user: user, issued: now}
	return id
}

// useTrigger uses up a trigger.
func (s *Server) useTrigger(id string) (string, error) {
	t := s.triggers[id]
	switch {
	case t == nil:
		return "", refuse("invalid_trigger_id")
	case t.used:
		return "", refuse("exchanged_trigger_id")
	case time.Since(t.issued) > triggerLife:
		return "", refuse("expired_trigger_id")
	}
	t.used = true
	return t.user, nil
}

// viewArg parses and checks the view of a call.
func (s *Server) viewArg(raw []byte, kind string) (obj, error) {
	if len(raw) > blockkit.MaxViewBytes {
		return nil, refuse("view_too_large")
	}
	var body obj
	if err := decoder(raw).Decode(&body); err != nil || body == nil {
		return nil, refuse("invalid_arguments", "must provide an object [json-pointer:/view]")
	}
	if problems := blockkit.View(raw); len(problems) > 0 {
		return nil, refuse("invalid_arguments", problemTexts(problems)...)
	}
	if body["type"] != kind {
		return nil, refuse("invalid_arguments", "must be of type "+kind+" [json-pointer:/view/type]")
	}
	blocks, _ := body["blocks"].([]any)
	s.nameBlocks(blocks)
	return body, nil
}

// freeExternalID refuses an external_id that another view of the team has.
func (s *Server) freeExternalID(body obj, own *openView) error {
	id := textOf(body["external_id"])
	if id == "" {
		return nil
	}
	if v := s.viewBy(func(v *openView) bool { return textOf(v.Body["external_id"]) == id }); v != nil && v != own {
		return refuse("duplicate_external_id")
	}
	return nil
}

// viewBy finds an open view or a Home tab.
func (s *Server) viewBy(match func(*openView) bool) *openView {
	for _, stack := range s.stacks {
		if i := slices.IndexFunc(stack, match); i >= 0 {
			return stack[i]
		}
	}
	for _, v := range s.homes {
		if match(v) {
			return v
		}
	}
	return nil
}

func (s *Server) newHash() string { return fmt.Sprintf("%d.%s", time.Now().Unix(), s.hex(8)) }

func (s *Server) newView(user string, body obj) *openView {
	v := &openView{ID: s.id("V"), User: user}
	v.Root = v.ID
	s.fill(v, body)
	return v
}

// fill gives a view new content. What a person entered stays if block, element and type are the same,
// even if the app sent another initial value.
func (s *Server) fill(v *openView, body obj) {
	old := v.Values
	v.Body, v.Hash, v.errors, v.note = body, s.newHash(), nil, ""
	v.Values = map[string]map[string]obj{}
	for _, sl := range slots(v.blocks()) {
		if !sl.stateful() {
			continue
		}
		value := sl.initial()
		if was := old[sl.blockID][sl.actionID]; sl.kept(was) {
			value = was
		}
		v.set(sl, value)
	}
	s.touch()
}

func (v *openView) set(sl slot, value obj) {
	if v.Values[sl.blockID] == nil {
		v.Values[sl.blockID] = map[string]obj{}
	}
	v.Values[sl.blockID][sl.actionID] = value
}

// newModal reads the common arguments of opening and pushing a modal: the view, and the person of the
// trigger.
func (s *Server) newModal(a arguments) (user string, body obj, err error) {
	if err := a.need("trigger_id"); err != nil {
		return "", nil, err
	}
	if body, err = s.viewArg(a.raw("view"), "modal"); err != nil {
		return "", nil, err
	}
	if err := s.freeExternalID(body, nil); err != nil {
		return "", nil, err
	}
	user, err = s.useTrigger(a.str("trigger_id"))
	return user, body, err
}

func (s *Server) viewsOpen(a arguments) (obj, error) {
	user, body, err := s.newModal(a)
	if err != nil {
		return nil, err
	}
	v := s.newView(user, body)
	s.stacks[user] = []*openView{v}
	return obj{"view": s.viewPayload(v)}, nil
}

func (s *Server) viewsPush(a arguments) (obj, error) {
	user, body, err := s.newModal(a)
	if err != nil {
		return nil, err
	}
	v, err := s.push(user, body)
	if err != nil {
		return nil, err
	}
	return obj{"view": s.viewPayload(v)}, nil
}

func (s *Server) push(user string, body obj) (*openView, error) {
	stack := s.stacks[user]
	switch {
	case len(stack) == 0:
		return nil, refuse("not_found")
	case len(stack) >= maxStack:
		return nil, refuse("push_limit_reached")
	}
	v := s.newView(user, body)
	v.Root, v.Previous = stack[0].ID, stack[len(stack)-1].ID
	s.stacks[user] = append(stack, v)
	return v, nil
}

func (s *Server) viewsUpdate(a arguments) (obj, error) {
	id, external := a.str("view_id"), a.str("external_id")
	if id == "" && external == "" {
		return nil, refuse("invalid_arguments", "missing required field: view_id or external_id")
	}
	v := s.viewBy(func(v *openView) bool {
		return v.ID == id || (id == "" && textOf(v.Body["external_id"]) == external)
	})
	kind := "modal"
	if v != nil {
		kind = textOf(v.Body["type"])
	}
	body, err := s.viewArg(a.raw("view"), kind)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, refuse("not_found")
	}
	return s.replace(v, body, a.str("hash"))
}

// replace updates a view if the caller knows its current content.
func (s *Server) replace(v *openView, body obj, hash string) (obj, error) {
	if hash != "" && hash != v.Hash {
		return nil, refuse("hash_conflict")
	}
	if err := s.freeExternalID(body, v); err != nil {
		return nil, err
	}
	s.fill(v, body)
	return obj{"view": s.viewPayload(v)}, nil
}

func (s *Server) viewsPublish(a arguments) (obj, error) {
	if err := a.need("user_id"); err != nil {
		return nil, err
	}
	body, err := s.viewArg(a.raw("view"), "home")
	if err != nil {
		return nil, err
	}
	user := s.user(a.str("user_id"))
	switch {
	case user == nil:
		return nil, refuse("user_not_found")
	case !s.manifest.Features.AppHome.Home:
		return nil, refuse("not_enabled")
	}
	v := s.homes[user.ID]
	if v != nil {
		return s.replace(v, body, a.str("hash"))
	}
	v = s.newView(user.ID, body)
	s.homes[user.ID] = v
	return obj{"view": s.viewPayload(v)}, nil
}

// viewPayload renders a view as apps receive it.
func (s *Server) viewPayload(v *openView) obj {
	out := obj{
		"id": v.ID, "team_id": s.cfg.Team.ID, "app_id": s.cfg.Bot.AppID, "bot_id": s.cfg.Bot.BotID,
		"app_installed_team_id": s.cfg.Team.ID, "hash": v.Hash, "root_view_id": v.Root, "previous_view_id": nil,
		"title": nil, "submit": nil, "close": nil, "private_metadata": "", "callback_id": "", "external_id": "",
		"clear_on_close": false, "notify_on_close": false, "state": obj{"values": v.values()},
	}
	if v.Previous != "" {
		out["previous_view_id"] = v.Previous
	}
	for name, value := range v.Body {
		out[name] = value
	}
	return out
}

// close removes a view and all views above it from the stack.
func (s *Server) close(v *openView) {
	stack := s.stacks[v.User]
	i := slices.Index(stack, v)
	if i < 0 {
		return
	}
	if s.stacks[v.User] = stack[:i]; i == 0 {
		delete(s.stacks, v.User)
	}
	s.touch()
}

func (s *Server) top(user string) *openView {
	stack := s.stacks[user]
	if len(stack) == 0 {
		return nil
	}
	return stack[len(stack)-1]
}
