// Package browser drives Chromium for tests, in the way a person with a screen reader would. It finds
// controls by role and accessible name and uses them with real mouse and key events, so that a
// covered, disabled or unnamed control cannot be used. It collects the errors of the console. It owns
// no test and knows nothing of the page.
package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// T is the part of testing.TB that this package uses.
type T interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
	Cleanup(func())
	TempDir() string
}

// patience is how long something may take to appear. Some callers wait for a whole Terraform run.
const patience = time.Minute

// Page is one tab.
type Page struct {
	t   T
	ctx context.Context

	Patience time.Duration

	mu     sync.Mutex
	faults []string
	allow  []string
	scope  string // name of the dialog or region to search
	role   string
}

// names lists the program names of the browser.
var names = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// find finds the browser. A test without it fails.
func find() (string, error) {
	if path := os.Getenv("CHROMIUM"); path != "" {
		return path, nil
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no Chromium: install it (Debian: apt-get install chromium) or name it in CHROMIUM")
}

// Open starts a browser with one tab at the address. It ends with the test.
func Open(t T, address string, width, height int) *Page {
	t.Helper()
	path, err := find()
	if err != nil {
		t.Fatalf("%v", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("force-prefers-reduced-motion", true), chromedp.UserDataDir(t.TempDir()),
	)
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, shut := chromedp.NewContext(ctx)
	t.Cleanup(shut)
	p := &Page{t: t, ctx: ctx, Patience: patience}
	if err := chromedp.Listen(ctx, p.listen); err != nil { // also starts the browser
		t.Fatalf("start Chromium: %v", err)
	}
	p.do("watch the console", func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, cdplog.Enable, cdp.Empty{})
		return err
	})
	p.Size(width, height)
	p.steps("open "+address, chromedp.Navigate(address))
	return p
}

// do runs a command in the browser, with a timeout.
func (p *Page) do(what string, fn func(context.Context, *chromedp.Target) error) {
	p.t.Helper()
	p.steps(what, chromedp.Func(fn))
}

func (p *Page) steps(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, p.Patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("%s: %v\n%s", what, err, p.Outline())
	}
}

// listen records the complaints of the console: exceptions, errors, violations of the content security
// policy.
func (p *Page) listen(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		p.fault("exception: " + thrown(e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			p.fault("console: " + consoleText(e.Args))
		}
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == cdplog.EntryLevelError || e.Entry.Level == cdplog.EntryLevelWarning {
			p.fault(fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	}
}

func thrown(d *runtime.ExceptionDetails) string {
	if d.Exception != nil && d.Exception.Description != "" {
		return d.Exception.Description
	}
	return d.Text
}

func consoleText(args []*runtime.RemoteObject) string {
	var parts []string
	for _, a := range args {
		parts = append(parts, string(a.Value)+a.Description)
	}
	return strings.Join(parts, " ")
}

func (p *Page) fault(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, known := range p.allow {
		if strings.Contains(text, known) {
			return
		}
	}
	p.faults = append(p.faults, text)
}

// Allow expects console errors that contain the text, for requests that are refused on purpose.
func (p *Page) Allow(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.allow = append(p.allow, text)
}

// Quiet fails the test if the console has unexpected errors.
func (p *Page) Quiet() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.faults {
		p.t.Errorf("the console reports: %s", f)
	}
	p.faults = nil
}

// Size changes the window.
func (p *Page) Size(width, height int) {
	p.t.Helper()
	p.steps("resize", chromedp.EmulateViewport(int64(width), int64(height)))
}

// Scheme sets the preferred color scheme: light or dark.
func (p *Page) Scheme(name string) {
	p.t.Helper()
	p.do("prefer "+name, func(ctx context.Context, tab *chromedp.Target) error {
		prefer := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme",
			Value: name}}}
		_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, prefer)
		return err
	})
}

// NoSidewaysScroll fails the test if the page is wider than its window.
func (p *Page) NoSidewaysScroll() {
	p.t.Helper()
	var wide []string
	p.Eval(`(() => {
		const limit = document.documentElement.clientWidth, out = [];
		if (document.documentElement.scrollWidth > limit) out.push("page: " + document.documentElement.scrollWidth);
		for (const el of document.body.querySelectorAll("*")) {
			const r = el.getBoundingClientRect();
			if (!r.width || r.right <= limit + 1 || getComputedStyle(el).position === "fixed") continue;
			let up = el.parentElement, held = false;
			for (; up; up = up.parentElement) if (/auto|scroll|hidden|clip/.test(getComputedStyle(up).overflowX) && up !== document.body && up !== document.documentElement) { held = true; break; }
			if (!held) out.push(el.tagName + "." + el.className + " " + Math.round(r.right));
		}
		return out.slice(0, 10);
	})()`, &wide)
	for _, w := range wide {
		p.t.Errorf("wider than the window: %s", w)
	}
}

// Eval evaluates a script and decodes its JSON, for data that is not visible as text.
func (p *Page) Eval(script string, into any) {
	p.t.Helper()
	p.do("evaluate", func(ctx context.Context, tab *chromedp.Target) error {
		yes := true
		res, err := cdp.Call(ctx, tab, runtime.Evaluate,
			runtime.EvaluateParams{Expression: script, ReturnByValue: &yes, AwaitPromise: &yes})
		if err != nil {
			return err
		}
		if res.ExceptionDetails != nil {
			return errors.New(thrown(res.ExceptionDetails))
		}
		return json.Unmarshal(res.Result.Value, into)
	})
}

// Screenshot saves a picture of the window.
func (p *Page) Screenshot(path string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, p.Patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(path, png, 0o600)
	}
	if err != nil {
		p.t.Fatalf("screenshot: %v", err)
	}
}
