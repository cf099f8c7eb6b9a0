// Package openai simulates an OpenAI-compatible chat completions endpoint for the real client. It owns
// the protocol (bearer keys, error bodies, the rules of strict JSON schemas), injected faults, and an
// answer that depends only on the request: the schema in response_format, the lines of the system
// message, and the user's words. It knows no module, field or environment of the product, and always
// gives the same answer to the same request.
//
// A Server is an http.Handler. It opens no socket and starts no goroutine.
package openai

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Name is the model that exists if Config names none.
const Name = "sandbox-1"

const (
	maxBody     = 1 << 20
	maxMessages = 100
	maxWords    = 32 << 10 // bytes of the last user message that are used
)

// Config configures a Server.
type Config struct {
	Keys   []string // required
	Models []string // empty: Name and two of OpenAI's
	Log    *slog.Logger
}

// Server is the simulated endpoint.
type Server struct {
	keys   []string
	models []string
	log    *slog.Logger

	mu     sync.Mutex
	faults []Fault
	calls  int
}

// New returns an endpoint.
func New(cfg Config) *Server {
	s := &Server{keys: cfg.Keys, models: cfg.Models, log: cfg.Log}
	if len(s.models) == 0 {
		s.models = []string{Name, "gpt-4o-mini", "gpt-4.1-mini"}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// Calls counts the completions that were requested with a valid key.
func (s *Server) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// apiError is OpenAI's error body.
type apiError struct {
	status  int
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}

func refuse(status int, kind, code, param, message string) *apiError {
	e := &apiError{status: status, Message: message, Type: kind}
	if code != "" {
		e.Code = &code
	}
	if param != "" {
		e.Param = &param
	}
	return e
}

func invalid(param, message string) *apiError {
	return refuse(http.StatusBadRequest, "invalid_request_error", "", param, message)
}

// ServeHTTP answers POST /v1/chat/completions and GET /v1/models.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.known(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")) {
		writeError(w, refuse(http.StatusUnauthorized, "invalid_request_error", "invalid_api_key", "",
			"Incorrect API key provided."))
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "POST /v1/chat/completions":
		s.complete(w, r)
	case "GET /v1/models":
		s.list(w)
	default:
		writeError(w, refuse(http.StatusNotFound, "invalid_request_error", "unknown_url", "",
			fmt.Sprintf("Invalid URL (%s %s)", r.Method, r.URL.Path)))
	}
}

func (s *Server) known(key string) bool {
	found := 0
	for _, k := range s.keys {
		found |= subtle.ConstantTimeCompare([]byte(k), []byte(key))
	}
	return found == 1
}

func (s *Server) list(w http.ResponseWriter) {
	data := []map[string]any{}
	for _, m := range s.models {
		data = append(data, map[string]any{"id": m, "object": "model", "owned_by": "sandbox"})
	}
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": data})
}

func (s *Server) complete(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.calls++
	s.mu.Unlock()
	fault := s.take()
	if fault.before(w, r) {
		return
	}
	req, err := s.read(r)
	if err != nil {
		writeError(w, err)
		return
	}
	content, err := req.answer()
	if err != nil {
		writeError(w, err)
		return
	}
	content = fault.corrupt(req, content)
	s.log.Debug("model", "fault", string(fault.Kind), "bytes", len(content))
	writeJSON(w, http.StatusOK, req.completion(content))
}

// request is the part of a completion request that the simulator uses.
type request struct {
	Model    string        `json:"model"`
	Messages []chatMessage `json:"messages"`
	Stream   bool          `json:"stream"`
	N        *int          `json:"n"`
	MaxNew   int           `json:"max_completion_tokens"`
	MaxOld   int           `json:"max_tokens"`
	Format   struct {
		Type   string `json:"type"`
		Schema *struct {
			Name   string          `json:"name"`
			Strict bool            `json:"strict"`
			Schema json.RawMessage `json:"schema"`
		} `json:"json_schema"`
	} `json:"response_format"`

	schema schema
}

type chatMessage struct {
	Role    string `json:"role"`
	Content any    `json:"content"`
}

func (s *Server) read(r *http.Request) (*request, *apiError) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, invalid("", "The request body could not be read.")
	}
	if len(raw) > maxBody {
		return nil, refuse(http.StatusRequestEntityTooLarge, "invalid_request_error", "", "", "The request is too large.")
	}
	req := &request{}
	if err := json.Unmarshal(raw, req); err != nil {
		return nil, invalid("", "We could not parse the JSON body of your request.")
	}
	return req, s.check(req)
}

func (s *Server) check(req *request) *apiError {
	switch {
	case !slices.Contains(s.models, req.Model):
		return refuse(http.StatusNotFound, "invalid_request_error", "model_not_found", "model",
			fmt.Sprintf("The model `%.100s` does not exist or you do not have access to it.", req.Model))
	case len(req.Messages) == 0 || len(req.Messages) > maxMessages:
		return invalid("messages", fmt.Sprintf("Expected an array of 1 to %d messages.", maxMessages))
	case req.Stream:
		return invalid("stream", "This endpoint does not stream.")
	case req.N != nil && *req.N != 1:
		return invalid("n", "This endpoint gives one choice.")
	}
	for i, m := range req.Messages {
		if !slices.Contains([]string{"system", "developer", "user", "assistant"}, m.Role) {
			return invalid("messages", fmt.Sprintf("Invalid value: '%.40s'. messages[%d].role is not known.", m.Role, i))
		}
	}
	return req.checkFormat()
}

// text joins the messages of the given roles.
func (req *request) text(roles ...string) string {
	var parts []string
	for _, m := range req.Messages {
		if !slices.Contains(roles, m.Role) {
			continue
		}
		switch c := m.Content.(type) {
		case string:
			parts = append(parts, c)
		case []any:
			for _, p := range c {
				if part, ok := p.(map[string]any); ok {
					text, _ := part["text"].(string)
					parts = append(parts, text)
				}
			}
		}
	}
	text := strings.Join(parts, "\n")
	return text[:min(len(text), maxWords)]
}

func (req *request) answer() (string, *apiError) {
	switch req.Format.Type {
	case "", "text":
		return "I fill in forms: send a JSON schema as response_format.", nil
	case "json_object":
		return "{}", nil
	}
	value := newReader(req.text("system", "developer"), req.text("user")).fill(req.schema)
	out, err := json.Marshal(value)
	if err != nil {
		return "", refuse(http.StatusInternalServerError, "server_error", "", "", err.Error())
	}
	return string(out), nil
}

// completion returns the envelope of the answer. It counts four bytes as a token.
func (req *request) completion(content string) map[string]any {
	finish, prompt, limit := "stop", len(req.text("system", "developer", "user", "assistant"))/4+1,
		max(req.MaxNew, req.MaxOld)
	used := len(content)/4 + 1
	if limit > 0 && used > limit {
		finish, used, content = "length", limit, content[:limit*4]
	}
	var id [12]byte
	_, _ = rand.Read(id[:])
	return map[string]any{
		"id": "chatcmpl-" + hex.EncodeToString(id[:]), "object": "chat.completion", "created": time.Now().Unix(),
		"model": req.Model,
		"choices": []any{map[string]any{
			"index": 0, "finish_reason": finish, "logprobs": nil,
			"message": map[string]any{"role": "assistant", "content": content, "refusal": nil},
		}},
		"usage": map[string]int{"prompt_tokens": prompt, "completion_tokens": used, "total_tokens": prompt + used},
	}
}

func writeError(w http.ResponseWriter, e *apiError) {
	writeJSON(w, e.status, map[string]any{"error": e})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
