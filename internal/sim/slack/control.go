package slack

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
)

// control mounts the actions of people. Answers are JSON; errors are {error, message}.
func (s *Server) control(mux *http.ServeMux) {
	mux.HandleFunc("GET /control/state", s.serveState)
	handleControl(mux, "command", func(in struct{ User, Channel, Command, Text string }) (any, error) {
		return s.Command(in.User, in.Channel, in.Command, in.Text)
	})
	handleControl(mux, "message", func(in struct{ User, Channel, Thread, Text string }) (any, error) {
		m, err := s.Say(in.User, in.Channel, in.Thread, in.Text)
		return obj{"posted": m}, err
	})
	handleControl(mux, "submit", func(in struct {
		User, View string
		Values     map[string]any
	}) (any, error) {
		return s.Submit(in.User, in.View, in.Values)
	})
	handleControl(mux, "shortcut", func(in struct{ User, Callback, Channel, TS string }) (any, error) {
		return s.Shortcut(in.User, in.Callback, in.Channel, in.TS)
	})
	handleControl(mux, "close", func(in struct{ User, View string }) (any, error) { return s.CloseView(in.User, in.View) })
	handleControl(mux, "home", func(in struct{ User, Tab string }) (any, error) {
		return obj{"outcome": Acked}, s.OpenHome(in.User, in.Tab)
	})
	handleControl(mux, "action", func(in ActionInput) (any, error) { return s.Act(in) })
	handleControl(mux, "options", func(in ActionInput) (any, error) { return s.Options(in) })
}

// handleControl mounts one action of people. It accepts only JSON bodies, so that no form of another
// site can send one.
func handleControl[In any](mux *http.ServeMux, name string, do func(In) (any, error)) {
	mux.HandleFunc("POST /control/"+name, func(w http.ResponseWriter, r *http.Request) {
		var in In
		if err := readJSON(w, r, &in); err != nil {
			writeError(w, err)
			return
		}
		out, err := do(in)
		if err != nil {
			writeError(w, err)
			return
		}
		writeJSON(w, http.StatusOK, out)
	})
}

func readJSON(w http.ResponseWriter, r *http.Request, in any) error {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return invalid(http.StatusUnsupportedMediaType, "json_only", "the body must be application/json")
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	dec.UseNumber()
	dec.DisallowUnknownFields()
	if err := dec.Decode(in); err != nil {
		return invalid(http.StatusBadRequest, "invalid_json", "the body is not as expected: %v", err)
	}
	return nil
}

func writeError(w http.ResponseWriter, err error) {
	var e *ControlError
	if !errors.As(err, &e) {
		e = &ControlError{Status: http.StatusInternalServerError, Code: "internal", Message: err.Error()}
	}
	writeJSON(w, e.Status, e)
}

func (s *Server) serveState(w http.ResponseWriter, r *http.Request) {
	state, err := s.State(r.URL.Query().Get("user"))
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, state)
}

// Changes returns a channel that receives after a change; several changes may be combined. The caller
// calls stop when done.
func (s *Server) Changes() (changes <-chan struct{}, stop func()) {
	ch := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers[ch] = true
	return ch, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, ch)
	}
}

func decoder(raw []byte) *json.Decoder {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	return dec
}
