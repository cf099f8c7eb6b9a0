package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"
)

const (
	maxSockets    = 10
	pingEvery     = 5 * time.Second
	pongDeadline  = 10 * time.Second
	writeDeadline = 10 * time.Second
	ackDeadline   = 3 * time.Second
	maxAck        = 20 << 10 // an ack of this size or more is dropped silently
	ticketLife    = time.Minute
	warningLead   = 10 * time.Second
	debugLife     = 360 * time.Second
)

// socket is one Socket Mode connection.
type socket struct {
	conn  *websocket.Conn
	out   chan []byte
	close context.CancelFunc
	life  time.Duration
	seq   int // in order of connection
}

// socketEnvelope is a delivery that waits for its acknowledgment.
type socketEnvelope struct {
	id      string
	accepts bool
	ack     chan json.RawMessage
}

func (s *Server) connectionsOpen(a arguments) (obj, error) {
	now := time.Now()
	for t, issued := range s.tickets {
		if now.Sub(issued) > ticketLife {
			delete(s.tickets, t)
		}
	}
	ticket := s.hex(32)
	s.tickets[ticket] = now
	base := strings.Replace(s.baseURL(a.host), "http", "ws", 1)
	return obj{"url": base + "/socket?ticket=" + ticket + "&app_id=" + s.cfg.Bot.AppID}, nil
}

func (s *Server) takeTicket(ticket string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	issued, ok := s.tickets[ticket]
	delete(s.tickets, ticket)
	return ok && time.Since(issued) <= ticketLife
}

func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	if !s.takeTicket(r.URL.Query().Get("ticket")) {
		http.Error(w, "invalid ticket", http.StatusForbidden)
		return
	}
	// Slack's clients send Slack as their origin. The ticket authenticates them.
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{OriginPatterns: []string{"api.slack.com"}})
	if err != nil {
		return
	}
	defer conn.CloseNow()
	conn.SetReadLimit(1 << 20)
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	k := &socket{conn: conn, out: make(chan []byte, 256), close: cancel, life: s.cfg.ConnectionLife}
	if r.URL.Query().Get("debug_reconnects") == "true" {
		k.life = debugLife
	}
	if !s.admit(k) {
		_ = write(ctx, conn, s.disconnectMessage("too_many_websockets"))
		return
	}
	defer s.dismiss(k)
	s.background(func() { s.pump(ctx, k) })
	s.background(func() { s.keepAlive(ctx, k) })
	s.read(ctx, k)
}

// admit registers a connection and greets it, unless there are too many.
func (s *Server) admit(k *socket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sockets) >= maxSockets || s.ctx.Err() != nil {
		return false
	}
	s.running.Add(1)
	s.sockets[k] = true
	s.connected++
	k.seq = s.connected
	k.out <- encode(obj{
		"type": "hello", "num_connections": len(s.sockets), "connection_info": obj{"app_id": s.cfg.Bot.AppID},
		"debug_info": obj{"host": "applink-sandbox", "build_number": 1, "approximate_connection_time": int(k.life.Seconds())},
	})
	s.touch()
	return true
}

func (s *Server) dismiss(k *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sockets, k)
	s.touch()
	s.running.Done()
}

// pump writes queued messages and announces the end of the connection.
func (s *Server) pump(ctx context.Context, k *socket) {
	defer k.close()
	warn := time.NewTimer(max(0, k.life-warningLead))
	end := time.NewTimer(k.life)
	defer warn.Stop()
	defer end.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case raw := <-k.out:
			if write(ctx, k.conn, raw) != nil {
				return
			}
		case <-warn.C:
			_ = write(ctx, k.conn, s.disconnectMessage("warning"))
		case <-end.C:
			_ = write(ctx, k.conn, s.disconnectMessage("refresh_requested"))
			return
		}
	}
}

func write(ctx context.Context, conn *websocket.Conn, raw []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writeDeadline)
	defer cancel()
	return conn.Write(ctx, websocket.MessageText, raw)
}

// keepAlive sends pings, since clients treat silence as a dead connection.
func (s *Server) keepAlive(ctx context.Context, k *socket) {
	defer k.close()
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			pong, cancel := context.WithTimeout(ctx, pongDeadline)
			err := k.conn.Ping(pong)
			cancel()
			if err != nil {
				return
			}
		}
	}
}

func (s *Server) read(ctx context.Context, k *socket) {
	defer k.close()
	for {
		_, raw, err := k.conn.Read(ctx)
		if err != nil {
			return
		}
		s.acknowledge(raw)
	}
}

// acknowledge accepts an ack from any connection of the app. A client that reconnects sends the
// missing acks on the new one.
func (s *Server) acknowledge(raw []byte) {
	var ack struct {
		EnvelopeID string          `json:"envelope_id"`
		Payload    json.RawMessage `json:"payload"`
	}
	if json.Unmarshal(raw, &ack) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.envelopes[ack.EnvelopeID]
	switch {
	case len(raw) >= maxAck:
		s.counts.Oversized++
	case e == nil:
		s.counts.LateAcks++
	default:
		s.counts.Acks++
		delete(s.envelopes, e.id)
		if !e.accepts {
			ack.Payload = nil
		}
		e.ack <- ack.Payload
	}
}

// send writes an envelope to one connection, or returns nil without one. The caller holds mu.
func (s *Server) send(kind string, payload obj, accepts bool, more obj) *socketEnvelope {
	k := s.anySocket()
	if k == nil {
		return nil
	}
	e := &socketEnvelope{id: s.uuid(), accepts: accepts, ack: make(chan json.RawMessage, 1)}
	out := obj{"envelope_id": e.id, "type": kind, "payload": payload, "accepts_response_payload": accepts}
	for name, value := range more {
		out[name] = value
	}
	s.envelopes[e.id] = e
	s.counts.Envelopes++
	select {
	case k.out <- encode(out):
	default:
		k.close() // it is too slow
	}
	return e
}

func (s *Server) anySocket() *socket {
	if len(s.sockets) == 0 {
		return nil
	}
	return s.byAge()[s.rng.IntN(len(s.sockets))]
}

// byAge lists the connections in a fixed order, so that the same seed picks the same one.
func (s *Server) byAge() []*socket {
	return slices.SortedFunc(maps.Keys(s.sockets), func(a, b *socket) int { return a.seq - b.seq })
}

// await waits for the ack of an envelope until the deadline.
func (s *Server) await(e *socketEnvelope) (json.RawMessage, bool) {
	timer := time.NewTimer(ackDeadline)
	defer timer.Stop()
	select {
	case payload := <-e.ack:
		return payload, true
	case <-timer.C:
	case <-s.ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(e.ack) > 0 { // it arrived while this goroutine waited for the lock
		return <-e.ack, true
	}
	delete(s.envelopes, e.id)
	s.counts.Unacked++
	return nil, false
}

func (s *Server) disconnectMessage(reason string) []byte {
	return encode(obj{"type": "disconnect", "reason": reason, "debug_info": obj{"host": "applink-sandbox"}})
}

// Ways to lose a connection.
const (
	DisconnectWarning  = "warning"           // announced; closed ten seconds later
	DisconnectRefresh  = "refresh_requested" // announced and closed
	DisconnectDisabled = "link_disabled"     // announced and closed
	DisconnectDrop     = "drop"              // closed without a notice
)

// Disconnects lists all of them.
var Disconnects = []string{DisconnectWarning, DisconnectRefresh, DisconnectDisabled, DisconnectDrop}

// Disconnect closes connections: the n oldest, or all if n is 0. It returns their number.
func (s *Server) Disconnect(reason string, n int) int {
	s.mu.Lock()
	all := s.byAge()
	s.mu.Unlock()
	if n > 0 && n < len(all) {
		all = all[:n]
	}
	for _, k := range all {
		s.disconnect(k, reason)
	}
	return len(all)
}

func (s *Server) disconnect(k *socket, reason string) {
	if reason == DisconnectDrop {
		k.close()
		return
	}
	_ = write(s.ctx, k.conn, s.disconnectMessage(reason))
	if reason == DisconnectWarning {
		time.AfterFunc(warningLead, k.close)
		return
	}
	k.close()
}

// Connections returns the number of the app's sockets.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sockets)
}

func (s *Server) uuid() string {
	h := s.hex(32)
	return fmt.Sprintf("%s-%s-%s-%s-%s", h[:8], h[8:12], h[12:16], h[16:20], h[20:])
}

func encode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil { // only values that were decoded from JSON are encoded
		panic(err)
	}
	return raw
}
