package slack

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	client "github.com/slack-go/slack"
)

// withFiles returns a workspace whose app may upload files.
func withFiles() Config {
	cfg := config()
	cfg.Manifest = bytes.Replace(cfg.Manifest, []byte("bot: ["), []byte("bot: [files:write, channels:history, "), 1)
	return cfg
}

func planFile(channel, thread string) client.UploadFileParameters {
	return client.UploadFileParameters{Content: "+ create", FileSize: 8, Filename: "plan-1.txt", Title: "Plan 1",
		Channel: channel, ThreadTimestamp: thread}
}

func TestFileInAThread(t *testing.T) {
	withFixture(t, withFiles(), func(w *fixture) {
		_, ts, err := w.api.PostMessage(dev, client.MsgOptionText("card", false))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.api.UploadFile(planFile(dev, ts)); err != nil {
			t.Fatal(err)
		}
		replies, _, _, err := w.api.GetConversationReplies(&client.GetConversationRepliesParameters{ChannelID: dev,
			Timestamp: ts})
		if err != nil || len(replies) != 2 || len(replies[1].Files) != 1 || replies[1].Files[0].Name != "plan-1.txt" ||
			replies[1].Files[0].Title != "Plan 1" {
			t.Fatalf("%v %+v", err, replies)
		}
		state, err := w.srv.State("dana")
		if err != nil {
			t.Fatal(err)
		}
		shown := state.Channels[0].Messages[0].Replies[0].Files[0]
		resp, err := w.http.Get(shown.URL)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if string(text) != "+ create" || shown.Size != 8 {
			t.Errorf("%+v holds %q", shown, text)
		}
	})
}

func TestFaultyUploadsAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  Config
		call func(*fixture) error
		want string
	}{
		"without the scope": {config(), func(w *fixture) error {
			_, err := w.api.UploadFile(planFile(dev, ""))
			return err
		}, "missing_scope"},
		"into no channel": {withFiles(), func(w *fixture) error {
			_, err := w.api.UploadFile(planFile("C0NOTHING1", ""))
			return err
		}, "channel_not_found"},
		"without the app": {withFiles(), func(w *fixture) error {
			_, err := w.api.UploadFile(planFile("C0NOBOT001", ""))
			return err
		}, "not_in_channel"},
		"into no thread": {withFiles(), func(w *fixture) error {
			_, err := w.api.UploadFile(planFile(dev, "1.000001"))
			return err
		}, "thread_not_found"},
		"that never came": {withFiles(), func(w *fixture) error {
			u, err := w.api.GetUploadURLExternalContext(context.Background(),
				client.GetUploadURLExternalParameters{FileName: "x", FileSize: 3})
			if err != nil {
				return err
			}
			_, err = w.api.CompleteUploadExternalContext(context.Background(),
				client.CompleteUploadExternalParameters{Files: []client.FileSummary{{ID: u.FileID}}, Channel: dev})
			return err
		}, "file_not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			withFixture(t, c.cfg, func(w *fixture) {
				var refused client.SlackErrorResponse
				if err := c.call(w); !errors.As(err, &refused) || refused.Err != c.want {
					t.Errorf("got %v, want %s", err, c.want)
				}
			})
		})
	}
	withFixture(t, withFiles(), func(w *fixture) {
		u, err := w.api.GetUploadURLExternalContext(context.Background(),
			client.GetUploadURLExternalParameters{FileName: "x", FileSize: 3})
		if err != nil {
			t.Fatal(err)
		}
		resp, err := w.http.Post(u.UploadURL, "application/octet-stream", strings.NewReader("four"))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("a content of another length: %s", resp.Status)
		}
	})
}
