package github

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Bounds of webhooks: GitHub's timeout and largest payload, and our own limits.
const (
	hookTimeout   = 10 * time.Second
	maxPayload    = 25 << 20
	maxQueued     = 1000
	maxDeliveries = 1000 // saved in the log
	// orderPatience is how long a delivery waits for the one before it. Deliveries are in order for a
	// quick receiver, and concurrent for a slow one.
	orderPatience = 500 * time.Millisecond
	reorderHold   = 5 * time.Second
)

// delivery is one attempt to deliver one event.
type delivery struct {
	ID           int64           `json:"id"`
	GUID         string          `json:"guid"`
	Event        string          `json:"event"`
	Action       string          `json:"action"`
	RepositoryID int64           `json:"repositoryId"`
	Redelivery   bool            `json:"redelivery"`
	At           time.Time       `json:"at"`
	Duration     float64         `json:"duration"`
	Code         int             `json:"code"`
	Status       string          `json:"status"` // OK, or the error
	Payload      json.RawMessage `json:"payload"`
	Answer       string          `json:"answer"`
}

func (d *delivery) ok() bool { return d.Code >= 200 && d.Code < 300 }

// hooks is the App's webhook: a bounded queue, a sender and a log. The lock of the server protects its
// fields.
type hooks struct {
	url, secret string
	client      *http.Client
	log         []*delivery // oldest first
	faults      []*WebhookFault
	held        []*delivery // delayed by a reorder fault
	closing     bool        // accepts no new deliveries

	queue   chan *delivery
	pending sync.WaitGroup // unfinished deliveries
	flush   chan struct{}  // closed when delays end early
	once    sync.Once
}

func newHooks(cfg Config) *hooks {
	return &hooks{
		url: cfg.WebhookURL, secret: cfg.WebhookSecret, queue: make(chan *delivery, maxQueued), flush: make(chan struct{}),
		client: &http.Client{Transport: cfg.Transport, Timeout: hookTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error {
				return http.ErrUseLastResponse // GitHub follows no redirect
			}},
	}
}

// start sends deliveries until the server closes.
func (h *hooks) start(s *Server) {
	go func() {
		for {
			select {
			case d := <-h.queue:
				h.inOrder(s, d)
			case <-s.ctx.Done():
				return
			}
		}
	}()
}

func (h *hooks) inOrder(s *Server, d *delivery) {
	done := make(chan struct{})
	go func() { defer close(done); defer h.pending.Done(); s.deliver(d) }()
	t := time.NewTimer(orderPatience)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	}
}

// drain sends the queue without delays until ctx ends.
func (h *hooks) drain(ctx context.Context, s *Server) error {
	s.mu.Lock()
	h.closing = true
	s.mu.Unlock()
	h.once.Do(func() { close(h.flush) })
	return waitFor(ctx, h.pending.Wait)
}

// emit queues an event for the App, under the lock.
func (s *Server) emit(r *repository, event, action string, payload obj) {
	if s.hooks.url == "" || r.Config.Outside || s.suspended || !slices.Contains(s.cfg.WebhookEvents, event) {
		return
	}
	data, err := reply{body: payload}.bytes()
	if err != nil || len(data) > maxPayload {
		s.cfg.Log.Error("webhook not sent", slog.String("event", event), slog.Int("bytes", len(data)), slog.Any("error", err))
		return
	}
	s.hooks.route(s, &delivery{GUID: newGUID(), Event: event, Action: action, RepositoryID: r.ID, Payload: data})
}

func newGUID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// push queues a delivery. If the queue is full, it logs the delivery as failed.
func (h *hooks) push(s *Server, d *delivery) {
	h.pending.Add(1)
	select {
	case h.queue <- d:
	default:
		h.pending.Done()
		d.Status = "queue full"
		s.record(d)
	}
}

// deliver makes one attempt and logs it.
func (s *Server) deliver(d *delivery) {
	s.mu.Lock()
	url, secret := s.hooks.url, s.hooks.secret
	s.state.DeliveryID++
	d.ID, d.At = firstID+s.state.DeliveryID, time.Now()
	s.state.Counts.Deliveries[d.Event+"."+d.Action]++
	s.mu.Unlock()
	d.Status = "OK"
	if err := s.post(d, url, secret); err != nil {
		d.Status = err.Error()
	} else if !d.ok() {
		d.Status = "Invalid HTTP Response: " + strconv.Itoa(d.Code)
	}
	d.Duration = time.Since(d.At).Seconds()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record(d)
}

func (s *Server) post(d *delivery, url, secret string) error {
	req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, url, bytes.NewReader(d.Payload))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	req.Header = s.hookHeader(d, secret)
	resp, err := s.hooks.client.Do(req)
	if err != nil {
		return fmt.Errorf("deliver: %w", err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // the page shows the part that arrived
	d.Code, d.Answer = resp.StatusCode, string(body)
	return nil
}

func (s *Server) hookHeader(d *delivery, secret string) http.Header {
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "GitHub-Hookshot/5a6bd17")
	h.Set("X-GitHub-Delivery", d.GUID)
	h.Set("X-GitHub-Event", d.Event)
	h.Set("X-GitHub-Hook-ID", itoa(s.cfg.App.ID))
	h.Set("X-GitHub-Hook-Installation-Target-ID", itoa(s.cfg.App.ID))
	h.Set("X-GitHub-Hook-Installation-Target-Type", "integration")
	if secret != "" {
		h.Set("X-Hub-Signature", "sha1="+sign(sha1.New, secret, d.Payload))
		h.Set("X-Hub-Signature-256", "sha256="+sign(sha256.New, secret, d.Payload))
	}
	return h
}

func sign(algorithm func() hash.Hash, secret string, payload []byte) string {
	mac := hmac.New(algorithm, []byte(secret))
	mac.Write(payload)
	return hex.EncodeToString(mac.Sum(nil))
}

// record appends to the bounded log, under the lock.
func (s *Server) record(d *delivery) {
	if d.ID == 0 { // never attempted
		s.state.DeliveryID++
		d.ID, d.At = firstID+s.state.DeliveryID, time.Now()
	}
	s.hooks.log = append(s.hooks.log, d)
	if extra := len(s.hooks.log) - maxDeliveries; extra > 0 {
		s.hooks.log = slices.Delete(s.hooks.log, 0, extra)
	}
	s.saver.keepDelivery(d)
	s.saver.mark()
}
