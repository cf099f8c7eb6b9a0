package slack

import (
	"encoding/json"
	"io"
	"net/http"
	"time"
)

const (
	responseUses = 5
	responseLife = 30 * time.Minute
)

// responseURL lets the app answer a person for a while, even in a channel where it may not post.
type responseURL struct {
	user    string
	channel *channelLog
	source  *message // the message with the clicked button; nil for commands
	issued  time.Time
	uses    int
}

// newResponseURL creates a response URL. The caller holds mu.
func (s *Server) newResponseURL(c *channelLog, user string, source *message) string {
	now := time.Now()
	for token, r := range s.replies {
		if now.Sub(r.issued) > 2*responseLife {
			delete(s.replies, token)
		}
	}
	token := s.hex(24)
	s.replies[token] = &responseURL{user: user, channel: c, source: source, issued: now}
	return s.baseURL("") + "/response/" + token
}

func (s *Server) serveResponseURL(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return
	}
	a := arguments{}
	if json.Unmarshal(raw, &a.json) != nil {
		http.Error(w, "invalid_payload", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Responses++
	status, code := s.useResponseURL(r.PathValue("token"), a)
	if code != "" {
		writeJSON(w, status, obj{"ok": false, "error": code})
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok")
}

func (s *Server) useResponseURL(token string, a arguments) (int, string) {
	r := s.replies[token]
	switch {
	case r == nil || time.Since(r.issued) > responseLife:
		return http.StatusNotFound, "expired_url"
	case r.uses >= responseUses:
		return http.StatusNotFound, "used_url"
	}
	if a.flag("delete_original") {
		if r.source == nil {
			return http.StatusBadRequest, "no_text"
		}
		r.uses++
		s.erase(r)
		return 0, ""
	}
	body, err := s.content(a)
	if err != nil {
		return http.StatusBadRequest, err.Error()
	}
	if body.empty() {
		return http.StatusBadRequest, "no_text"
	}
	r.uses++
	if a.flag("replace_original") && r.source != nil {
		s.supersede(r, body)
		return 0, ""
	}
	thread := ""
	if a.str("response_type") == "in_channel" {
		thread = r.channel.root(a.str("thread_ts"))
	}
	s.respond(r.channel, r.user, a.str("response_type"), thread, body)
	return 0, ""
}

// respond shows an answer only to the person, or to everyone if the app requests that.
func (s *Server) respond(c *channelLog, user, kind, thread string, body messageContent) *message {
	if kind == "in_channel" {
		return s.post(c, s.cfg.Bot.UserID, thread, body)
	}
	return s.showOnlyTo(c, user, thread, body)
}

func (s *Server) erase(r *responseURL) {
	if r.source.For != "" {
		r.channel.dropEphemeral(r.source.TS)
		s.touch()
		return
	}
	s.remove(r.channel, r.source)
}

func (s *Server) supersede(r *responseURL, body messageContent) {
	if r.source.For != "" {
		r.source.edit(s.ts(), body.text, body.blocks)
		s.touch()
		return
	}
	s.rewrite(r.channel, r.source, body)
}
