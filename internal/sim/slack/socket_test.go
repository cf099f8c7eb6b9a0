package slack

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	client "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// rawSocket is a connection without the client library.
type rawSocket struct {
	t    *testing.T
	conn *websocket.Conn
}

func (w *fixture) connect() rawSocket {
	w.t.Helper()
	_, url, err := w.api.StartSocketModeContext(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	dialer := &websocket.Dialer{NetDialContext: w.http.Transport.(*http.Transport).DialContext}
	conn, _, err := dialer.Dial(url, http.Header{"Origin": {"https://api.slack.com"}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	return rawSocket{w.t, conn}
}

func (r rawSocket) next() (m map[string]any) {
	r.t.Helper()
	if err := r.conn.ReadJSON(&m); err != nil {
		r.t.Fatal(err)
	}
	return m
}

func TestSocketsAreLimited(t *testing.T) {
	withFixture(t, config(), func(w *fixture) {
		for i := range maxSockets {
			hello := w.connect().next()
			if hello["type"] != "hello" || hello["num_connections"] != float64(i+1) {
				t.Fatalf("%+v", hello)
			}
		}
		if m := w.connect().next(); m["type"] != "disconnect" || m["reason"] != "too_many_websockets" {
			t.Fatalf("%+v", m)
		}
	})
}

func TestTicketsAreUsedOnce(t *testing.T) {
	withFixture(t, config(), func(w *fixture) {
		_, url, err := w.api.StartSocketModeContext(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for i, refused := range []bool{false, true} {
			resp, err := w.http.Get(strings.Replace(url, "ws", "http", 1))
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if (resp.StatusCode == http.StatusForbidden) != refused {
				t.Errorf("use %d: %s", i+1, resp.Status)
			}
		}
	})
}

// Each envelope goes to one connection, and not always to the same one.
func TestEnvelopesGoToOneConnection(t *testing.T) {
	withFixture(t, config(), func(w *fixture) {
		got := make([]int, 3)
		for i := range got {
			w.app(func(sm *socketmode.Client, evt socketmode.Event) {
				got[i]++
				_ = sm.Ack(*evt.Request)
			})
		}
		const n = 60
		for range n {
			w.command()
		}
		if got[0]+got[1]+got[2] != n || min(got[0], got[1], got[2]) < n/10 {
			t.Errorf("delivered %v", got)
		}
	})
}

// An ack of 20 kB or more is dropped silently; an unexpected payload is ignored.
func TestOversizedAck(t *testing.T) {
	withFixture(t, config(), func(w *fixture) {
		r := w.connect()
		r.next()
		done := make(chan Result)
		go func() { done <- w.command() }()
		e := r.next()
		if err := r.conn.WriteJSON(obj{"envelope_id": e["envelope_id"], "payload": obj{"text": long(maxAck)}}); err != nil {
			t.Fatal(err)
		}
		if out := <-done; out.Outcome != TimedOut || w.srv.Counts().Oversized != 1 {
			t.Errorf("%+v", out)
		}
	})
}

func TestEventsAreRetried(t *testing.T) {
	withFixture(t, config(), func(w *fixture) {
		r := w.connect()
		r.next()
		start := time.Now()
		if _, err := w.srv.Say("dana", "dm", "", "hello"); err != nil {
			t.Fatal(err)
		}
		var id any
		for i, want := range []time.Duration{0, 3 * time.Second, 66 * time.Second, 369 * time.Second} {
			e := r.next()
			if at := time.Since(start); at != want || e["retry_attempt"] != float64(i) {
				t.Errorf("attempt %v after %v, want %v", e["retry_attempt"], at, want)
			}
			event := fieldOf(e["payload"], "event_id")
			if id != nil && event != id {
				t.Error("a retry is another event")
			}
			id = event
		}
		time.Sleep(time.Hour / 2)
		if n := w.srv.Counts().Envelopes; n != 4 {
			t.Errorf("%d deliveries", n)
		}
	})
}

func (w *fixture) inject(f Fault) {
	w.t.Helper()
	if err := w.srv.Inject(f); err != nil {
		w.t.Fatal(err)
	}
}

func TestFaultsOfEvents(t *testing.T) {
	withFixture(t, config(), func(w *fixture) {
		got := w.answer(0, nil)
		w.inject(Fault{Kind: FaultDropEvent})
		w.inject(Fault{Kind: FaultDuplicateEvent})
		for _, text := range []string{"lost", "twice", "once"} {
			if _, err := w.srv.Say("dana", "dm", "", text); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if len(got) != 3 {
			t.Errorf("%d deliveries", len(got))
		}
	})
}

// The client reconnects after each kind of disconnect, and the app continues.
func TestDisconnects(t *testing.T) {
	for _, reason := range []string{DisconnectWarning, DisconnectRefresh, DisconnectDisabled, DisconnectDrop} {
		t.Run(reason, func(t *testing.T) {
			withFixture(t, config(), func(w *fixture) {
				w.answer(0, nil)
				if n := w.srv.Disconnect(reason, 0); n != 1 {
					t.Fatalf("%d connections", n)
				}
				time.Sleep(15 * time.Second)
				if w.srv.Connections() != 1 {
					t.Fatalf("%d connections afterwards", w.srv.Connections())
				}
				if out := w.command(); out.Outcome != Acked {
					t.Errorf("%+v", out)
				}
			})
		})
	}
}

// Pings keep a connection open, as the client's watchdog expects, until its time is over.
func TestConnectionLife(t *testing.T) {
	cfg := config()
	cfg.ConnectionLife = 10 * time.Minute
	withFixture(t, cfg, func(w *fixture) {
		opened := func() int { return w.srv.Counts().Calls["apps.connections.open"] }
		w.answer(0, nil)
		time.Sleep(9 * time.Minute)
		if n := opened(); n != 1 {
			t.Errorf("%d connections in nine minutes", n)
		}
		time.Sleep(25 * time.Minute)
		if n := opened(); n != 4 || w.srv.Connections() != 1 {
			t.Errorf("%d connections opened, %d open", n, w.srv.Connections())
		}
	})
}

func TestFaultsOfCalls(t *testing.T) {
	for _, c := range []struct {
		fault Fault
		posts int // messages in the channel afterwards
		want  string
	}{
		{Fault{Kind: FaultUnavailable}, 0, "503"},
		{Fault{Kind: FaultRateLimited, RetryAfter: 7}, 0, "retry after 7s"},
		{Fault{Kind: FaultError, Code: "internal_error"}, 0, "internal_error"},
		{Fault{Kind: FaultLost}, 1, "EOF"},
		{Fault{Kind: FaultHang}, 0, "exceeded"},
	} {
		t.Run(string(c.fault.Kind), func(t *testing.T) {
			withFixture(t, config(), func(w *fixture) {
				c.fault.Method = "chat.postMessage"
				w.inject(c.fault)
				if _, err := w.api.AuthTest(); err != nil {
					t.Fatalf("another method: %v", err)
				}
				_, _, err := w.api.PostMessage(dev, client.MsgOptionText("x", false))
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %s", err, c.want)
				}
				if n := len(w.state("dana").channel(dev).Messages); n != c.posts {
					t.Errorf("%d messages", n)
				}
				if _, _, err := w.api.PostMessage(dev, client.MsgOptionText("x", false)); err != nil {
					t.Errorf("afterwards: %v", err)
				}
			})
		})
	}
}

// Messages and published views survive a restart; open views do not.
func TestRestart(t *testing.T) {
	cfg := config()
	cfg.DataDir = t.TempDir()
	var ts string
	withFixture(t, cfg, func(w *fixture) {
		var err error
		if _, ts, err = w.api.PostMessage(dev, client.MsgOptionText("card", false),
			client.MsgOptionBlocks(actions(button("go", "1", "Go")))); err != nil {
			t.Fatal(err)
		}
		home := client.HomeTabViewRequest{Type: client.VTHomeTab,
			Blocks: client.Blocks{BlockSet: []client.Block{sectionBlock("home")}}}
		if _, err := w.api.PublishView(dana, home, ""); err != nil {
			t.Fatal(err)
		}
		w.open(modal("open"))
	})
	withFixture(t, cfg, func(w *fixture) {
		state := w.state("dana")
		if m := state.channel(dev).Messages; len(m) != 1 || m[0].TS != ts || len(m[0].Blocks) != 1 {
			t.Errorf("messages %+v", m)
		}
		if state.Home == nil || len(state.Views) != 0 {
			t.Errorf("home %+v, views %+v", state.Home, state.Views)
		}
		if _, _, _, err := w.api.UpdateMessage(dev, ts, client.MsgOptionText("later", false)); err != nil {
			t.Error(err)
		}
		if _, next, err := w.api.PostMessage(dev, client.MsgOptionText("new", false)); err != nil || next <= ts {
			t.Errorf("%s after %s: %v", next, ts, err)
		}
		raw, _ := json.Marshal(w.srv.Counts())
		if w.srv.Counts().TopLevel[dev] != 2 {
			t.Errorf("counts %s", raw)
		}
	})
}
