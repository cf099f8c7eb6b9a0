package page

import (
	"bufio"
	"encoding/json"
	"io/fs"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/view"
)

func (w *testSandbox) get(path string) *http.Response {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.box.Access.Page+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func TestFilesAreServedUnderTheirPolicy(t *testing.T) {
	w := newTestSandbox(t)
	err := fs.WalkDir(static, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		resp := w.get("/" + name)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") == "" ||
			resp.Header.Get("Content-Security-Policy") != policy {
			t.Errorf("%s: %s %v", name, resp.Status, resp.Header)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if resp := w.get("/static/../page.go"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("a file that is not the page's: %s", resp.Status)
	}
	tag := w.get("/").Header.Get("ETag")
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, w.box.Access.Page+"/", nil)
	req.Header.Set("If-None-Match", tag)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusNotModified {
		t.Errorf("unchanged: %s", resp.Status)
	}
}

// Data must never become markup, so no script of the page may be able to create it.
func TestScriptsCannotMakeMarkup(t *testing.T) {
	forbidden := regexp.MustCompile(
		`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\(|new Function|srcdoc|https?://[a-z]`)
	allowed := map[string]bool{"http://w": true} // the SVG namespace
	err := fs.WalkDir(static, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(static, name)
		for _, found := range forbidden.FindAllString(string(raw), -1) {
			if !allowed[found] {
				t.Errorf("%s holds %s", name, found)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// change edits the seeded document.
func change(t *testing.T, edits map[string]any) []byte {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(fixture(t, "request.json"), &doc); err != nil {
		t.Fatal(err)
	}
	for path, value := range edits {
		at := doc
		parts := strings.Split(path, ".")
		for _, part := range parts[:len(parts)-1] {
			at = at[part].(map[string]any)
		}
		at[parts[len(parts)-1]] = value
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// A row shows the view of the document: its words, its steps and what it waits for.
func TestRowsShowTheView(t *testing.T) {
	wanted := []any{map[string]any{"what": "apply", "by": "omar", "correlationId": "apply-01"}}
	for _, row := range []struct {
		name     string
		edits    map[string]any
		archived bool
		headline string
		next     view.NextCode
	}{
		{"plan ready", nil, false, "Plan ready", view.NextApprove},
		{"closed", map[string]any{"pr.open": false}, false, "Closed", view.NextOver},
		{"queued", map[string]any{"pr.merged": true, "mergedSha": "f00", "wanted": wanted}, false, "Merged", view.NextQueue},
		{"archived", nil, true, "Plan ready", view.NextOver},
	} {
		t.Run(row.name, func(t *testing.T) {
			r, err := readRequest(change(t, row.edits), row.archived)
			if err != nil {
				t.Fatal(err)
			}
			env := lifecycle.EnvironmentState{
				Holder: &lifecycle.LeaseEntry{CorrelationID: "apply-00", Kind: lifecycle.KindApply, By: "ana", Title: "IAM role"},
				Queue:  []lifecycle.LeaseEntry{{CorrelationID: "apply-01"}},
			}
			got := rowOf(r, env, r.UpdatedAt)
			if got.Headline != row.headline || got.Next.Code != row.next || got.Archived != row.archived ||
				got.Next.Text != got.Sentence {
				t.Errorf("%+v", got)
			}
			if got.Pull != 1 || got.Run != 7 || got.StateKey != stateKey || got.Repo != "acme/infra-core" ||
				len(got.Steps) == 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestDamagedDocumentIsLeftOutOfTheList(t *testing.T) {
	w := newTestSandbox(t)
	w.put(requestsBucket, requestKey, fixture(t, "request.json"))
	w.put(requestsBucket, "requests/req_damaged000000.json", []byte("{"))
	w.put(requestsBucket, "history/req_gn57ozoqhvzm6.json", fixture(t, "request.json"))
	var list struct{ Requests []Row }
	w.view("/view/requests", &list)
	if len(list.Requests) != 1 || !list.Requests[0].Archived {
		t.Errorf("%+v", list.Requests)
	}
	if code := w.view("/view/request?id=req_damaged000000", nil); code != http.StatusUnprocessableEntity {
		t.Errorf("damaged: %d", code)
	}
	for _, id := range []string{"../secrets", "req_nobody0000000", ""} {
		if code := w.view("/view/request?id="+id, nil); code != http.StatusNotFound && code != http.StatusBadRequest {
			t.Errorf("%q: %d", id, code)
		}
	}
}

func TestStateIsMasked(t *testing.T) {
	st := readState(fixture(t, "state.json"))
	raw, err := json.Marshal(st)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), "hunter2") || !strings.Contains(string(raw), masked) {
		t.Errorf("%s", raw)
	}
	want := []string{"module.tfpilot_req_gn57ozoqhvzm6.aws_s3_bucket.this", "aws_instance.web[0]", `aws_instance.web["b"]`}
	for i, address := range want {
		if st.Resources[i].Address != address {
			t.Errorf("%s, want %s", st.Resources[i].Address, address)
		}
	}
	if readState([]byte("no state")).Problem == "" {
		t.Error("a file that is not a state is shown as one")
	}
}

// The data about the sandbox lists people and channels, but no keys.
func TestSandboxInfoHasNoSecret(t *testing.T) {
	w := newTestSandbox(t)
	var raw json.RawMessage
	w.view("/view/sandbox", &raw)
	for name, secret := range w.box.Access.Env {
		if name == "AWS_ACCESS_KEY_ID" {
			continue // the name of the principal
		}
		if (strings.Contains(name, "TOKEN") || strings.Contains(name, "SECRET") || strings.Contains(name, "KEY")) &&
			strings.Contains(string(raw), secret) {
			t.Errorf("the answer contains %s", name)
		}
	}
	var info struct{ People []Person }
	w.view("/view/sandbox", &info)
	roles := ""
	for _, p := range info.People {
		roles += p.Login + " " + p.Role + ", "
	}
	if roles != "dana developer, ana approver, omar approver, adam admin, vic viewer, " {
		t.Error(roles)
	}
}

// A page that subscribes gets every topic first, and then what changes.
func TestEvents(t *testing.T) {
	w := newTestSandbox(t)
	lines := bufio.NewScanner(w.get("/view/events").Body)
	next := func() string {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return data
			}
		}
		t.Fatal("the stream ended")
		return ""
	}
	if first := next(); first != `{"topics":["slack","requests","github","state","cloud"]}` {
		t.Errorf("first %s", first)
	}
	w.make("aws_s3_bucket", "acme-events", map[string]any{"bucket": "acme-events"})
	if got := next(); got != `{"topics":["cloud"]}` {
		t.Errorf("cloud %s", got)
	}
	w.put(requestsBucket, requestKey, fixture(t, "request.json"))
	if got := next(); got != `{"topics":["requests"]}` {
		t.Errorf("requests %s", got)
	}
	if _, err := w.box.Slack.Say("dana", "#infra-dev", "", "hello"); err != nil {
		t.Fatal(err)
	}
	if got := next(); got != `{"topics":["slack"]}` {
		t.Errorf("slack %s", got)
	}
}
