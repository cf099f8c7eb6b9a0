package slack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"time"
)

// control mounts the actions of people. Answers are JSON; errors are {error, message}.
func (s *Server) control(mux *http.ServeMux) {
	mux.HandleFunc("GET /control/state", s.serveState)
	mux.HandleFunc("GET /control/events", s.serveEvents)
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

// serveEvents notifies a page when to read the state again.
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request) {
	changes, stop := s.Changes()
	defer stop()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	beat := time.NewTicker(15 * time.Second)
	defer beat.Stop()
	for event := "event: changed\ndata: {}\n\n"; ; {
		// A reader that is too slow is disconnected.
		_ = out.SetWriteDeadline(time.Now().Add(10 * time.Second))
		if _, err := fmt.Fprint(w, event); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-changes:
			event = "event: changed\ndata: {}\n\n"
		case <-beat.C:
			event = ": still here\n\n"
		case <-r.Context().Done():
			return
		case <-s.ctx.Done():
			return
		}
	}
}

func decoder(raw []byte) *json.Decoder {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	return dec
}
