package slackapp

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/request"
	sandbox "github.com/tfpilot/tfpilot/internal/sim/slack"
	"github.com/tfpilot/tfpilot/internal/testing/inprocess"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// scripted answers as a test says.
type scripted struct {
	command func(context.Context, slack.SlashCommand, Ack)
}

func (s scripted) Command(ctx context.Context, c slack.SlashCommand, ack Ack) { s.command(ctx, c, ack) }
func (scripted) Interaction(context.Context, slack.InteractionCallback, Ack)  {}
func (scripted) Busy(context.Context, slack.InteractionCallback)              {}
func (scripted) Event(context.Context, json.RawMessage, Ack) error            { return nil }

// onSocket runs a socket with a handler against a workspace.
func onSocket(t *testing.T, h func(context.Context, slack.SlashCommand, Ack),
	test func(t *testing.T, srv *sandbox.Server, s *Socket, stop func())) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &fixture{t: t}
		srv := w.newSlack()
		lis := newPipes()
		web := &http.Server{Handler: srv.Handler()}
		go func() { _ = web.Serve(lis) }()
		transport := &http.Transport{DialContext: lis.dial}
		api, err := NewClient(Access{BotToken: "xoxb-1", AppToken: "xapp-1", APIURL: slackURL + "/api/",
			Transport: transport})
		w.must(err)
		s := &Socket{API: api, Handler: scripted{h}, Dial: lis.dial, Log: discard()}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		synctest.Wait()
		stopped := false
		stop := func() {
			if !stopped {
				stopped = true
				cancel()
				w.must(<-ended)
			}
		}
		test(t, srv, s, stop)
		stop()
		w.must(srv.Close())
		transport.CloseIdleConnections()
		_ = web.Close()
		time.Sleep(time.Minute)
	})
}

func commandResult(t *testing.T, srv *sandbox.Server, text string) sandbox.Result {
	t.Helper()
	r, err := srv.Command("dana", devCh, "/tfpilot", text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSocketHoldsTwoConnections(t *testing.T) {
	onSocket(t, func(_ context.Context, _ slack.SlashCommand, ack Ack) { ack(blocks.Ephemeral("here")) },
		func(t *testing.T, srv *sandbox.Server, s *Socket, stop func()) {
			st, err := srv.State("dana")
			if err != nil || st.Sockets != connections {
				t.Errorf("%d connections, %v", st.Sockets, err)
			}
			time.Sleep(5 * time.Hour) // Slack ends each connection after an hour
			synctest.Wait()
			if err := s.Ready(); err != nil {
				t.Error(err)
			}
			if r := commandResult(t, srv, "help"); r.Outcome != sandbox.Acked || r.Reply.Text != "here" {
				t.Errorf("%+v", r)
			}
			stop()
			synctest.Wait()
			if st, _ := srv.State("dana"); st.Sockets != 0 {
				t.Errorf("%d connections are left", st.Sockets)
			}
		})
}

func TestPanicIsOneAnswerLost(t *testing.T) {
	onSocket(t, func(_ context.Context, c slack.SlashCommand, ack Ack) {
		if c.Text == "boom" {
			panic("boom")
		}
		ack(blocks.Ephemeral("fine"))
	}, func(t *testing.T, srv *sandbox.Server, _ *Socket, _ func()) {
		if r := commandResult(t, srv, "boom"); r.Outcome != sandbox.Acked {
			t.Errorf("%s", r.Outcome)
		}
		if r := commandResult(t, srv, "again"); r.Reply == nil || r.Reply.Text != "fine" {
			t.Errorf("%+v", r)
		}
	})
}

func TestTooManyAtOnceGetAReply(t *testing.T) {
	onSocket(t, func(ctx context.Context, _ slack.SlashCommand, ack Ack) {
		ack(nil)
		<-ctx.Done()
	}, func(t *testing.T, srv *sandbox.Server, _ *Socket, _ func()) {
		for range maxHandlers {
			commandResult(t, srv, "wait")
		}
		r := commandResult(t, srv, "one more")
		if r.Outcome != sandbox.Acked || r.Reply == nil || !strings.Contains(r.Reply.Text, "Try again in a few seconds") {
			t.Errorf("%+v", r)
		}
	})
}

// TestAnswersInProgressAreFinished stops the app while it answers.
func TestAnswersInProgressAreFinished(t *testing.T) {
	var done atomic.Bool
	onSocket(t, func(_ context.Context, _ slack.SlashCommand, ack Ack) {
		ack(nil)
		time.Sleep(5 * time.Second)
		done.Store(true)
	}, func(t *testing.T, srv *sandbox.Server, _ *Socket, stop func()) {
		commandResult(t, srv, "slow")
		stop()
		if !done.Load() {
			t.Error("the answer was cut off")
		}
	})
}

func TestWrongTokenEndsTheApp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &fixture{t: t}
		srv := w.newSlack()
		api, err := NewClient(Access{BotToken: "xoxb-1", AppToken: "xapp-wrong", APIURL: slackURL + "/api/",
			Transport: inprocess.To(srv.Handler())})
		w.must(err)
		s := &Socket{API: api, Handler: scripted{}, Log: discard()}
		if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "invalid_auth") {
			t.Errorf("%v", err)
		}
		if s.Ready() == nil {
			t.Error("ready without a connection")
		}
		w.must(srv.Close())
	})
}

func TestUnreadableEnvelopesHaveTheirName(t *testing.T) {
	for raw, want := range map[string]string{
		`{"envelope_id":"e1","type":"unheard_of","payload":[]}`: "e1", `{"type":"hello"}`: "", `nonsense`: "",
		`{"envelope_id":7}`: "",
	} {
		if got := envelopeOf(json.RawMessage(raw)); got != want {
			t.Errorf("%s: %q", raw, got)
		}
	}
}

func TestAddressMustEndInASlash(t *testing.T) {
	if _, err := NewClient(Access{APIURL: "http://slack.test/api"}); err == nil ||
		!strings.Contains(err.Error(), "slash") {
		t.Errorf("%v", err)
	}
}

func TestSeenForgetsTheOldest(t *testing.T) {
	var s recentTriggers
	if !s.first("a") || s.first("a") || !s.first("") || !s.first("") {
		t.Error("wrong at the start")
	}
	for i := range maxSeen {
		s.first(request.NewID() + string(rune('a'+i%26)))
	}
	if !s.first("a") || len(s.keys) > maxSeen {
		t.Errorf("%d keys are kept", len(s.keys))
	}
}
