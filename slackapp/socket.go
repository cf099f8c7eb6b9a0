package slackapp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
	"golang.org/x/sync/semaphore"

	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

const (
	// connections is their number per app. Slack sends each payload to one of them, and
	// slack-go loses payloads while it reconnects, so a single one would drop clicks.
	connections = 2
	// maxHandlers bounds how many payloads are handled at once; more are refused visibly.
	maxHandlers = 64
	// maxExcuses bounds how many replies to refused clicks are sent at once.
	maxExcuses  = 16
	ackTimeout  = 2 * time.Second // Slack waits three
	handleLimit = 30 * time.Second
	drainLimit  = 10 * time.Second
	// readLimit bounds one incoming frame; Slack's largest view is 250 kB.
	readLimit    = 2 << 20
	restartDelay = 5 * time.Second
)

// Handler handles Slack's payloads. It calls ack first, at most once; the socket
// acknowledges the rest without a payload afterwards.
type Handler interface {
	Command(ctx context.Context, cmd slack.SlashCommand, ack Ack)
	Interaction(ctx context.Context, cb slack.InteractionCallback, ack Ack)
	// Event returns an error without an ack when Slack should deliver the event again.
	Event(ctx context.Context, event json.RawMessage, ack Ack) error
	// Busy tells the person who clicked that no handler is free.
	Busy(ctx context.Context, cb slack.InteractionCallback)
}

// Ack answers an envelope; payload may be nil.
type Ack func(payload any)

// Socket holds the connections of one app process to Slack.
type Socket struct {
	API     *slack.Client // required, with an app token
	Handler Handler       // required
	Notes   Notes         // nil: triggers that another process handled are unknown
	Dial    Dial          // nil: the network
	Log     *slog.Logger  // required

	health health
	recent recentTriggers
}

// Notes remembers handled triggers for all processes.
type Notes interface {
	Seen(ctx context.Context, key string, ttl time.Duration) (bool, error)
}

// Dial opens a connection to Slack.
type Dial func(ctx context.Context, network, addr string) (net.Conn, error)

// connection is one connection with the pools of its handlers.
type connection struct {
	*Socket
	client  *socketmode.Client
	pool    *pool
	excuses *pool
	log     *slog.Logger
}

// Run keeps the connections up until ctx ends, then lets the answers in progress
// finish. It returns an error only when Slack refuses the tokens.
func (s *Socket) Run(ctx context.Context) error {
	p, excuses := newPool(maxHandlers, s.Log), newPool(maxExcuses, s.Log)
	connCtx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	var wg sync.WaitGroup
	for i := range connections {
		wg.Go(func() {
			if err := s.connect(connCtx, i, p, excuses); err != nil {
				cancel(err)
			}
		})
	}
	select {
	case <-ctx.Done():
	case <-connCtx.Done():
	}
	// The connections outlive the handlers, which send their acks on them.
	p.drain(drainLimit)
	excuses.drain(drainLimit)
	cancel(nil)
	wg.Wait()
	if err := context.Cause(connCtx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// connect runs one connection, and reconnects after any end that is not final.
func (s *Socket) connect(ctx context.Context, n int, p, excuses *pool) error {
	log := s.Log.With(keyConnection, n)
	for ctx.Err() == nil {
		client := socketmode.New(s.API, s.options(log)...)
		l := &connection{Socket: s, client: client, pool: p, excuses: excuses, log: log}
		err := l.run(ctx, n)
		s.health.down(n)
		if fatal(err) {
			return fmt.Errorf("connect to Slack: %w", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(restartDelay):
		}
	}
	return nil
}

func (s *Socket) options(log *slog.Logger) []socketmode.Option {
	opts := []socketmode.Option{socketmode.OptionReadLimit(readLimit), socketmode.OptionLog(vendorLog{log})}
	if s.Dial != nil {
		opts = append(opts, socketmode.OptionDialer(&websocket.Dialer{
			NetDialContext: s.Dial, HandshakeTimeout: callTimeout, WriteBufferSize: 32 << 10, // one frame for the largest ack
		}))
	}
	return opts
}

// run reads events until the client gives up. Nothing here may block: slack-go
// wedges when its events are not read.
func (l *connection) run(ctx context.Context, n int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- l.client.RunContext(ctx) }()
	for {
		select {
		case err := <-ended:
			return err
		case evt := <-l.client.Events:
			l.take(evt, n)
		}
	}
}

func (l *connection) take(evt socketmode.Event, n int) {
	switch evt.Type {
	case socketmode.EventTypeHello:
		l.health.up(n)
	case socketmode.EventTypeConnecting, socketmode.EventTypeConnectionError:
		l.health.down(n)
		if e, ok := evt.Data.(*slack.ConnectionErrorEvent); ok {
			l.log.Warn("connection to Slack", keyError, e.ErrorObj)
		}
	case socketmode.EventTypeSlashCommand, socketmode.EventTypeInteractive, socketmode.EventTypeEventsAPI:
		l.dispatch(evt)
	case socketmode.EventTypeErrorBadMessage:
		if bad, ok := evt.Data.(*socketmode.ErrorBadMessage); ok {
			l.refuse(bad)
		}
	case socketmode.EventTypeErrorWriteFailed, socketmode.EventTypeIncomingError:
		l.log.Warn("socket", keyKind, string(evt.Type))
	}
}

// dispatch passes an envelope to the pool, or replies that the pool is full.
func (l *connection) dispatch(evt socketmode.Event) {
	ack := l.once(evt.Request.EnvelopeID)
	if !l.pool.tryGo(func(ctx context.Context) { l.handle(ctx, evt, ack) }) {
		l.log.Warn("too many answers in progress", keyEnvelope, evt.Request.EnvelopeID)
		if evt.Type != socketmode.EventTypeEventsAPI { // an event is sent again, a click is not
			go ack(busy(evt))
			l.excuse(evt)
		}
	}
}

// excuse replies to a click, whose ack cannot carry text.
func (l *connection) excuse(evt socketmode.Event) {
	cb, ok := evt.Data.(slack.InteractionCallback)
	if !ok || cb.Type != slack.InteractionTypeBlockActions {
		return
	}
	started := l.excuses.tryGo(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		l.Handler.Busy(ctx, cb)
	})
	if !started {
		l.log.Warn("a click was refused without a word", keyEnvelope, evt.Request.EnvelopeID)
	}
}

func (l *connection) handle(ctx context.Context, evt socketmode.Event, ack Ack) {
	switch data := evt.Data.(type) {
	case slack.SlashCommand:
		defer ack(nil)
		if l.first(ctx, data.TriggerID) {
			l.Handler.Command(ctx, data, ack)
		}
	case slack.InteractionCallback:
		defer ack(nil)
		// A submit is answered each time: its answer closes or keeps the modal,
		// and repeating it has no further effect.
		if data.Type == slack.InteractionTypeViewSubmission || l.first(ctx, data.TriggerID) {
			l.Handler.Interaction(ctx, data, ack)
		}
	default:
		// Without an ack Slack sends the event again.
		if err := l.Handler.Event(ctx, evt.Request.Payload, ack); err != nil {
			l.log.Error("event", keyError, err)
			return
		}
		ack(nil)
	}
}

const (
	seenFor     = 10 * time.Minute
	seenTimeout = 300 * time.Millisecond // a slow Redis must not eat the time to answer
)

// first reports whether no process handled this trigger before. If two processes handle
// it, that does no harm: a trigger opens one view, and patches are repeatable.
func (l *connection) first(ctx context.Context, trigger string) bool {
	if !l.recent.first(trigger) {
		return false
	}
	if l.Notes == nil || trigger == "" {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, seenTimeout)
	defer cancel()
	before, err := l.Notes.Seen(ctx, "slack:"+trigger, seenFor)
	return err != nil || !before
}

// refuse acknowledges an unreadable envelope, so that Slack stops sending it.
func (l *connection) refuse(bad *socketmode.ErrorBadMessage) {
	id := envelopeOf(bad.Message)
	l.log.Warn("unreadable envelope", keyEnvelope, id, keyError, bad.Cause)
	if id != "" {
		go l.once(id)(nil)
	}
}

func envelopeOf(message json.RawMessage) string {
	var env struct {
		ID string `json:"envelope_id"`
	}
	if json.Unmarshal(message, &env) != nil {
		return ""
	}
	return env.ID
}

// once makes the ack of an envelope; a second call has no effect.
func (l *connection) once(envelope string) Ack {
	var first sync.Once
	return func(payload any) {
		first.Do(func() {
			ctx, cancel := context.WithTimeout(context.Background(), ackTimeout)
			defer cancel()
			if err := l.client.AckCtx(ctx, envelope, payload); err != nil {
				l.log.Error("acknowledge", keyEnvelope, envelope, keyError, err)
			}
		})
	}
}

const tooMany = "TfPilot is busy, and nothing was done. Try again in a few seconds."

// busy is the ack of an envelope for which no handler is free.
func busy(evt socketmode.Event) any {
	switch data := evt.Data.(type) {
	case slack.SlashCommand:
		return blocks.Ephemeral(tooMany)
	case slack.InteractionCallback:
		if data.Type == slack.InteractionTypeViewSubmission {
			return errorAtFirstInput(data.View, tooMany)
		}
	}
	return nil
}

// fatal reports whether a new connection cannot fix the error.
func fatal(err error) bool {
	switch {
	case err == nil:
		return false
	case errorCode(err) != "":
		return true // slack-go reconnects by itself after any other code
	default:
		return false
	}
}

// vendorLog turns slack-go's log into debug lines.
type vendorLog struct{ log *slog.Logger }

func (q vendorLog) Output(_ int, entry string) error {
	q.log.Debug(entry)
	return nil
}

// Ready returns an error when Slack does not reach this process.
func (s *Socket) Ready() error { return s.health.ready() }

// health remembers which connections Slack has confirmed.
type health struct {
	mu      sync.Mutex
	greeted [connections]bool
}

func (h *health) set(n int, v bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.greeted[n] = v
}

func (h *health) up(n int)   { h.set(n, true) }
func (h *health) down(n int) { h.set(n, false) }

func (h *health) ready() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, g := range h.greeted {
		if g {
			return nil
		}
	}
	return errors.New("no connection to Slack")
}

// pool runs a bounded number of handlers at a time, and recovers their panics.
type pool struct {
	room *semaphore.Weighted
	size int64
	log  *slog.Logger
}

func newPool(size int64, log *slog.Logger) *pool {
	return &pool{room: semaphore.NewWeighted(size), size: size, log: log}
}

func (p *pool) tryGo(f func(context.Context)) bool {
	if !p.room.TryAcquire(1) {
		return false
	}
	go func() {
		defer p.room.Release(1)
		defer func() {
			if v := recover(); v != nil {
				p.log.Error("answer", keyPanic, fmt.Sprint(v), keyStack, string(debug.Stack()))
			}
		}()
		ctx, cancel := context.WithTimeout(context.Background(), handleLimit)
		defer cancel()
		f(ctx)
	}()
	return true
}

// drain waits until no handler runs, or until the time is up, and accepts no new ones.
func (p *pool) drain(limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := p.room.Acquire(ctx, p.size); err != nil {
		p.log.Warn("answers were cut off", keyError, err)
	}
}
