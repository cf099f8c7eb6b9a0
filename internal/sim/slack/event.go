package slack

import (
	"slices"
	"strings"
	"time"
)

// retryAfter lists the pauses before an event without acknowledgement is sent again.
var retryAfter = []time.Duration{0, time.Minute, 5 * time.Minute}

const maxEventsInFlight = 2000

// emit delivers an event, with retries. The caller holds mu.
func (s *Server) emit(event obj) {
	copies := 1
	switch {
	case s.faults.drop > 0:
		s.faults.drop--
		return
	case s.faults.duplicate > 0:
		s.faults.duplicate--
		copies = 2
	}
	outer := obj{
		"token": "sandbox", "team_id": s.cfg.Team.ID, "context_team_id": s.cfg.Team.ID, "api_app_id": s.cfg.Bot.AppID,
		"event": event, "type": "event_callback", "event_id": s.id("Ev"), "event_time": time.Now().Unix(),
		"is_ext_shared_channel": false, "event_context": s.hex(16),
		"authorizations": []any{obj{
			"enterprise_id": nil, "team_id": s.cfg.Team.ID, "user_id": s.cfg.Bot.UserID, "is_bot": true,
			"is_enterprise_install": false,
		}},
	}
	for range copies {
		if s.inFlight >= maxEventsInFlight {
			return
		}
		s.inFlight++
		s.background(func() { s.deliverEvent(outer) })
	}
}

func (s *Server) deliverEvent(outer obj) {
	defer func() {
		s.mu.Lock()
		s.inFlight--
		s.mu.Unlock()
	}()
	more := obj{"retry_attempt": 0, "retry_reason": ""}
	if s.try(outer, more) {
		return
	}
	for i, pause := range retryAfter {
		if !s.sleep(pause) {
			return
		}
		more = obj{"retry_attempt": i + 1, "retry_reason": "timeout"}
		if s.try(outer, more) {
			return
		}
	}
}

func (s *Server) try(outer, more obj) bool {
	s.mu.Lock()
	e := s.send("events_api", outer, false, more)
	s.mu.Unlock()
	if e == nil {
		return false
	}
	_, ok := s.await(e)
	return ok
}

func (s *Server) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// listens reports whether the app is subscribed to an event and has its scope.
func (s *Server) listens(event, scope string) bool {
	return s.manifest.subscribed(event) && (scope == "" || s.granted(scope))
}

// announce emits the event of a new message. In a DM, the app gets every message, its own too; in a
// channel, those that mention it, and all others if it subscribed to them.
func (s *Server) announce(c *channelLog, m *message) {
	if !c.HasBot {
		return
	}
	event := s.payload(c, m)
	event["channel"], event["event_ts"] = c.ID, m.TS
	if c.IM == "" && !m.Bot && s.mentionsBot(m.Text) && s.listens("app_mention", "app_mentions:read") {
		mention := obj{}
		for _, name := range []string{"user", "text", "ts", "team", "thread_ts", "blocks", "channel", "event_ts"} {
			if v, ok := event[name]; ok {
				mention[name] = v
			}
		}
		mention["type"] = "app_mention"
		s.emit(mention)
	}
	if kind, ok := s.messageEvents(c); ok {
		event["channel_type"] = kind
		s.emit(event)
	}
}

// messageEvents returns the channel type under which the app listens to c, if it does.
func (s *Server) messageEvents(c *channelLog) (string, bool) {
	switch {
	case c.IM != "":
		return "im", s.listens("message.im", "im:history")
	case c.Private:
		return "group", s.listens("message.groups", "groups:history")
	}
	return "channel", s.listens("message.channels", "channels:history")
}

// announceChange emits the event of an edit, where the app listens to messages.
func (s *Server) announceChange(c *channelLog, m *message, before obj) {
	kind, ok := s.messageEvents(c)
	if !ok || !c.HasBot {
		return
	}
	ts := s.ts()
	s.emit(obj{
		"type": "message", "subtype": "message_changed", "hidden": true, "channel": c.ID, "channel_type": kind,
		"ts": ts, "event_ts": ts, "message": s.payload(c, m), "previous_message": before,
	})
}

func (s *Server) mentionsBot(text string) bool {
	return strings.Contains(text, "<@"+s.cfg.Bot.UserID+">")
}

// Say posts a message as a person.
func (s *Server) Say(user, channel, thread, text string) (MessageState, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, c, err := s.personIn(user, channel)
	if err != nil {
		return MessageState{}, err
	}
	home := s.manifest.Features.AppHome
	switch {
	case strings.TrimSpace(text) == "":
		return MessageState{}, invalid(400, "no_text", "the text is empty")
	case c.IM != "" && (!home.Messages || home.ReadOnly):
		return MessageState{}, invalid(400, "messages_disabled", "the app accepts no direct messages")
	case !slices.Contains(c.Members, u.ID):
		return MessageState{}, invalid(403, "not_in_channel", "%s is not in %s", u.Name, c.Name)
	case thread != "" && c.root(thread) == "":
		return MessageState{}, invalid(404, "thread_not_found", "message %s not found", thread)
	}
	m := s.post(c, u.ID, c.root(thread), messageContent{text: s.typed(text, true)})
	return s.messageState(c, m), nil
}

// typed returns text as a client sends it: escaped, and with ids for the people and channels that the
// person picked from the list.
func (s *Server) typed(text string, resolve bool) string {
	text = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
	if !resolve {
		return text
	}
	for _, id := range append([]string{s.cfg.Bot.UserID}, s.userIDs()...) {
		text = strings.ReplaceAll(text, "&lt;@"+id+"&gt;", "<@"+id+">")
	}
	words := strings.SplitAfter(text, " ")
	for i, w := range words {
		words[i] = s.resolve(w)
	}
	return strings.Join(words, "")
}

func (s *Server) userIDs() []string {
	ids := make([]string, len(s.users))
	for i, u := range s.users {
		ids[i] = u.ID
	}
	return ids
}

// resolve replaces a word like @dana or #infra-dev.
func (s *Server) resolve(word string) string {
	name := strings.TrimRight(word, " .,;:!?")
	rest := word[len(name):]
	switch {
	case strings.HasPrefix(name, "@") && name[1:] == s.cfg.Bot.Name:
		return "<@" + s.cfg.Bot.UserID + ">" + rest
	case strings.HasPrefix(name, "@"):
		for _, u := range s.users {
			if u.Name == name[1:] {
				return "<@" + u.ID + ">" + rest
			}
		}
	case strings.HasPrefix(name, "#"):
		for _, c := range s.channels {
			if c.Name == name[1:] && c.IM == "" {
				return "<#" + c.ID + "|" + c.Name + ">" + rest
			}
		}
	}
	return word
}

// OpenHome opens the page of the app as a person; tab is "home" or "messages".
func (s *Server) OpenHome(user, tab string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.person(user)
	if err != nil {
		return err
	}
	tab = or(tab, "home")
	home := s.manifest.Features.AppHome
	if (tab == "home" && !home.Home) || (tab == "messages" && !home.Messages) || (tab != "home" && tab != "messages") {
		return invalid(400, "not_enabled", "the app has no tab %q", tab)
	}
	if !s.listens("app_home_opened", "") {
		return nil
	}
	event := obj{"type": "app_home_opened", "user": u.ID, "channel": s.dm(u.ID).ID, "event_ts": s.ts(), "tab": tab}
	if v := s.homes[u.ID]; v != nil && tab == "home" {
		event["view"] = s.viewPayload(v)
	}
	s.emit(event)
	return nil
}
