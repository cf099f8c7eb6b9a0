package page

import (
	"bufio"
	"encoding/json"
	"io/fs"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/sandbox/s3"
)

func (w *world) get(path string) *http.Response {
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
	w := newWorld(t)
	err := fs.WalkDir(static, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		resp := w.get("/" + name)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") == "" || resp.Header.Get("Content-Security-Policy") != policy {
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

// What comes from data must never become markup, so no file of ours may be able to.
func TestScriptsCannotMakeMarkup(t *testing.T) {
	forbidden := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\(|new Function|srcdoc|https?://[a-z]`)
	allowed := map[string]bool{"http://w": true} // the name space of SVG
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

func runs(purpose, conclusion string) map[string]any {
	return map[string]any{"currentAttempt": 1, "attempts": []any{map[string]any{"attempt": 1, "purpose": purpose, "conclusion": conclusion, "failedStep": "Terraform"}}}
}

func TestJourney(t *testing.T) {
	merged := map[string]any{"pr.merged": true, "pr.open": false, "mergedSha": "f00"}
	with := func(more map[string]any) map[string]any {
		all := map[string]any{}
		for _, m := range []map[string]any{merged, more} {
			for k, v := range m {
				all[k] = v
			}
		}
		return all
	}
	destroyPlan := map[string]any{"runs.apply": runs("open", "success"), "runs.plan": runs("destroy", "success"), "plan.purpose": "destroy"}
	for _, row := range []struct {
		name     string
		edits    map[string]any
		archived bool
		steps    string
		next     string
	}{
		{"saved", map[string]any{"plan": nil, "pr": nil, "runs.plan": map[string]any{}}, false, "done now open open open open open", nextPlan},
		{"planning", map[string]any{"plan": nil, "runs.plan": runs("open", "")}, false, "done now open open open open open", nextPlan},
		{"plan failed", map[string]any{"plan": nil, "runs.plan": runs("open", "failure")}, false, "done failed open open open open open", nextFailed},
		{"plan ready", nil, false, "done done now open open open open", nextApprove},
		{"approved", map[string]any{"approval.approved": true}, false, "done done done now open open open", nextMerge},
		{"closed", map[string]any{"pr.open": false}, false, "done done off off off off off", nextClosed},
		{"merged", with(nil), false, "done done done done now open open", nextApply},
		{"applying", with(map[string]any{"runs.apply": runs("open", "")}), false, "done done done done now open open", nextApplying},
		{"apply failed", with(map[string]any{"runs.apply": runs("open", "failure")}), false, "done done done done failed open open", nextFailed},
		{"applied", with(map[string]any{"runs.apply": runs("open", "success")}), false, "done done done done done open open", nextDestroy},
		{"destroy wanted", with(map[string]any{"runs.apply": runs("open", "success"), "wanted": []any{map[string]any{"what": "destroy", "by": "adam"}}}), false, "done done done done done now open", nextDestroyPlan},
		{"destroy planned", with(destroyPlan), false, "done done done done done now open", nextDestroyOK},
		{"destroy after a failed apply", with(map[string]any{"runs.apply": runs("open", "failure"), "runs.plan": runs("destroy", "success"), "plan.purpose": "destroy"}), false, "done done done done failed now open", nextDestroyOK},
		{"destroyed after a failed apply", with(map[string]any{"runs.apply": runs("open", "failure"), "runs.destroy": runs("destroy", "success")}), false, "done done done done failed done now", nextCleanup},
		{"destroyed", with(map[string]any{"runs.apply": runs("open", "success"), "runs.destroy": runs("destroy", "success")}), false, "done done done done done done now", nextCleanup},
		{"destroy failed", with(map[string]any{"runs.apply": runs("open", "success"), "runs.destroy": runs("destroy", "timed_out")}), false, "done done done done done failed open", nextFailed},
		{"archived", with(map[string]any{"runs.apply": runs("open", "success"), "runs.destroy": runs("destroy", "success")}), true, "done done done done done done done", nextNothing},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := readRow(change(t, row.edits), row.archived)
			if err != nil {
				t.Fatal(err)
			}
			var states []string
			for _, s := range got.Steps {
				states = append(states, s.State)
			}
			if steps := strings.Join(states, " "); steps != row.steps || got.Next != row.next {
				t.Errorf("steps %q next %q, want %q %q", steps, got.Next, row.steps, row.next)
			}
		})
	}
}

// TestAFailedStepIsNamedOnce: a run of a name often fails at its step of that name.
func TestAFailedStepIsNamedOnce(t *testing.T) {
	failed := runs("open", "failure")
	for at, note := range map[string]string{"Apply": "failed", "Verify": "Verify"} {
		failed["attempts"].([]any)[0].(map[string]any)["failedStep"] = at
		got, err := readRow(change(t, map[string]any{"pr.merged": true, "pr.open": false, "mergedSha": "f00", "runs.apply": failed}), false)
		if err != nil {
			t.Fatal(err)
		}
		if s := got.Steps[stepApply]; s.State != "failed" || s.Note != note {
			t.Errorf("%s: %+v", at, s)
		}
	}
}

func TestDamagedDocumentIsLeftOutOfTheList(t *testing.T) {
	w := newWorld(t)
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
		t.Error("what is no state is shown as one")
	}
}

// The world names people and places; the keys stay where the sandbox prints them.
func TestWorldHoldsNoSecret(t *testing.T) {
	w := newWorld(t)
	var raw json.RawMessage
	w.view("/view/world", &raw)
	for name, secret := range w.box.Access.Env {
		if name == "AWS_ACCESS_KEY_ID" {
			continue // the principal's name
		}
		if (strings.Contains(name, "TOKEN") || strings.Contains(name, "SECRET") || strings.Contains(name, "KEY")) && strings.Contains(string(raw), secret) {
			t.Errorf("the world tells %s", name)
		}
	}
	var world struct{ People []Person }
	w.view("/view/world", &world)
	roles := ""
	for _, p := range world.People {
		roles += p.Login + " " + p.Role + ", "
	}
	if roles != "dana developer, ana approver, omar approver, adam admin, vic viewer, " {
		t.Error(roles)
	}
}

func TestResetTakesWhatIsAskedFor(t *testing.T) {
	w := newWorld(t)
	w.seed()
	if err := w.box.S3.Inject(s3.Fault{Kind: s3.FaultSlowDown}); err != nil {
		t.Fatal(err)
	}
	reset := w.box.Access.Page + "/view/reset"
	if code := w.call(http.MethodPost, reset, "", map[string]bool{}, nil); code != http.StatusBadRequest {
		t.Errorf("nothing chosen: %d", code)
	}
	if code := w.call(http.MethodPost, reset, "", map[string]bool{"universe": true}, nil); code != http.StatusBadRequest {
		t.Errorf("an unknown part: %d", code)
	}
	w.call(http.MethodPost, reset, "", map[string]bool{"faults": true, "counters": true, "cloud": true}, nil)
	if n := len(w.box.S3.Faults()) + len(w.box.Cloud.Objects("")) + len(w.box.S3.Counts()); n != 0 {
		t.Errorf("%d things are left", n)
	}
	if _, ok := w.box.S3.Read(requestsBucket, requestKey); !ok {
		t.Error("the document is gone")
	}
	resp, err := http.Post(reset, "text/plain", strings.NewReader(`{"cloud":true}`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("a form's body: %s", resp.Status)
	}
}

// A page that listens hears of everything at first, then of what changes.
func TestEvents(t *testing.T) {
	w := newWorld(t)
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
