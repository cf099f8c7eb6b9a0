package slack

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// The outcome of an action, as the person sees it.
const (
	Acked          = "acked"             // the app acknowledged it
	TimedOut       = "operation_timeout" // the app did not answer in time
	DispatchFailed = "dispatch_failed"   // the app is not connected
	FieldErrors    = "errors"            // a field has an error; the view stays open
	BadAnswer      = "invalid_response"  // Slack does not accept the app's answer
)

const connectionError = "We had some trouble connecting. Try again?"

// Result is the outcome of an action, as the person sees it.
type Result struct {
	Outcome string            `json:"outcome"`
	Note    string            `json:"note,omitempty"` // message of Slack itself
	Errors  map[string]string `json:"errors,omitempty"`
	Reply   *MessageState     `json:"reply,omitempty"` // to a command
	Options []any             `json:"options,omitempty"`
	Groups  []any             `json:"optionGroups,omitempty"`
	Views   []ViewState       `json:"views"`
}

// Pending is an action in progress, shown as loading.
type Pending struct {
	Kind  string    `json:"kind"`
	What  string    `json:"what"`
	Since time.Time `json:"since"`
}

// Notice is a message of Slack itself to a person.
type Notice struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
	Text string    `json:"text"`
}

// ControlError reports that an action is impossible.
type ControlError struct {
	Status  int    `json:"-"`
	Code    string `json:"error"`
	Message string `json:"message"`
}

func (e *ControlError) Error() string { return e.Code + ": " + e.Message }

func invalid(status int, code, format string, args ...any) error {
	return &ControlError{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// person returns a person by id or handle.
func (s *Server) person(name string) (*User, error) {
	name = strings.TrimPrefix(name, "@")
	if name == "" {
		return nil, invalid(400, "missing_user", "user is required")
	}
	for i := range s.users {
		if s.users[i].ID == name || s.users[i].Name == name {
			return &s.users[i], nil
		}
	}
	return nil, invalid(404, "unknown_user", "user %q not found", name)
}

// personIn returns a person and a channel that they can see; "dm" is their DM with the app.
func (s *Server) personIn(user, channel string) (*User, *channelLog, error) {
	u, err := s.person(user)
	if err != nil {
		return nil, nil, err
	}
	name := strings.TrimPrefix(channel, "#")
	switch strings.TrimPrefix(name, "@") {
	case "":
		return nil, nil, invalid(400, "missing_channel", "channel is required")
	case "dm", s.cfg.Bot.Name, s.cfg.Bot.UserID, s.dm(u.ID).ID:
		return u, s.dm(u.ID), nil
	}
	for _, c := range s.channels {
		if (c.ID == name || c.Name == name) && c.IM == "" && (!c.Private || slices.Contains(c.Members, u.ID)) {
			return u, c, nil
		}
	}
	return nil, nil, invalid(404, "unknown_channel", "%s cannot see a channel %q", u.Name, channel)
}

// ask sends an envelope and waits for the answer. The caller holds mu, before and after.
func (s *Server) ask(user, kind, what, envelope string, payload obj, accepts bool) (json.RawMessage, string) {
	p := &Pending{Kind: kind, What: what, Since: time.Now()}
	s.pending[user] = append(s.pending[user], p)
	e := s.send(envelope, payload, accepts, nil)
	s.touch()
	outcome := DispatchFailed
	var answer json.RawMessage
	if e != nil {
		s.mu.Unlock()
		got, ok := s.await(e)
		s.mu.Lock()
		if outcome = TimedOut; ok {
			outcome, answer = Acked, got
		}
	}
	s.pending[user] = slices.DeleteFunc(s.pending[user], func(o *Pending) bool { return o == p })
	s.touch()
	return answer, outcome
}

// notice saves a message of Slack itself to a person.
func (s *Server) notice(user, kind, text string) {
	const most = 20
	list := append(s.notices[user], Notice{At: time.Now(), Kind: kind, Text: text})
	s.notices[user] = list[max(0, len(list)-most):]
	s.touch()
}

// envelopeBase returns the common fields of all interactive payloads.
func (s *Server) envelopeBase(kind string, u *User) obj {
	return obj{
		"type": kind, "token": "sandbox", "api_app_id": s.cfg.Bot.AppID,
		"team":       obj{"id": s.cfg.Team.ID, "domain": s.cfg.Team.Domain},
		"user":       obj{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": s.cfg.Team.ID},
		"enterprise": nil, "is_enterprise_install": false,
	}
}

// Command runs a slash command as a person.
func (s *Server) Command(user, channel, command, text string) (Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, c, err := s.personIn(user, channel)
	if err != nil {
		return Result{}, err
	}
	known, ok := s.manifest.command(command)
	switch {
	case !ok:
		return Result{}, invalid(400, "unknown_command", "%s is not a valid command", command)
	case !s.granted("commands"):
		return Result{}, invalid(400, "missing_scope", "the app does not have the scope commands")
	case !slices.Contains(c.Members, u.ID):
		return Result{}, invalid(403, "not_in_channel", "%s is not in %s", u.Name, c.Name)
	}
	name := c.Name
	if c.IM != "" {
		name = "directmessage"
	}
	payload := obj{
		"token": "sandbox", "team_id": s.cfg.Team.ID, "team_domain": s.cfg.Team.Domain, "channel_id": c.ID,
		"channel_name": name, "user_id": u.ID, "user_name": u.Name, "command": command,
		"text": s.typed(text, known.Escape), "api_app_id": s.cfg.Bot.AppID, "is_enterprise_install": "false",
		"response_url": s.newResponseURL(c, u.ID, nil), "trigger_id": s.newTrigger(u.ID),
	}
	answer, outcome := s.ask(u.ID, "command", strings.TrimSpace(command+" "+text), "slash_commands", payload, true)
	if outcome != Acked {
		return s.commandFailed(c, u, command, outcome), nil
	}
	return s.commandAnswered(c, u, command, answer), nil
}

func (s *Server) commandFailed(c *channelLog, u *User, command, outcome string) Result {
	note := fmt.Sprintf("%s failed with the error %q", command, outcome)
	m := &message{TS: s.ts(), User: "USLACKBOT", Text: note, For: u.ID}
	c.addEphemeral(m)
	s.notice(u.ID, outcome, note)
	shown := s.messageState(c, m)
	return Result{Outcome: outcome, Note: note, Reply: &shown, Views: s.viewStates(u.ID)}
}

// commandAnswered shows the text or blocks of the ack.
func (s *Server) commandAnswered(c *channelLog, u *User, command string, answer json.RawMessage) Result {
	out := Result{Outcome: Acked, Views: s.viewStates(u.ID)}
	a := arguments{}
	if json.Unmarshal(answer, &a.json) != nil || len(a.json) == 0 {
		return out
	}
	body, err := s.content(a)
	if err != nil {
		return s.commandFailed(c, u, command, BadAnswer)
	}
	if body.empty() {
		return out
	}
	m := s.respond(c, u.ID, a.str("response_type"), "", body)
	shown := s.messageState(c, m)
	out.Reply = &shown
	return out
}

// Submit fills in a view as a person and submits it.
func (s *Server) Submit(user, viewID string, values map[string]any) (Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.person(user)
	if err != nil {
		return Result{}, err
	}
	v, err := s.usableView(u, viewID)
	if err != nil {
		return Result{}, err
	}
	if v.Body["submit"] == nil {
		return Result{}, invalid(400, "no_submit", "the view has no submit button")
	}
	if err := s.fillIn(v, values); err != nil {
		return Result{}, err
	}
	if v.errors = s.complaints(v); len(v.errors) > 0 {
		s.touch()
		return Result{Outcome: FieldErrors, Errors: v.errors, Views: s.viewStates(u.ID)}, nil
	}
	payload := s.envelopeBase("view_submission", u)
	payload["trigger_id"], payload["view"], payload["response_urls"] = s.newTrigger(u.ID), s.viewPayload(v), []any{}
	v.errors, v.note, v.sending = nil, "", true
	answer, outcome := s.ask(u.ID, "submit", v.ID, "interactive", payload, true)
	v.sending = false
	if outcome == Acked {
		outcome = s.answered(v, answer)
	}
	if outcome != Acked && outcome != FieldErrors {
		v.note = connectionError
		s.notice(u.ID, outcome, connectionError)
	}
	return Result{Outcome: outcome, Note: v.note, Errors: maps.Clone(v.errors), Views: s.viewStates(u.ID)}, nil
}

// usableView returns a view that the person can use now: the top of their stack, or their Home tab.
func (s *Server) usableView(u *User, id string) (*openView, error) {
	if id == "" {
		return nil, invalid(400, "missing_view", "view is required")
	}
	if home := s.homes[u.ID]; home != nil && home.ID == id {
		return home, nil
	}
	top := s.top(u.ID)
	switch {
	case top != nil && top.ID == id && top.sending:
		return nil, invalid(409, "view_busy", "the view is waiting for the app")
	case top != nil && top.ID == id:
		return top, nil
	case slices.ContainsFunc(s.stacks[u.ID], func(v *openView) bool { return v.ID == id }):
		return nil, invalid(409, "view_covered", "another view covers it")
	}
	return nil, invalid(404, "unknown_view", "%s has no open view %q", u.Name, id)
}

// fillIn sets values by block_id or action_id.
func (s *Server) fillIn(v *openView, values map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		sl, err := v.slot(name)
		if err != nil {
			return err
		}
		value, err := sl.setValue(values[name], s.offers(v.ID, v.User, sl))
		if err != nil {
			return invalid(400, "invalid_value", "%s: %v", name, err)
		}
		v.set(sl, value)
	}
	return nil
}

// slot returns the one element with a value that matches the name.
func (v *openView) slot(name string) (slot, error) {
	var found []slot
	for _, sl := range slots(v.blocks()) {
		if sl.stateful() && (sl.blockID == name || sl.actionID == name || sl.blockID+"."+sl.actionID == name) {
			found = append(found, sl)
		}
	}
	switch len(found) {
	case 0:
		return slot{}, invalid(400, "unknown_field", "the view has no field %q", name)
	case 1:
		return found[0], nil
	}
	return slot{}, invalid(400, "ambiguous_field", "%d fields have the name %q", len(found), name)
}

// offers lists the choices of a menu for a person: its own, or the app's last answer.
func (s *Server) offers(place, user string, sl slot) []any {
	if !sl.external() {
		return sl.options()
	}
	now := s.offered[offerKey(place, user, sl)]
	for _, name := range []string{"initial_option", "initial_options"} {
		if one, ok := sl.element[name].(obj); ok {
			now = append(slices.Clip(now), one)
		}
		each(sl.element[name], func(o any) { now = append(slices.Clip(now), o) })
	}
	return now
}

func offerKey(place, user string, sl slot) string {
	return strings.Join([]string{place, user, sl.blockID, sl.actionID}, "\x00")
}

// complaints lists the errors that Slack's own window shows.
func (s *Server) complaints(v *openView) map[string]string {
	out := map[string]string{}
	for _, sl := range slots(v.blocks()) {
		if !sl.stateful() || !sl.input {
			continue
		}
		if why := sl.fieldError(v.Values[sl.blockID][sl.actionID]); why != "" {
			out[sl.blockID] = why
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// answered applies the app's answer to a submission.
func (s *Server) answered(v *openView, answer json.RawMessage) string {
	var a struct {
		Action string            `json:"response_action"`
		Errors map[string]string `json:"errors"`
		View   json.RawMessage   `json:"view"`
	}
	if len(answer) > 0 && json.Unmarshal(answer, &a) != nil {
		return BadAnswer
	}
	switch a.Action {
	case "":
		s.close(v)
		return Acked
	case "clear":
		delete(s.stacks, v.User)
		s.touch()
		return Acked
	case "errors":
		return s.answeredErrors(v, a.Errors)
	case "update", "push":
		return s.answeredView(v, a.Action, a.View)
	}
	return BadAnswer
}

// answeredErrors shows errors. It refuses them if one names an unknown field.
func (s *Server) answeredErrors(v *openView, errors map[string]string) string {
	inputs := map[string]bool{}
	for _, sl := range slots(v.blocks()) {
		inputs[sl.blockID] = inputs[sl.blockID] || sl.input
	}
	for id := range errors {
		if !inputs[id] {
			return BadAnswer
		}
	}
	if len(errors) == 0 {
		return BadAnswer
	}
	v.errors = errors
	s.touch()
	return FieldErrors
}

func (s *Server) answeredView(v *openView, action string, raw []byte) string {
	body, err := s.viewArg(raw, "modal")
	if err != nil || s.freeExternalID(body, v) != nil {
		return BadAnswer
	}
	if action == "update" {
		s.fill(v, body)
		return Acked
	}
	if _, err := s.push(v.User, body); err != nil {
		return BadAnswer
	}
	return Acked
}

// CloseView closes a view as a person.
func (s *Server) CloseView(user, viewID string) (Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.person(user)
	if err != nil {
		return Result{}, err
	}
	v, err := s.usableView(u, viewID)
	if err != nil {
		return Result{}, err
	}
	if s.homes[u.ID] == v {
		return Result{}, invalid(400, "not_closable", "the Home tab is not a dialog")
	}
	closed := []*openView{v}
	if v.flag("clear_on_close") {
		closed = slices.Clone(s.stacks[u.ID])
	}
	for _, gone := range slices.Backward(closed) {
		s.close(gone)
		if gone.flag("notify_on_close") {
			s.sendViewClosed(u, gone, v.flag("clear_on_close"))
		}
	}
	return Result{Outcome: Acked, Views: s.viewStates(u.ID)}, nil
}

// sendViewClosed sends view_closed; the person does not wait for it.
func (s *Server) sendViewClosed(u *User, v *openView, cleared bool) {
	payload := s.envelopeBase("view_closed", u)
	payload["view"], payload["is_cleared"] = s.viewPayload(v), cleared
	if e := s.send("interactive", payload, false, nil); e != nil {
		s.background(func() { s.await(e) })
	}
}
