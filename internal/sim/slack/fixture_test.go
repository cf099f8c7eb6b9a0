package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	client "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

const (
	botToken = "xoxb-1"
	appToken = "xapp-1"
	dana     = "U0DANA0001"
	ana      = "U0ANA00002"
	dev      = "C0INFRADEV"
	prod     = "C0INFRAPRD"
	baseURL  = "http://slack.test"
)

const testManifest = `
features:
  app_home: {home_tab_enabled: true, messages_tab_enabled: true, messages_tab_read_only_enabled: false}
  slash_commands:
    - {command: /tfpilot, description: Infrastructure, usage_hint: request, should_escape: true}
oauth_config:
  scopes:
    bot: [app_mentions:read, assistant:write, chat:write, commands, im:history]
    bot_optional: [channels:history, chat:write.public]
settings:
  event_subscriptions: {bot_events: [app_home_opened, app_mention, message.im]}
  interactivity: {is_enabled: true}
  socket_mode_enabled: true
`

func config() Config {
	return Config{
		Team: Team{ID: "T0ACME0001", Name: "Acme", Domain: "acme"},
		Users: []User{
			{ID: dana, Name: "dana", RealName: "Dana", Email: "dana@acme.test"},
			{ID: ana, Name: "ana", Email: "ana@acme.test"},
			{ID: "U0GONE0009", Name: "gone", Deleted: true},
		},
		Channels: []Channel{
			{ID: dev, Name: "infra-dev"},
			{ID: prod, Name: "infra-prod", Members: []string{ana}},
			{ID: "C0NOBOT001", Name: "no-bot", NoBot: true},
			{ID: "C0ARCHIVED", Name: "old", Archived: true},
			{ID: "C0SECRET01", Name: "secret", Private: true, NoBot: true, Members: []string{ana}},
		},
		Bot:      Bot{UserID: "U0TFPILOT0", Name: "tfpilot"},
		BotToken: botToken, AppToken: appToken, Manifest: []byte(testManifest), BaseURL: baseURL,
	}
}

// fixture is a workspace with real clients, connected in memory.
type fixture struct {
	t    *testing.T
	srv  *Server
	http *http.Client
	dial func() (net.Conn, error)
	api  *client.Client
}

// withFixture runs a test in virtual time.
func withFixture(t *testing.T, cfg Config, test func(*fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		lis := newPipeListener()
		web := &http.Server{Handler: srv.Handler()}
		done := make(chan struct{})
		go func() { defer close(done); _ = web.Serve(lis) }()
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			return lis.dial()
		}}
		w := &fixture{t: t, srv: srv, dial: lis.dial, http: &http.Client{Transport: transport, Timeout: 10 * time.Second}}
		w.api = w.client(botToken)
		defer func() {
			if err := srv.Close(); err != nil {
				t.Error(err)
			}
			transport.CloseIdleConnections()
			_ = web.Close()
			<-done
		}()
		test(w)
	})
}

func (w *fixture) client(token string) *client.Client {
	return client.New(token, client.OptionAppLevelToken(appToken), client.OptionAPIURL(baseURL+"/api/"),
		client.OptionHTTPClient(w.http))
}

// app runs the real Socket Mode client. It calls handle for each interaction and event.
func (w *fixture) app(handle func(*socketmode.Client, socketmode.Event)) (stop func()) {
	w.t.Helper()
	dialer := &websocket.Dialer{NetDialContext: func(context.Context, string, string) (net.Conn, error) {
		return w.dial()
	}}
	sm := socketmode.New(w.api, socketmode.OptionDialer(dialer))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	connected := make(chan struct{}, 100)
	running.Go(func() { _ = sm.RunContext(ctx) })
	running.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case evt := <-sm.Events:
				if evt.Type == socketmode.EventTypeHello {
					connected <- struct{}{}
				}
				if evt.Request != nil && evt.Type != socketmode.EventTypeHello {
					running.Go(func() { handle(sm, evt) })
				}
			}
		}
	})
	<-connected
	var once sync.Once
	stop = func() { once.Do(func() { cancel(); running.Wait() }) }
	w.t.Cleanup(stop)
	return stop
}

// post calls the control API.
func (w *fixture) post(path string, in any, out any) int {
	w.t.Helper()
	raw, err := json.Marshal(in)
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := w.http.Post(baseURL+path, "application/json", bytes.NewReader(raw))
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	if out != nil {
		if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
			w.t.Fatal(err)
		}
	}
	return resp.StatusCode
}

func (w *fixture) state(user string) State {
	w.t.Helper()
	resp, err := w.http.Get(baseURL + "/control/state?user=" + user)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	var out State
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (s State) channel(id string) ChannelState {
	for _, c := range s.Channels {
		if c.ID == id {
			return c
		}
	}
	return ChannelState{}
}

// pipeListener accepts connections in memory.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) dial() (net.Conn, error) {
	a, b := net.Pipe()
	select {
	case l.conns <- b:
		return a, nil
	case <-l.done:
		return nil, errors.New("closed")
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

func plainText(s string) *client.TextBlockObject {
	return client.NewTextBlockObject(client.PlainTextType, s, false, false)
}

func modal(title string, blocks ...client.Block) client.ModalViewRequest {
	return client.ModalViewRequest{
		Type: client.VTModal, Title: plainText(title), Submit: plainText("Save"), Close: plainText("Cancel"),
		Blocks: client.Blocks{BlockSet: append([]client.Block{}, blocks...)},
	}
}

func textInput(block, action string) *client.InputBlock {
	return client.NewInputBlock(block, plainText("Label of "+block), nil,
		client.NewPlainTextInputBlockElement(nil, action))
}

func sectionBlock(text string) client.Block {
	return client.NewSectionBlock(plainText(text), nil, nil)
}

func button(action, value, label string) *client.ButtonBlockElement {
	return client.NewButtonBlockElement(action, value, plainText(label))
}
