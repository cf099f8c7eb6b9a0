package slack

import "slices"

// shortcut is one shortcut of the manifest.
type shortcut struct {
	Name     string `yaml:"name"`
	Type     string `yaml:"type"` // global or message
	Callback string `yaml:"callback_id"`
}

// Shortcut runs a shortcut as a person; channel and ts name the message of a message shortcut.
func (s *Server) Shortcut(user, callback, channel, ts string) (Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.person(user)
	if err != nil {
		return Result{}, err
	}
	i := slices.IndexFunc(s.manifest.Features.Shortcuts, func(sc shortcut) bool { return sc.Callback == callback })
	switch {
	case i < 0:
		return Result{}, invalid(400, "unknown_shortcut", "the app has no shortcut %q", callback)
	case !s.granted("commands"):
		return Result{}, invalid(400, "missing_scope", "the app does not have the scope commands")
	case !s.manifest.Settings.Interactivity.Enabled:
		return Result{}, invalid(400, "not_interactive", "the app does not accept interactions")
	}
	sc := s.manifest.Features.Shortcuts[i]
	payload := s.envelopeBase("shortcut", u)
	if sc.Type == "message" {
		_, c, err := s.personIn(user, channel)
		if err != nil {
			return Result{}, err
		}
		m := c.find(ts)
		if m == nil {
			return Result{}, invalid(404, "unknown_message", "%s cannot see a message %s there", u.Name, ts)
		}
		payload = s.envelopeBase("message_action", u)
		payload["channel"] = obj{"id": c.ID, "name": c.Name}
		payload["message"], payload["message_ts"] = s.payload(c, m), m.TS
		payload["response_url"] = s.newResponseURL(c, u.ID, nil)
	}
	payload["callback_id"], payload["trigger_id"], payload["action_ts"] = callback, s.newTrigger(u.ID), s.ts()
	_, outcome := s.ask(u.ID, "shortcut", sc.Name, "interactive", payload, false)
	if outcome != Acked {
		s.notice(u.ID, outcome, sc.Name+": "+connectionError)
	}
	return Result{Outcome: outcome, Views: s.viewStates(u.ID)}, nil
}
