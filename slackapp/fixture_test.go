package slackapp

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
	sandbox "github.com/tfpilot/tfpilot/internal/sim/slack"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/story"
	"github.com/tfpilot/tfpilot/internal/testing/bucket"
	"github.com/tfpilot/tfpilot/internal/testing/inprocess"
)

const (
	teamID   = story.Team
	devCh    = "C0INFRADEV"
	prodCh   = "C0INFRAPRD"
	payCh    = "C0PAYMENTS"
	slackURL = "http://slack.test"
)

func testPolicy() rbac.Policy {
	return rbac.Policy{
		Admins: []string{"adam"}, Approvers: []string{"ana", "omar"}, Viewers: []string{"vic"},
		ProdAllowed: []string{"omar", "adam"}, DestroyProdAllowed: []string{"adam"},
	}
}

func testDirectory() Directory {
	env := func(project, key, slug, channel string) config.Environment {
		return config.Environment{Project: project, Key: key, Slug: slug, Channel: channel, Protected: key == "prod",
			Apply: "approvers", Destroy: "admins"}
	}
	return Directory{
		{Name: "core", Owner: "acme", Repo: "infra-core", Base: "main",
			Environments: []config.Environment{env("core", "dev", "app", devCh), env("core", "prod", "app", prodCh)}},
		{Name: "payments", Owner: "acme", Repo: "infra-payments", Base: "main",
			Environments: []config.Environment{env("payments", "dev", "api", payCh)}},
	}
}

func testCatalog(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fixture is the app with simulators of everything around it, in virtual time.
type fixture struct {
	t       *testing.T
	slack   *sandbox.Server
	s3      *s3.Server
	store   *store.Store
	redis   *miniredis.Miniredis
	link    *queue.Redis
	notes   *queue.Notes
	index   *queue.Index
	cards   *Cards
	app     *App
	notices notices
}

// notices records the calls of the notifier.
type notices struct {
	mu  sync.Mutex
	all []string
}

func (n *notices) add(s string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, s)
	return nil
}

func (n *notices) Changed(_ context.Context, r lifecycle.Request, _ bool) error {
	return n.add("changed " + r.ID)
}
func (n *notices) Sync(_ context.Context, repo string) error { return n.add("sync " + repo) }

func (n *notices) has(s string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Contains(n.all, s)
}

// withFixture runs a story.
func withFixture(t *testing.T, play func(*fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &fixture{t: t}
		stop := w.start()
		defer stop()
		play(w)
	})
}

func (w *fixture) start() (stop func()) {
	w.s3 = w.newS3()
	lis := newPipes()
	w.slack = w.newSlack()
	web := &http.Server{Handler: w.slack.Handler()}
	go func() { _ = web.Serve(lis) }()
	transport := &http.Transport{DialContext: lis.dial}
	w.redis = miniredis.NewMiniRedis()
	w.redis.ClockTTL(true)
	redis, err := queue.Open("redis://redis:6379/0", w.dialRedis)
	w.must(err)
	w.store = bucket.Open(w.t, bucket.App, inprocess.To(w.s3), queue.NewCache(redis, []byte("key")))
	w.link, w.notes, w.index = redis, queue.NewNotes(redis), queue.NewIndex(redis)
	w.build(transport)
	socket := &Socket{API: w.app.API, Handler: w.app, Notes: w.notes, Dial: lis.dial, Log: w.app.Log}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- socket.Run(ctx) }()
	synctest.Wait()
	w.must(socket.Ready())
	return func() {
		cancel()
		w.must(<-ended)
		w.must(w.slack.Close())
		transport.CloseIdleConnections()
		_ = web.Close()
		w.must(redis.Close())
		w.redis.Close()
		time.Sleep(time.Minute) // what still waits gives up
	}
}

func (w *fixture) dialRedis(context.Context, string, string) (net.Conn, error) { return w.redis.Dial() }

func (w *fixture) build(transport http.RoundTripper) {
	access := Access{BotToken: "xoxb-1", AppToken: "xapp-1", APIURL: slackURL + "/api/", Transport: transport}
	api, err := NewClient(access)
	w.must(err)
	log := slog.New(slog.NewTextHandler(testWriter{w.t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	w.cards = &Cards{
		API: api, Documents: w.store, Notes: w.notes, Rights: request.Rights{Policy: testPolicy()}, Catalog: testCatalog(w.t),
		Projects: testDirectory(), PublicURL: "https://tfpilot.acme.test", Log: log,
	}
	w.app = &App{
		API: api, HTTP: HTTPClient(access), Requests: &request.Service{
			Documents: w.store, People: w.store, Plans: w.store, Index: w.index, Notifier: &w.notices, Policy: testPolicy(),
			Catalog: w.cards.Catalog, Projects: w.cards.Projects, LinkHelp: "Link it at https://tfpilot.acme.test/login.",
			Log: log,
		},
		Drafts: w.store, Cards: w.cards, Log: log,
	}
	for login, user := range story.SlackUsers {
		w.must(w.store.PutIdentity(w.t.Context(), lifecycle.Identity{SlackTeam: teamID, SlackUser: user, Login: login,
			GithubID: story.GitHubIDs[login]}))
	}
	w.must(w.index.Rebuild(w.t.Context(), func(func(queue.Row, error) bool) {}))
}

// testApp checks and draws, and is connected to nothing.
func testApp(t testing.TB) *App {
	t.Helper()
	c := testCatalog(t)
	return &App{
		Log:      discard(),
		Requests: &request.Service{Catalog: c, Projects: testDirectory(), Policy: testPolicy(), Log: discard()},
	}
}

// testWriter keeps the log with its test.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

func (w *fixture) newS3() *s3.Server {
	return bucket.New(w.t, "core", "payments")
}

// putSummary stores a plan, as only a run of the project can.
func (w *fixture) putSummary(project, correlation string, summary []byte) {
	w.t.Helper()
	run := bucket.Open(w.t, "run-plan-"+project, inprocess.To(w.s3), nil)
	w.must(run.PutSummary(w.t.Context(), project, correlation, summary))
}

func (w *fixture) newSlack() *sandbox.Server {
	manifest, err := os.ReadFile("../slack-manifest.yaml")
	w.must(err)
	cfg := sandbox.Config{
		Team: sandbox.Team{ID: teamID, Name: "Acme", Domain: "acme"},
		Channels: []sandbox.Channel{{ID: devCh, Name: "infra-dev"}, {ID: prodCh, Name: "infra-prod"},
			{ID: payCh, Name: "payments"},
			{ID: "C0ARCHIVED", Name: "old", Archived: true}, {ID: "C0PRIVATE1", Name: "closed", Private: true, NoBot: true},
			{ID: "C0NOBOT001", Name: "alone", NoBot: true}},
		Bot:      sandbox.Bot{UserID: "U0TFPILOT0", Name: "tfpilot"},
		BotToken: "xoxb-1", AppToken: "xapp-1", Manifest: manifest, BaseURL: slackURL,
	}
	for login, user := range story.SlackUsers {
		cfg.Users = append(cfg.Users, sandbox.User{ID: user, Name: login})
	}
	cfg.Users = append(cfg.Users, sandbox.User{ID: "U0NEW00009", Name: "nora"})
	srv, err := sandbox.New(cfg)
	w.must(err)
	return srv
}

func (w *fixture) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// command types a command and waits until everything has been answered.
func (w *fixture) command(user, channel, text string) sandbox.Result {
	w.t.Helper()
	r, err := w.slack.Command(user, channel, "/tfpilot", text)
	w.must(err)
	if r.Outcome != sandbox.Acked {
		w.t.Fatalf("%s typed %q: %s", user, text, r.Outcome)
	}
	w.settle()
	return r
}

// settle lets everything that was started come to its end.
func (w *fixture) settle() {
	time.Sleep(3 * time.Second)
	synctest.Wait()
}

func (w *fixture) state(user string) sandbox.State {
	w.t.Helper()
	st, err := w.slack.State(user)
	w.must(err)
	return st
}

// view is the view that a person has in front.
func (w *fixture) view(user string) sandbox.ViewState {
	w.t.Helper()
	views := w.state(user).Views
	if len(views) == 0 {
		w.t.Fatalf("%s has no view open; ephemerals: %v", user, w.whispers(user))
	}
	return views[len(views)-1]
}

// act uses an element of the view in front.
func (w *fixture) act(user, action string, selected any, values map[string]any) {
	w.t.Helper()
	v := w.view(user)
	r, err := w.slack.Act(sandbox.ActionInput{User: user, View: v.ID, ActionID: action, Selected: selected,
		Values: values})
	w.must(err)
	if r.Outcome != sandbox.Acked {
		w.t.Fatalf("%s used %s: %s", user, action, r.Outcome)
	}
	w.settle()
}

func (w *fixture) submit(user string, values map[string]any) sandbox.Result {
	w.t.Helper()
	r, err := w.slack.Submit(user, w.view(user).ID, values)
	w.must(err)
	w.settle()
	return r
}

// click presses a button of a message.
func (w *fixture) click(user string, m sandbox.MessageState, action string) {
	w.t.Helper()
	r, err := w.slack.Act(sandbox.ActionInput{User: user, Channel: m.Channel, TS: m.TS, ActionID: action})
	w.must(err)
	if r.Outcome != sandbox.Acked {
		w.t.Fatalf("%s pressed %s: %s", user, action, r.Outcome)
	}
	w.settle()
}

func (w *fixture) messages(user, channel string) []sandbox.MessageState {
	w.t.Helper()
	for _, c := range w.state(user).Channels {
		if c.ID == channel || channel == "dm" && c.Kind == "im" {
			return c.Messages
		}
	}
	w.t.Fatalf("no channel %s", channel)
	return nil
}

// whispers are the ephemeral answers that a person got, oldest first.
func (w *fixture) whispers(user string) []string {
	w.t.Helper()
	var all []string
	for _, c := range w.state(user).Channels {
		for _, m := range c.Ephemerals {
			all = append(all, m.Text)
		}
	}
	return all
}

func (w *fixture) lastWhisper(user string) string {
	w.t.Helper()
	all := w.whispers(user)
	if len(all) == 0 {
		w.t.Fatalf("nothing was said to %s alone", user)
	}
	return all[len(all)-1]
}

// wordsIn is all text of a piece of Slack, for checks of its words.
func wordsIn(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	collectText(&b, data)
	return b.String()
}

func collectText(b *strings.Builder, data json.RawMessage) {
	var any any
	if json.Unmarshal(data, &any) != nil {
		return
	}
	walkText(b, any)
}

func walkText(b *strings.Builder, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, item := range v {
			if s, ok := item.(string); ok && k == "text" {
				b.WriteString(s + "\n")
			}
			walkText(b, item)
		}
	case []any:
		for _, item := range v {
			walkText(b, item)
		}
	}
}

func has(t *testing.T, where string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(where, p) {
			t.Errorf("%q is missing in:\n%s", p, where)
		}
	}
}

// update changes a stored document the way a worker does.
func (w *fixture) update(id string, patches ...lifecycle.Patch) lifecycle.Request {
	w.t.Helper()
	doc, err := w.store.Update(w.t.Context(), id, lifecycle.System("worker"), lifecycle.All(patches...))
	w.must(err)
	return doc.Request
}

func (w *fixture) request(id string) lifecycle.Request {
	w.t.Helper()
	doc, err := w.store.Get(w.t.Context(), id)
	w.must(err)
	return doc.Request
}

// onlyRequest is the one request that was made.
func (w *fixture) onlyRequest() lifecycle.Request {
	w.t.Helper()
	var ids []string
	for e, err := range w.store.List(w.t.Context()) {
		w.must(err)
		ids = append(ids, e.ID)
	}
	if len(ids) != 1 {
		w.t.Fatalf("%d requests: %v", len(ids), ids)
	}
	return w.request(ids[0])
}

// pipes accepts connections made in memory.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (l *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	a, b := net.Pipe()
	select {
	case l.conns <- b:
		return a, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.done:
		return nil, errors.New("closed")
	}
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *pipes) Addr() net.Addr { return &net.TCPAddr{} }
