package worker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tfpilot/tfpilot/internal/testing/bucket"
)

// Modes of a fault at one outside call.
const (
	crashBefore = "crash before" // the worker dies, the call is never made
	crashAfter  = "crash after"  // the call has its effect, the worker dies before the answer
	errorBefore = "error"        // no connection
	lostAnswer  = "lost answer"  // the effect happens, the answer does not arrive
	late        = "late"         // the answer does not arrive, the effect happens 200 s later
	frozen      = "frozen"       // the worker pauses before the call, and makes it afterwards
)

const (
	lateBy    = 200 * time.Second
	frozenFor = 45 * time.Second // longer than a silent process counts as alive, and than a task may last
)

// fault strikes the nth call (from 1) of a name.
type fault struct {
	Name string
	Nth  int
	Mode string
}

func (f fault) String() string { return fmt.Sprintf("%s at %q #%d", f.Mode, f.Name, f.Nth) }

var errNoAnswer = errors.New("connection reset by peer")

// gate is what every outside call of a worker passes: it names and numbers the
// calls, and lets the planned faults strike.
type gate struct {
	w    *harness
	over atomic.Bool // the story has ended: no more restarts
	late background

	noRestart atomic.Bool  // what is killed stays away
	s3Takes   atomic.Int64 // how long S3 takes to answer a worker

	mu     sync.Mutex
	plan   []fault
	seen   map[string]int // calls by name
	order  []string       // names of all calls, in order
	struck []fault
	last   time.Time         // when a fault struck last
	before map[string]func() // what happens just before the next call of a name
	spoilt string            // name of calls whose answer has unexpected content
}

// enter counts a call and returns the fault that strikes it.
func (g *gate) enter(name string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen[name]++
	g.order = append(g.order, name)
	for _, f := range g.plan {
		if f.Name == name && f.Nth == g.seen[name] {
			g.struck, g.last = append(g.struck, f), time.Now()
			g.w.log.note("%s #%d: %s", name, f.Nth, f.Mode)
			return f.Mode
		}
	}
	g.w.log.note("%s #%d", name, g.seen[name])
	return ""
}

// once plans a fault at the nth call of a name from now on.
func (g *gate) once(f fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f.Nth += g.seen[f.Name]
	g.plan = append(g.plan, f)
}

// heal removes the planned faults.
func (g *gate) heal() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.plan = nil
}

func (g *gate) strikes() []fault {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]fault(nil), g.struck...)
}

func (g *gate) struckAt() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.last
}

// onCall lets something happen just before the next call of a name.
func (g *gate) onCall(name string, do func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.before == nil {
		g.before = map[string]func(){}
	}
	g.before[name] = do
}

func (g *gate) interrupt(name string) {
	g.mu.Lock()
	do := g.before[name]
	delete(g.before, name)
	g.mu.Unlock()
	if do != nil {
		do()
	}
}

// calls counts the calls whose name begins with a prefix.
func (g *gate) calls(prefix string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for name, times := range g.seen {
		if strings.HasPrefix(name, prefix) {
			n += times
		}
	}
	return n
}

// names lists the calls with a prefix since some number of them, for messages.
func (g *gate) since(n int) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.order[n:]...)
}

func (g *gate) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.order)
}

// gated is the way of one process to one system.
type gated struct {
	p      *process
	system string
	next   http.RoundTripper
}

func (t gated) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.p.killed.Load() {
		return nil, errKilled
	}
	if strings.HasSuffix(req.URL.Path, "/access_tokens") {
		return t.next.RoundTrip(req)
	}
	t.p.awaitThaw()
	name := callName(t.system, req)
	t.p.w.gate.interrupt(name)
	switch t.p.w.gate.enter(name) {
	case crashBefore:
		t.p.kill()
		return nil, errKilled
	case errorBefore:
		return nil, errNoAnswer
	case lostAnswer:
		t.drop(t.next.RoundTrip(req))
		return nil, errNoAnswer
	case crashAfter:
		t.drop(t.next.RoundTrip(req))
		t.p.kill()
		return nil, errKilled
	case late:
		return t.later(req)
	case frozen:
		t.p.freeze(frozenFor)
		req = req.WithContext(context.WithoutCancel(req.Context()))
	}
	if t.system == "s3" {
		time.Sleep(time.Duration(t.p.w.gate.s3Takes.Load()))
	}
	resp, err := t.next.RoundTrip(req)
	if t.p.killed.Load() {
		t.drop(resp, err)
		return nil, errKilled
	}
	if name == t.p.w.gate.spoilt && err == nil {
		return spoil(resp), nil
	}
	return resp, err
}

// spoil is a well-formed answer with unexpected content.
func spoil(resp *http.Response) *http.Response {
	const text = `{"id": 7, "conclusion": ["success"]}`
	_ = resp.Body.Close()
	for name := range resp.Header {
		if strings.HasPrefix(name, "X-Amz-Checksum") {
			resp.Header.Del(name)
		}
	}
	resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	resp.Header.Set("Content-Length", strconv.Itoa(len(text)))
	return resp
}

func (t gated) drop(resp *http.Response, err error) {
	if err == nil {
		_ = resp.Body.Close()
	}
}

// later leaves the caller without an answer; the request arrives when no one
// expects it, as after a pause of the process or of the network.
func (t gated) later(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
	}
	again := req.Clone(context.Background())
	again.Body = io.NopCloser(bytes.NewReader(body))
	name := callName(t.system, req)
	t.p.w.gate.late.Go(func() {
		time.Sleep(lateBy)
		resp, err := t.next.RoundTrip(again)
		status := 0
		if err == nil {
			status = resp.StatusCode
		}
		t.p.w.log.note("%s arrives late: %d %v", name, status, err)
		t.drop(resp, err)
	})
	<-req.Context().Done()
	return nil, req.Context().Err()
}

var variable = regexp.MustCompile(`/(\d+|[0-9a-f]{40}|req_[a-z0-9]+)`)

// callName names a call without what differs from run to run.
func callName(system string, req *http.Request) string {
	path := req.URL.Path
	if system == "s3" {
		path, _, _ = strings.Cut(strings.TrimPrefix(path, "/"+bucket.Requests+"/"), "/")
		if prefix := req.URL.Query().Get("prefix"); req.URL.Query().Has("list-type") {
			return "s3 LIST " + strings.TrimSuffix(prefix, "/")
		}
		return "s3 " + req.Method + " " + path
	}
	path = strings.TrimPrefix(path, "/api/v3")
	path = strings.TrimPrefix(path, "/repos/"+repoName)
	path = variable.ReplaceAllString(path, "/*")
	if _, head, found := strings.Cut(path, "..."); found && head != "" {
		path, _, _ = strings.Cut(path, "...")
	}
	return "github " + req.Method + " " + path
}
