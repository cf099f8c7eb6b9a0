// Package slack simulates a Slack workspace with one installed app, for real Slack clients. It serves
// the Web API, Socket Mode, response URLs, and a control API that performs what people do in Slack's
// own window.
//
// It owns Slack's rules as far as they affect an app: limits, scopes, rate limits, triggers,
// acknowledgment deadlines, view stacks, error codes. It renders nothing and knows nothing of the app.
// It opens no listener and no file, except a snapshot under Config.DataDir, and takes all time from
// package time, so that it runs in a synctest bubble.
package slack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// obj is a JSON object, decoded or to be encoded.
type obj = map[string]any

// Team is the workspace.
type Team struct {
	ID     string // required
	Name   string
	Domain string // required
}

// User is a person of the workspace.
type User struct {
	ID       string // required
	Name     string // required; the handle without "@"
	RealName string
	Email    string
	Deleted  bool
}

// Channel is a channel of the workspace.
type Channel struct {
	ID       string // required
	Name     string // required; without "#"
	Private  bool
	Archived bool
	Members  []string // user ids; empty: everyone
	NoBot    bool     // the app was not invited
}

// Bot is the app as it appears in the workspace.
type Bot struct {
	UserID string // required
	BotID  string
	AppID  string
	Name   string
}

// Config configures a workspace.
type Config struct {
	Team     Team   // required
	Users    []User // required
	Channels []Channel
	Bot      Bot    // required
	BotToken string // required; xoxb-…
	AppToken string // required; xapp-…
	Manifest []byte // required; the app's manifest, YAML
	// GrantOptional also grants the scopes that the manifest lists as optional.
	GrantOptional bool
	// BaseURL is the address of Handler, without a slash at the end. It is used in response URLs and
	// socket addresses. If it is empty, the first request that needs an address sets it.
	BaseURL string
	DataDir string
	Seed    uint64
	// Limits replaces the rate limit of single methods; Relaxed turns all of them off.
	Limits         map[string]Limit
	Relaxed        bool
	ConnectionLife time.Duration // of a socket; 0: one hour
	Log            *slog.Logger
}

// Server is one workspace. Its methods may be called from any goroutine.
type Server struct {
	cfg      Config
	manifest manifest
	log      *slog.Logger
	ctx      context.Context
	cancel   context.CancelFunc
	running  sync.WaitGroup

	mu        sync.Mutex
	rng       *rand.Rand
	base      string
	lastTS    time.Time
	users     []User
	channels  []*channelLog
	homes     map[string]*openView   // by user id
	stacks    map[string][]*openView // open modals by user id, the root first
	triggers  map[string]*triggerRecord
	replies   map[string]*responseURL
	pending   map[string][]*Pending
	notices   map[string][]Notice
	offered   map[string][]any // the last options of a menu
	status    map[string]string
	uploads   map[string]*upload // files, by id
	sockets   map[*socket]bool
	connected int
	tickets   map[string]time.Time
	envelopes map[string]*socketEnvelope
	limits    limits
	faults    faults
	inFlight  int // events
	counts    Counts
	watchers  map[chan struct{}]bool
	dirty     chan struct{}
}

// New returns a workspace with the state that is saved in Config.DataDir.
func New(cfg Config) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	m, err := parseManifest(cfg.Manifest)
	if err != nil {
		return nil, fmt.Errorf("app manifest: %w", err)
	}
	s := &Server{
		cfg: cfg, manifest: m, log: cfg.Log, base: cfg.BaseURL, users: cfg.Users,
		rng:     rand.New(rand.NewPCG(cfg.Seed, 0x51ac)),
		sockets: map[*socket]bool{}, tickets: map[string]time.Time{}, envelopes: map[string]*socketEnvelope{},
		watchers: map[chan struct{}]bool{}, dirty: make(chan struct{}, 1),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.limits = newLimits(cfg)
	s.clear()
	if cfg.DataDir != "" {
		if err := s.load(); err != nil {
			return nil, fmt.Errorf("saved workspace: %w", err)
		}
		s.background(s.saver)
	}
	return s, nil
}

func (c *Config) check() error {
	var missing []string
	for name, value := range map[string]string{
		"Team.ID": c.Team.ID, "Team.Domain": c.Team.Domain, "Bot.UserID": c.Bot.UserID,
		"BotToken": c.BotToken, "AppToken": c.AppToken, "Manifest": string(c.Manifest),
	} {
		if value == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return errors.New("missing " + strings.Join(missing, ", "))
	}
	c.Bot.BotID = or(c.Bot.BotID, "B"+c.Bot.UserID[1:])
	c.Bot.AppID = or(c.Bot.AppID, "A"+c.Bot.UserID[1:])
	c.Bot.Name = or(c.Bot.Name, "app")
	c.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
	if c.ConnectionLife == 0 {
		c.ConnectionLife = time.Hour
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// clear empties the workspace. Sockets stay connected.
func (s *Server) clear() {
	s.channels = nil
	for _, c := range s.cfg.Channels {
		s.channels = append(s.channels, newChannel(c, s.cfg.Users))
	}
	s.homes, s.stacks = map[string]*openView{}, map[string][]*openView{}
	s.triggers, s.replies = map[string]*triggerRecord{}, map[string]*responseURL{}
	s.pending, s.notices = map[string][]*Pending{}, map[string][]Notice{}
	s.offered, s.status = map[string][]any{}, map[string]string{}
	s.uploads = map[string]*upload{}
	s.counts = newCounts()
	s.faults = faults{}
}

// Close disconnects all sockets, waits for work in progress and saves once more.
func (s *Server) Close() error {
	s.mu.Lock() // nothing may start between the cancel and the wait
	s.cancel()
	s.mu.Unlock()
	s.running.Wait()
	if s.cfg.DataDir == "" {
		return nil
	}
	return s.save()
}

// SetBaseURL sets the address of Handler if it is only known after New.
func (s *Server) SetBaseURL(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base = strings.TrimSuffix(url, "/")
}

// Handler serves /api/, /socket, /response/, /upload/, /files/ and /control/.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", s.serveAPI)
	mux.HandleFunc("GET /socket", s.serveSocket)
	mux.HandleFunc("POST /response/{token}", s.serveResponseURL)
	mux.HandleFunc("POST /upload/v1/{token}", s.serveUpload)
	mux.HandleFunc("GET /files/{id}", s.serveFile)
	s.control(mux)
	return mux
}

// background runs fn until the server closes; fn must observe s.ctx. It is called before the server is
// in use, with mu held, or from another background function.
func (s *Server) background(fn func()) {
	if s.ctx.Err() == nil {
		s.running.Go(fn)
	}
}

// touch notifies watchers and the saver of a change. The caller holds mu.
func (s *Server) touch() {
	for w := range s.watchers {
		poke(w)
	}
	poke(s.dirty)
}

func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

const idLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// id generates an identifier in Slack's form.
func (s *Server) id(prefix string) string {
	b := make([]byte, 10)
	for i := range b {
		b[i] = idLetters[s.rng.IntN(len(idLetters))]
	}
	return prefix + string(b)
}

func (s *Server) hex(n int) string {
	const digits = "0123456789abcdef"
	b := make([]byte, n)
	for i := range b {
		b[i] = digits[s.rng.IntN(16)]
	}
	return string(b)
}

// ts returns a new message timestamp in microseconds, never the same twice.
func (s *Server) ts() string {
	now := time.Now().Truncate(time.Microsecond)
	if !now.After(s.lastTS) {
		now = s.lastTS.Add(time.Microsecond)
	}
	s.lastTS = now
	return fmt.Sprintf("%d.%06d", now.Unix(), now.Nanosecond()/1000)
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
