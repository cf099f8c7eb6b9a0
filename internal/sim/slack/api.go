package slack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const maxBody = 2 << 20

// apiError is an error of the Web API.
type apiError struct {
	code     string
	messages []string // details about the arguments
	needed   string
}

func (e *apiError) Error() string { return e.code }

func refuse(code string, messages ...string) error { return &apiError{code: code, messages: messages} }

// apiMethod is one method of the Web API.
type apiMethod struct {
	call   func(*Server, arguments) (obj, error) // runs under mu
	scopes []string                              // one of them is required
	tier   tier
	app    bool // requires the app-level token
}

var methods map[string]apiMethod

// init fills it, since methods call the server.
func init() {
	chat, history := []string{"chat:write"}, []string{"channels:history", "groups:history", "im:history", "mpim:history"}
	read := []string{"channels:read", "groups:read", "im:read", "mpim:read"}
	methods = map[string]apiMethod{
		"auth.test":             {call: (*Server).authTest, tier: special},
		"apps.connections.open": {call: (*Server).connectionsOpen, tier: tier3, app: true},

		"chat.postMessage":   {call: (*Server).postMessage, scopes: chat, tier: posting},
		"chat.update":        {call: (*Server).updateMessage, scopes: chat, tier: tier3},
		"chat.delete":        {call: (*Server).deleteMessage, scopes: chat, tier: tier3},
		"chat.postEphemeral": {call: (*Server).postEphemeral, scopes: chat, tier: tier4},

		"views.open":    {call: (*Server).viewsOpen, tier: tier4},
		"views.push":    {call: (*Server).viewsPush, tier: tier4},
		"views.update":  {call: (*Server).viewsUpdate, tier: tier4},
		"views.publish": {call: (*Server).viewsPublish, tier: tier4},

		"conversations.info":    {call: (*Server).conversationsInfo, scopes: read, tier: tier3},
		"conversations.open":    {call: (*Server).conversationsOpen, scopes: []string{"im:write", "mpim:write"}, tier: tier3},
		"conversations.history": {call: (*Server).conversationsHistory, scopes: history, tier: tier3},
		"conversations.replies": {call: (*Server).conversationsReplies, scopes: history, tier: tier3},

		"files.getUploadURLExternal":   {call: (*Server).getUploadURL, scopes: []string{"files:write"}, tier: tier4},
		"files.completeUploadExternal": {call: (*Server).completeUpload, scopes: []string{"files:write"}, tier: tier4},

		"assistant.threads.setStatus": {call: (*Server).setStatus, scopes: []string{"assistant:write", "chat:write"},
			tier: special},
	}
}

func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("method")
	a, err := readArgs(w, r)
	if err != nil {
		s.answer(w, name, nil, err)
		return
	}
	fault := s.takeFault(name)
	if s.failBefore(w, r, fault) {
		return
	}
	s.mu.Lock()
	out, err := s.invoke(name, a)
	if a.token == s.cfg.BotToken {
		w.Header().Set("X-OAuth-Scopes", s.provided()) // Slack sends it with each answer to a token
	}
	s.mu.Unlock()
	if fault != nil && fault.Kind == FaultLost {
		panic(http.ErrAbortHandler) // the work is done, but the answer never arrives
	}
	s.answer(w, name, out, err)
}

// invoke checks the token, scopes and rate limit of a call, then runs it. The caller holds mu.
func (s *Server) invoke(name string, a arguments) (obj, error) {
	m, known := methods[name]
	if !known {
		return nil, refuse("unknown_method")
	}
	s.counts.Calls[name]++
	if err := s.authorize(m, a); err != nil {
		return nil, err
	}
	if wait := s.limits.wait(name, m.tier, a.str("channel")); wait > 0 {
		s.counts.RateLimited++
		return nil, &rateLimited{wait}
	}
	return m.call(s, a)
}

func (s *Server) authorize(m apiMethod, a arguments) error {
	switch {
	case a.token == "":
		return refuse("not_authed")
	case a.token != s.cfg.BotToken && a.token != s.cfg.AppToken:
		return refuse("invalid_auth")
	case (a.token == s.cfg.AppToken) != m.app:
		return refuse("not_allowed_token_type")
	case !m.app && !s.allowed(m.scopes):
		return &apiError{code: "missing_scope", needed: strings.Join(m.scopes, ",")}
	}
	return nil
}

// answer writes a result as Slack does: nearly always with status 200.
func (s *Server) answer(w http.ResponseWriter, name string, out obj, err error) {
	status := http.StatusOK
	switch e := err.(type) {
	case nil:
		if out == nil {
			out = obj{}
		}
		out["ok"] = true
	case *rateLimited:
		status = http.StatusTooManyRequests
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.wait.Seconds()))))
		out = obj{"ok": false, "error": "ratelimited"}
	case *apiError:
		out = s.refusal(e)
	default:
		out = obj{"ok": false, "error": "fatal_error"}
		s.log.Error("slack simulator", "method", name, "error", err)
	}
	if err != nil {
		s.refused(name, out["error"])
	}
	writeJSON(w, status, out)
}

func (s *Server) refusal(e *apiError) obj {
	out := obj{"ok": false, "error": e.code}
	if len(e.messages) > 0 {
		prefixed := make([]string, len(e.messages))
		for i, m := range e.messages {
			prefixed[i] = "[ERROR] " + m
		}
		out["errors"] = e.messages
		out["response_metadata"] = obj{"messages": prefixed}
	}
	if e.needed != "" {
		out["needed"], out["provided"] = e.needed, s.provided()
	}
	return out
}

func (s *Server) refused(name string, code any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Refused[fmt.Sprintf("%s %v", name, code)]++
}

type rateLimited struct{ wait time.Duration }

func (*rateLimited) Error() string { return "ratelimited" }

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // a client that disconnected needs no answer
}

// arguments are the arguments of one call, from a form or a JSON body.
type arguments struct {
	token string
	form  url.Values
	json  map[string]json.RawMessage
	host  string
}

func readArgs(w http.ResponseWriter, r *http.Request) (arguments, error) {
	a := arguments{host: r.Host, form: url.Values{}}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method == http.MethodGet:
		a.form = r.URL.Query()
		a.form.Del("token") // Slack refuses tokens in URLs since 2021
	case kind == "application/json":
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return a, refuse("request_timeout")
		}
		if len(bytes.TrimSpace(raw)) > 0 && json.Unmarshal(raw, &a.json) != nil {
			return a, refuse("invalid_json")
		}
	default:
		if err := r.ParseForm(); err != nil {
			return a, refuse("invalid_form_data")
		}
		a.form = r.PostForm
	}
	a.token = a.str("token")
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		a.token = bearer
	}
	return a, nil
}

// has reports whether the call has the argument.
func (a arguments) has(name string) bool {
	if raw, ok := a.json[name]; ok {
		return string(raw) != "null"
	}
	return a.form.Has(name)
}

func (a arguments) str(name string) string {
	raw, ok := a.json[name]
	if !ok {
		return a.form.Get(name)
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return strings.Trim(string(raw), `"`)
}

// raw returns an argument that contains JSON, also as a string of JSON.
func (a arguments) raw(name string) []byte {
	raw, ok := a.json[name]
	if !ok {
		return []byte(a.form.Get(name))
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return []byte(s)
	}
	return raw
}

func (a arguments) flag(name string) bool {
	b, _ := strconv.ParseBool(a.str(name))
	return b
}

func (a arguments) number(name string, otherwise int) int {
	n, err := strconv.Atoi(a.str(name))
	if err != nil {
		return otherwise
	}
	return n
}

// need refuses a call that lacks an argument.
func (a arguments) need(names ...string) error {
	var missing []string
	for _, name := range names {
		if a.str(name) == "" {
			missing = append(missing, "missing required field: "+name)
		}
	}
	if len(missing) > 0 {
		return refuse("invalid_arguments", missing...)
	}
	return nil
}

func (s *Server) authTest(arguments) (obj, error) {
	return obj{
		"url": "https://" + s.cfg.Team.Domain + ".slack.com/", "team": s.cfg.Team.Name, "team_id": s.cfg.Team.ID,
		"user": s.cfg.Bot.Name, "user_id": s.cfg.Bot.UserID, "bot_id": s.cfg.Bot.BotID, "is_enterprise_install": false,
	}, nil
}

// baseURL returns the address of this server for clients. The caller holds mu.
func (s *Server) baseURL(host string) string {
	if s.base == "" && host != "" {
		s.base = "http://" + host
	}
	return s.base
}
