package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/sim/aws"
	"github.com/tfpilot/tfpilot/internal/sim/github"
	"github.com/tfpilot/tfpilot/internal/sim/openai"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
	"github.com/tfpilot/tfpilot/internal/sim/slack"
)

const maxBody = 1 << 20

// pages serves the control API. Package page adds the page itself.
func (s *Sandbox) pages() http.Handler {
	s.page = http.NewServeMux()
	s.page.Handle("/control/", jsonBodies(s.Slack.Handler()))
	s.control(http.MethodPost, "faults", jsonBodies(http.HandlerFunc(s.orderFaults)))
	s.control(http.MethodPost, "cloud", jsonBodies(http.HandlerFunc(s.changeCloud)))
	s.control(http.MethodPost, "webhooks/replay", jsonBodies(http.HandlerFunc(s.replay)))
	s.control(http.MethodGet, "counts", http.HandlerFunc(s.counts))
	s.control(http.MethodGet, "access", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, s.Access)
	}))
	return jsonErrors(s.page)
}

// control adds a call of the control API. It refuses other methods itself, since the mux would pass
// them on to the Slack handler.
func (s *Sandbox) control(method, name string, h http.Handler) {
	s.page.HandleFunc("/control/"+name, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method {
			w.Header().Set("Allow", method)
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// Mount adds a page beside the control API.
func (s *Sandbox) Mount(pattern string, h http.Handler) { s.page.Handle(pattern, h) }

// jsonErrors turns the mux's own refusals into {error, message}, like every other error.
func jsonErrors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/control/") || strings.HasPrefix(r.URL.Path, "/view/") {
			w = &errorWriter{ResponseWriter: w, call: r.Method + " " + r.URL.Path}
		}
		next.ServeHTTP(w, r)
	})
}

type errorWriter struct {
	http.ResponseWriter
	call string
	own  bool // the handler wrote this answer itself
}

// Unwrap lets an event stream flush.
func (w *errorWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *errorWriter) WriteHeader(status int) {
	code, message := "", ""
	switch status {
	case http.StatusNotFound:
		code, message = "not_found", "there is no "+w.call
	case http.StatusMethodNotAllowed:
		code, message = "wrong_method", w.call+" needs another method: "+w.Header().Get("Allow")
	}
	if code == "" || w.Header().Get("Content-Type") == "application/json" {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.own = true
	problem(w.ResponseWriter, status, code, message)
}

func (w *errorWriter) Write(p []byte) (int, error) {
	if w.own {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}

// socketOrigin is the Origin header that Slack's client libraries send for their socket. A single-use
// ticket protects the socket.
const socketOrigin = "https://api.slack.com"

// ownHost refuses requests that name another host or come from another site: a web page elsewhere in
// the browser must not reach the sandbox.
func ownHost(addr string, next http.Handler) http.Handler {
	_, port, _ := strings.Cut(addr, ":")
	own := map[string]bool{addr: true, "localhost:" + port: true}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !own[r.Host] {
			problem(w, http.StatusMisdirectedRequest, "wrong_host", "this server only answers requests to "+addr)
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" && (origin != socketOrigin || r.URL.Path != "/socket") {
			if u, err := url.Parse(origin); err != nil || !own[u.Host] {
				problem(w, http.StatusForbidden, "wrong_origin", "this server only answers its own pages")
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func jsonBodies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); r.Method == http.MethodPost &&
			(err != nil || t != "application/json") {
			problem(w, http.StatusUnsupportedMediaType, "not_json", "send the body as application/json")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

func problem(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, map[string]string{"error": code, "message": message})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// FaultOrder is the body of POST /control/faults. Clear is applied first, then every field that is
// set. Every service accepts the kinds "5xx", "429", "hang" and "lost", and adds kinds of its own.
type FaultOrder struct {
	Clear      bool                  `json:"clear"`
	GitHub     []github.Fault        `json:"github"`
	Webhooks   []github.WebhookFault `json:"webhooks"`
	S3         []s3.Fault            `json:"s3"`
	Cloud      []aws.Fault           `json:"cloud"`
	Slack      []slack.Fault         `json:"slack"`
	Disconnect string                `json:"disconnect"` // reason; disconnects one socket
	FlushRedis bool                  `json:"flushRedis"`
	Model      []openai.Fault        `json:"model"`
}

func (s *Sandbox) orderFaults(w http.ResponseWriter, r *http.Request) {
	var order FaultOrder
	if !decode(w, r, &order) {
		return
	}
	if order.Clear {
		s.clearFaults()
	}
	if err := s.inject(order); err != nil {
		problem(w, http.StatusBadRequest, "bad_fault", err.Error())
		return
	}
	answer(w, http.StatusOK, map[string]bool{"ok": true})
}

func (s *Sandbox) clearFaults() {
	s.GitHub.ClearFaults()
	s.S3.ClearFaults()
	s.Cloud.ClearFaults()
	s.Slack.ClearFaults()
	s.Model.ClearFaults()
}

func (s *Sandbox) inject(order FaultOrder) error {
	var err error
	for _, f := range order.GitHub {
		err = errors.Join(err, s.GitHub.AddFault(f))
	}
	for _, f := range order.Webhooks {
		err = errors.Join(err, s.GitHub.AddWebhookFault(f))
	}
	for _, f := range order.S3 {
		err = errors.Join(err, s.S3.Inject(f))
	}
	for _, f := range order.Cloud {
		err = errors.Join(err, s.Cloud.Inject(f))
	}
	for _, f := range order.Slack {
		err = errors.Join(err, s.Slack.Inject(f))
	}
	switch {
	case order.Disconnect == "":
	case slices.Contains(slack.Disconnects, order.Disconnect):
		s.Slack.Disconnect(order.Disconnect, 1)
	default:
		err = errors.Join(err, fmt.Errorf("unknown disconnect reason %q", order.Disconnect))
	}
	if order.FlushRedis {
		s.FlushRedis()
	}
	for _, f := range order.Model {
		err = errors.Join(err, s.Model.Inject(f))
	}
	return err
}

func decode(w http.ResponseWriter, r *http.Request, v any) bool {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil && !errors.Is(err, io.EOF) {
		problem(w, http.StatusBadRequest, "bad_body", err.Error())
		return false
	}
	return true
}

// CloudOrder is the body of POST /control/cloud: one change from outside Terraform.
type CloudOrder struct {
	Type       string         `json:"type"`
	ID         string         `json:"id"`
	Attributes map[string]any `json:"attributes"` // values to set; null removes an attribute
	Remove     bool           `json:"remove"`
	Contents   *int           `json:"contents"` // objects in a bucket, images in a repository
	Reset      bool           `json:"reset"`
}

func (s *Sandbox) changeCloud(w http.ResponseWriter, r *http.Request) {
	var order CloudOrder
	if !decode(w, r, &order) {
		return
	}
	var err error
	switch {
	case order.Reset:
		err = s.Cloud.Reset()
	case order.Remove:
		err = s.Cloud.Remove(order.Type, order.ID)
	case order.Contents != nil:
		err = s.Cloud.Fill(order.Type, order.ID, *order.Contents)
	case len(order.Attributes) > 0:
		err = s.Cloud.Change(order.Type, order.ID, order.Attributes)
	}
	if err != nil {
		problem(w, http.StatusBadRequest, "bad_change", err.Error())
		return
	}
	answer(w, http.StatusOK, map[string]any{"objects": s.Cloud.Objects(order.Type)})
}

func (s *Sandbox) replay(w http.ResponseWriter, r *http.Request) {
	var order struct {
		Delivery int64 `json:"delivery"` // 0 replays every failed delivery
	}
	if !decode(w, r, &order) {
		return
	}
	n := 0
	for _, d := range s.GitHub.Deliveries() {
		if d.ID != order.Delivery && (order.Delivery != 0 || d.Code >= 200 && d.Code < 300) {
			continue
		}
		if err := s.GitHub.Redeliver(d.ID); err != nil {
			problem(w, http.StatusConflict, "not_delivered", err.Error())
			return
		}
		n++
	}
	if n == 0 && order.Delivery != 0 {
		problem(w, http.StatusNotFound, "no_delivery", "delivery not found")
		return
	}
	answer(w, http.StatusOK, map[string]int{"replayed": n})
}

// Counts holds the counters of the simulators.
type Counts struct {
	Slack  slack.Counts  `json:"slack"`
	GitHub github.Counts `json:"github"`
	S3     []s3.Count    `json:"s3"`
	At     time.Time     `json:"at"`
}

func (s *Sandbox) counts(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, Counts{s.Slack.Counts(), s.GitHub.Counts(), s.S3.Counts(), time.Now().UTC()})
}
