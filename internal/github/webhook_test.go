package github

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/story"
	"github.com/tfpilot/tfpilot/internal/testing/golden"
)

func signedHeader(event string, body []byte) http.Header { return signedWith(hook, event, body) }

func signedWith(secret, event string, body []byte) http.Header {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return http.Header{
		"X-Github-Event": {event}, "X-Github-Delivery": {"72d3162e-cc78-11e3-81ab-4c9367dc0958"},
		"X-Hub-Signature-256": {"sha256=" + hex.EncodeToString(mac.Sum(nil))},
		"Content-Type":        {"application/json; charset=utf-8"},
	}
}

// Payloads that GitHub really sent.
func TestRecordedWebhooks(t *testing.T) {
	packed, err := os.Open("testdata/octokit-webhooks.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	plain, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(plain)
	lines.Buffer(nil, 1<<20)
	var got bytes.Buffer
	for lines.Scan() {
		var one struct {
			Event   string
			Payload json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			t.Fatal(err)
		}
		hint, err := ParseWebhook(hook, signedHeader(one.Event, one.Payload), one.Payload)
		if err != nil {
			fmt.Fprintf(&got, "%s: %v\n", one.Event, err)
			continue
		}
		data, err := json.MarshalIndent(hint, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "%s: %s\n", one.Event, data)
	}
	if lines.Err() != nil || got.Len() == 0 {
		t.Fatalf("fixtures: %v", lines.Err())
	}
	golden.Check(t, "testdata/hints.golden", got.Bytes())
}

const okRun = `{"action":"completed","repository":{"id":1,"full_name":"acme/infra-core"},"workflow_run":{"id":5,"status":"completed","conclusion":"success"}}`

func TestWebhookRefusals(t *testing.T) {
	body := []byte(okRun)
	sha1Only := signedHeader("workflow_run", body)
	sha1Only.Set("X-Hub-Signature", "sha1=0000")
	sha1Only.Del("X-Hub-Signature-256")
	flipped := signedHeader("workflow_run", body)
	digest := []byte(flipped.Get("X-Hub-Signature-256"))
	digest[len(digest)-1] ^= 1
	flipped.Set("X-Hub-Signature-256", string(digest))
	with := func(event, key, value string) http.Header {
		h := signedHeader(event, body)
		h.Set(key, value)
		return h
	}
	cases := map[string]struct {
		secret string
		header http.Header
		body   string
		want   error
	}{
		"good":           {hook, signedHeader("workflow_run", body), okRun, nil},
		"no secret":      {"", signedWith("", "workflow_run", body), okRun, ErrSignature},
		"another secret": {"other", signedHeader("workflow_run", body), okRun, ErrSignature},
		"changed body":   {hook, signedHeader("workflow_run", body), okRun + " ", ErrSignature},
		"flipped bit":    {hook, flipped, okRun, ErrSignature},
		"SHA-1 only":     {hook, sha1Only, okRun, ErrSignature},
		"without prefix": {hook, with("workflow_run", "X-Hub-Signature-256",
			signedHeader("", body).Get("X-Hub-Signature-256")[7:]), okRun, ErrSignature},
		"a digest and more": {hook, with("workflow_run", "X-Hub-Signature-256",
			signedHeader("", body).Get("X-Hub-Signature-256")+"zz"), okRun, ErrSignature},
		"empty digest":    {hook, with("workflow_run", "X-Hub-Signature-256", "sha256="), okRun, ErrSignature},
		"another event":   {hook, signedHeader("push", body), okRun, ErrIgnored},
		"a ping":          {hook, signedHeader("ping", body), okRun, ErrIgnored},
		"no event":        {hook, signedHeader("", body), okRun, ErrMalformed},
		"odd delivery id": {hook, with("workflow_run", "X-GitHub-Delivery", "../x y"), okRun, ErrMalformed},
		"a form": {hook, with("workflow_run", "Content-Type", "application/x-www-form-urlencoded"), okRun,
			ErrMalformed},
		"an odd parameter": {hook, with("workflow_run", "Content-Type", "application/json; charset"), okRun, ErrMalformed},
		"wrong object":     {hook, signedHeader("pull_request", body), okRun, ErrMalformed},
		"review of no one": {hook, signedHeader("pull_request_review", body), okRun, ErrMalformed},
	}
	for name, tc := range cases {
		_, err := ParseWebhook(tc.secret, tc.header, []byte(tc.body))
		if !errors.Is(err, tc.want) || (err == nil) != (tc.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
	const repo, pull = `{"repository":{"id":1},`, `"pull_request":{"number":1}`
	for event, bodies := range map[string][]string{
		"workflow_run": {
			``, `[]`, `{`, `{"repository":{"id":1}}`, `{"workflow_run":{"id":1}}`, repo + `"workflow_run":{"id":0}}`,
			`{"repository":{"id":0},"workflow_run":{"id":1}}`, `{"repository":{"id":-1},"workflow_run":{"id":1}}`,
		},
		"pull_request":        {repo + `"pull_request":{"number":0}}`, repo + `"pull_request":{"number":-1}}`},
		"pull_request_review": {repo + pull + `}`, repo + pull + `,"review":{"id":0}}`, repo + pull + `,"review":{"id":-1}}`},
	} {
		for _, bad := range bodies {
			if _, err := ParseWebhook(hook, signedHeader(event, []byte(bad)), []byte(bad)); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s %q: %v", event, bad, err)
			}
		}
	}
}

// The file of the workflow decides the kind of a run: the run's own wins, and the
// workflow's fills in for it.
func TestFileOfTheWorkflow(t *testing.T) {
	for run, want := range map[string]string{`,"path":".github/workflows/apply.yml"`: ".github/workflows/apply.yml",
		``: ".github/workflows/plan.yml"} {
		body := []byte(`{"repository":{"id":1},"workflow":{"path":".github/workflows/plan.yml"},"workflow_run":{"id":5` +
			run + `}}`)
		hint, err := ParseWebhook(hook, signedHeader("workflow_run", body), body)
		if err != nil || hint.Run.Path != want {
			t.Errorf("%q: %+v %v, want %s", run, hint.Run, err, want)
		}
	}
}

// Text of a payload is cut to its length in JSON, with nothing in it that steers a terminal.
func TestTextOfAPayload(t *testing.T) {
	for _, tc := range []struct {
		text  string
		limit int
		want  string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "abc"}, {"", 0, ""}, {"a b", 9, "a b"}, {"a\x1fb", 9, "ab"}, {"a\x7fb", 9, "ab"},
		{"a\x00\nb", 9, "ab"},
		{"a\xffb", 9, "ab"}, {"a\ufffdb", 9, "ab"}, {"éé", 3, "é"}, {`""`, 3, `"`}, {`\\`, 3, `\`}, {`"`, 1, ``},
		{"<<", 11, "<"}, {">>", 11, ">"}, {"&&", 11, "&"}, {"\u2028\u2028", 11, "\u2028"}, {"\u2029\u2029", 11, "\u2029"},
		{"<<", 12, "<<"},
	} {
		if got := cutBytes(tc.text, tc.limit); got != tc.want {
			t.Errorf("%q at %d: %q, want %q", tc.text, tc.limit, got, tc.want)
		}
	}
}

// A time that JSON cannot carry is no time; the years at both ends are.
func TestTimeOfAPayload(t *testing.T) {
	for year, kept := range map[int]bool{-1: false, 0: false, 1: true, 2026: true, 9999: true, 10000: false} {
		at := time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC)
		if got := sane(at); got.Equal(at) != kept || !kept && !got.IsZero() {
			t.Errorf("year %d: %v", year, got)
		}
	}
}

// A run that is said to be completed but has no end yet is not at its end.
func TestCompletedAt(t *testing.T) {
	updated, ended := when, when.Add(-time.Second)
	for _, tc := range []struct {
		status    string
		completed *time.Time
		want      time.Time
	}{
		{"in_progress", &ended, time.Time{}}, {"queued", nil, time.Time{}}, {"", &ended, time.Time{}},
		{"completed", &ended, ended}, {"completed", nil, updated}, {"completed", &time.Time{}, updated},
	} {
		if got := completedAt(tc.status, tc.completed, updated); !got.Equal(tc.want) {
			t.Errorf("%s %v: %v, want %v", tc.status, tc.completed, got, tc.want)
		}
	}
}

// The hint of any payload is small enough for a task.
func TestHintIsSmall(t *testing.T) {
	nasty := rapid.OneOf(rapid.String(), rapid.Map(rapid.IntRange(0, 5000), func(n int) string {
		return strings.Repeat("<", n)
	}),
		rapid.Map(rapid.IntRange(0, 5000), func(n int) string { return strings.Repeat("\u2028é😀\x00\\\"", n) }))
	rapid.Check(t, func(rt *rapid.T) {
		s := func(name string) string { return nasty.Draw(rt, name) }
		branch := map[string]any{"ref": s("ref"), "sha": s("sha")}
		payload := map[string]any{
			"action": s("action"), "repository": map[string]any{"id": int64(1) << 62, "full_name": s("repo")},
			"workflow_run": map[string]any{
				"id": int64(1) << 62, "run_attempt": 1 << 30, "status": "completed", "conclusion": s("conclusion"),
				"path": s("path"),
				"name": s("name"), "display_title": s("title"), "head_branch": s("branch"), "head_sha": s("sha"),
				"event": s("event"),
				"actor": map[string]any{"login": s("login")}, "html_url": s("url"),
				"created_at": "2026-11-23T08:00:00.123456789+23:59", "updated_at": "2026-11-23T08:00:00.123456789+23:59",
			},
			"pull_request": map[string]any{"number": 1 << 30, "state": s("state"), "head": branch, "base": branch,
				"updated_at": when},
			"review": map[string]any{"id": int64(1) << 62, "state": s("verdict"), "commit_id": s("commit"),
				"user": map[string]any{"login": s("who")}, "submitted_at": when},
		}
		body, err := json.Marshal(payload)
		if err != nil {
			rt.Fatal(err)
		}
		for _, event := range []string{"workflow_run", "pull_request", "pull_request_review"} {
			hint, err := ParseWebhook(hook, signedHeader(event, body), body)
			if err != nil {
				rt.Fatal(err)
			}
			if data, err := json.Marshal(hint); err != nil || len(data) > MaxHint-sha256.Size { // a seal is added to it
				rt.Fatalf("hint of %d bytes, %v", len(data), err)
			}
		}
	})
}

func FuzzParseWebhook(f *testing.F) {
	f.Add("workflow_run", []byte(okRun))
	f.Add("pull_request", []byte(`{"repository":{"id":1},"pull_request":{"number":1,"head":{"ref":"a","repo":null},"updated_at":"0000-00-00T00:00:00Z"}}`))
	f.Add("pull_request_review", []byte(`{"repository":{"id":1},"pull_request":{"number":1},"review":{"id":1,"user":null,"submitted_at":null}}`))
	f.Fuzz(func(t *testing.T, event string, body []byte) {
		hint, err := ParseWebhook(hook, signedHeader(event, body), body)
		if err != nil {
			return
		}
		data, err := json.Marshal(hint)
		if err != nil || len(data) > MaxHint {
			t.Fatalf("hint of %d bytes, %v", len(data), err)
		}
		var back Hint
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatalf("hint does not come back: %v", err)
		}
		if _, err := ParseWebhook("another secret", signedHeader(event, body), body); !errors.Is(err, ErrSignature) {
			t.Fatalf("another secret: %v", err)
		}
	})
}

func TestClassifyRun(t *testing.T) {
	for _, tc := range []struct {
		path, name string
		want       lifecycle.Kind
	}{
		{".github/workflows/plan.yml", "whatever", lifecycle.KindPlan},
		{".github/workflows/drift_plan.yml@refs/heads/main", "plan", lifecycle.KindDriftPlan},
		{".github/workflows/cleanup.yaml", "", lifecycle.KindCleanup},
		{".github/workflows/ci.yml", "plan", ""},
		{"elsewhere/plan.yml", "plan", ""},
		{"plan.yml", "plan", ""},
		{"", "TfPilot drift plan", lifecycle.KindDriftPlan},
		{"", "drift_plan", lifecycle.KindDriftPlan},
		{"", "apply", lifecycle.KindApply},
		{"", "Destroy!", lifecycle.KindDestroy},
		{"", "planning", ""},
		{"", "", ""},
	} {
		got, matches := ClassifyRun(tc.path, tc.name)
		if got != tc.want || matches != (tc.want != "") {
			t.Errorf("%q %q: %q %v, want %q", tc.path, tc.name, got, matches, tc.want)
		}
	}
}

func TestParseRunTitle(t *testing.T) {
	drift := "drift_plan-" + strings.Repeat("ab", 16)
	for title, want := range map[string][3]string{
		"tfpilot plan " + reqID + " [" + planID + "]":     {"plan", reqID, planID},
		"tfpilot drift_plan - [" + drift + "]":            {"drift_plan", "", drift},
		"tfpilot plan - [" + planID + "]":                 {},
		"tfpilot apply " + reqID + " [" + planID + "]":    {},
		"x tfpilot plan " + reqID + " [" + planID + "]":   {},
		"tfpilot plan " + reqID + " [" + planID + "] x":   {},
		"tfpilot plan " + reqID + " [" + planID + "]\n":   {},
		"tfpilot plan  " + reqID + " [" + planID + "]":    {},
		"tfpilot plan req_SHOUTING00 [" + planID + "]":    {},
		"tfpilot plan " + reqID + " [plan-0123]":          {},
		"Tfpilot plan " + reqID + " [" + planID + "]":     {},
		"tfpilot plan " + reqID + " [" + planID + "0]":    {},
		"tfpilot plan " + reqID + " " + planID:            {},
		"tfpilot plan " + reqID + " [" + planID:           {},
		"tfpilot plan " + reqID + " " + planID + "]":      {},
		"plan " + reqID + " [" + planID + "]":             {},
		"tfpilot planning " + reqID + " [" + planID + "]": {},
		"tfpilot cleanup " + reqID + "x [cleanup-" + "0]": {},
		"": {},
	} {
		kind, req, cid, matches := ParseRunTitle(title)
		if got := [3]string{string(kind), req, cid}; got != want || matches != (want[0] != "") {
			t.Errorf("%q: %v %v, want %v", title, got, matches, want)
		}
		if matches && story.RunTitle(kind, req, cid) != title {
			t.Errorf("%q does not come back from its parts", title)
		}
	}
}

// A title names a request by its beginning, whatever follows. A drift plan of an environment
// names none.
func TestRunNames(t *testing.T) {
	for title, want := range map[string]string{
		"tfpilot plan " + reqID + " [" + planID + "]": "plan " + reqID,
		"tfpilot apply " + reqID + " by hand":         "apply " + reqID,
		"tfpilot apply " + reqID:                      "apply " + reqID,
		"tfpilot drift_plan - [x]":                    "",
		"tfpilot planning " + reqID + " [x]":          "",
		"tfpilot  " + reqID + " [x]":                  "",
		"plan " + reqID + " [x]":                      "",
		"tfpilot plan req_SHOUTING00 [x]":             "",
		"release":                                     "",
		"":                                            "",
	} {
		kind, id, ok := RunNames(title)
		if ok != (want != "") || ok && string(kind)+" "+id != want {
			t.Errorf("%q: %q %q %v, want %q", title, kind, id, ok, want)
		}
	}
}
