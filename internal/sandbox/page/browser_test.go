package page

import (
	"flag"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/tfpilot/tfpilot/internal/testing/browser"
)

var shots = flag.String("screenshots", "", "directory for screenshots")

func (w *testSandbox) open(width, height int) *browser.Page {
	w.t.Helper()
	p := browser.Open(w.t, w.box.Access.Page, width, height)
	p.See("button", "Send")
	return p
}

func shoot(p *browser.Page, name string) {
	if *shots != "" {
		_ = os.MkdirAll(*shots, 0o700)
		p.Screenshot(filepath.Join(*shots, name+".png"))
	}
}

func named(t *testing.T, p *browser.Page) {
	t.Helper()
	for _, missing := range p.Unnamed() {
		t.Errorf("a %s has no name", missing)
	}
}

func TestNewUserIsWelcomed(t *testing.T) {
	w := newTestSandbox(t)
	p := w.open(1280, 800)
	p.Read("TfPilot is not connected")
	startBot(w)
	p.Read("TfPilot is connected (1)")
	p.See("heading", "Welcome. Request a piece of infrastructure.")
	shoot(p, "welcome-1280-light")
	named(t, p)
	p.Click("button", "How it works")
	p.In("dialog", "How it works").Click("button", "Let me try")
	p.Gone("dialog", "")
	p.Click("button", "Start with a request")
	p.See("option", "/tfpilot request…")
	p.Focus("combobox", "Message #infra-dev")
	p.TypeInto("combobox", "Message #infra-dev", "/")
	p.Press(kb.ArrowDown + kb.Tab)
	p.See("option", "/tfpilot help…")
	p.Press(kb.ArrowUp + kb.Enter)
	p.Press(kb.Enter)
	p.Read("Only visible to you")
	p.Read("to ask for something, @dana.")
	p.Click("button", "Dismiss message")
	p.Unread("Only visible to you")
	p.Quiet()
}

func TestAFormIsFilledIn(t *testing.T) {
	w := newTestSandbox(t)
	b := startBot(w)
	p := w.open(1280, 800)
	p.TypeInto("combobox", "Message #infra-dev", "/tfpilot request")
	p.Click("button", "Send")
	d := p.In("dialog", "New request")
	d.See("combobox", "Project")
	p.Focus("combobox", "Project")
	named(t, p)
	d.Type("Bucket name", "not a name")
	d.Choose("Project", "core") // redraws the form and keeps what was typed
	d.Read("A private, encrypted")
	d.Click("radio", "No")
	d.Type("Delete objects after days (optional)", "x")
	d.Click("button", "Create request")
	d.Read("Please enter a number.")
	d.Read("Please complete this required field.")
	shoot(p, "modal-errors-1280-light")
	d.Type("Delete objects after days (optional)", "30")
	d.Type("Why is it needed?", "Build artifacts")
	d.Click("checkbox", "Zone B")
	d.Click("checkbox", "Zone C")
	d.TypeInto("combobox", "Owner (optional)", "pay")
	d.Click("option", "Payments team")
	d.Choose("Reviewer (optional)", "@omar")
	d.Click("button", "Create request")
	d.Read("A bucket's name has no spaces.")
	p.Focus("textbox", "Bucket name")
	d.Type("Bucket name", "acme-build-artifacts")
	d.Click("button", "Show advanced options")
	p.See("dialog", "Advanced")
	p.In("dialog", "Advanced").Type("Key (optional)", "kms")
	p.In("dialog", "Advanced").Click("button", "Keep")
	d.Click("button", "Create request")
	p.In("dialog", "Saved").Read("your request is on its way")
	p.Press(kb.Escape)
	p.Gone("dialog", "")
	p.Read("Plan ready")
	given(t, b)
	p.Quiet()
}

// An error is shown below its field, also in a low window.
func TestAnErrorIsSeenWithItsField(t *testing.T) {
	w := newTestSandbox(t)
	startBot(w)
	p := w.open(1280, 440)
	p.TypeInto("combobox", "Message #infra-dev", "/tfpilot request")
	p.Click("button", "Send")
	d := p.In("dialog", "New request")
	d.Choose("Project", "core")
	d.Type("Bucket name", "acme-build-artifacts")
	d.Type("Why is it needed?", "Build artifacts")
	d.Type("Delete objects after days (optional)", "x")
	var below float64
	p.Eval(`(document.activeElement.scrollIntoView({ block: "end" }), 0)`, &below)
	p.Press(kb.Enter)
	d.Read("Please enter a number.")
	p.Eval(`document.querySelector(".error").getBoundingClientRect().bottom - document.querySelector(".modal-body").getBoundingClientRect().bottom`, &below)
	if below > 0 {
		t.Errorf("the error ends %v pixels below what is shown", below)
	}
	p.Quiet()
}

// given compares what the app received with what was filled in.
func given(t *testing.T, b *bot) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	g := b.given
	zones := ""
	for _, o := range g["zones"]["zones"].SelectedOptions {
		zones += o.Value
	}
	got := strings.Join([]string{
		g["project"]["project"].SelectedOption.Value, g["name"]["name"].Value, g["days"]["days"].Value,
		g["versions"]["versions"].SelectedOption.Value,
		zones, g["owner"]["owner"].SelectedOption.Value, g["reviewer"]["reviewer"].SelectedOption.Value, g["why"]["why"].Value,
	}, " | ")
	if want := "core | acme-build-artifacts | 30 | no | bc | payments | omar | Build artifacts"; got != want {
		t.Errorf("the app received\n%s, want\n%s", got, want)
	}
}

func TestCardsAndThreads(t *testing.T) {
	w := newTestSandbox(t)
	b := startBot(w)
	p := w.open(1280, 800)
	p.Click("button", "#payments")
	b.post(infraDev, "U0DANA0001")
	p.Click("button", "#infra-dev, unread")
	p.Gone("button", "#infra-dev, unread")
	p.Read("aws_s3_bucket.<img src=x onerror=alert(1)>")
	p.Read(`<script>document.title = "taken"</script>`)
	p.Gone("link", "a link") // not a web address
	p.See("image", "mag")
	p.Click("button", "1 reply…")
	th := p.In("complementary", "Thread")
	th.Read("The plan is ready, @dana: 7 to add.")
	shoot(p, "thread-1280-light")
	named(t, p)
	th.Type("Reply in the thread", "Looks good, @omar")
	th.Click("button", "Send")
	th.Read("Looks good, @omar")

	th.Click("button", "Reject")
	p.In("dialog", "Reject it?").Click("button", "Keep")
	p.Gone("dialog", "")
	th.Click("button", "More actions")
	p.Click("menuitem", "Plan again")
	th.Read("rest plan")
	th.Choose("Show", "History")
	th.Read("show history")
	p.Click("radio", "omar, approver")
	p.Read("omar")
	p.In("complementary", "Thread").Click("button", "Approve: S3 bucket")
	p.Read("Approved by @omar.")
	p.Read("Your approval is saved.")
	if did := b.did(); did != "rest plan, show history, approve 1" {
		t.Errorf("the app saw %s", did)
	}
	p.Click("button", "Close the thread")
	p.See("tab", "Request")
	p.Click("radio", "dana, developer")
	p.Unread("Your approval is saved.") // only omar may see it
	p.TypeInto("combobox", "Message #infra-dev", "/tfpilot slow")
	p.Press(kb.Enter)
	p.Read("operation_timeout")
	p.Quiet()
}

func TestHomeAndDirectMessages(t *testing.T) {
	w := startTestSandbox(t, t.TempDir(), 0)
	startBot(w)
	p := w.open(1280, 800)
	p.Click("button", "Home of TfPilot")
	p.See("heading", "Requests of U0DANA0001")
	p.Click("radio", "omar, approver")
	p.See("heading", "Requests of U0OMAR0003")
	p.Click("radio", "dana, developer")
	p.Click("button", "TfPilot")
	p.TypeInto("combobox", "Message TfPilot", "hello")
	p.Click("button", "Send")
	p.In("group", "Messages").Read("hello")
	p.Quiet()
}

func TestLookInside(t *testing.T) {
	w := newTestSandbox(t)
	w.seed()
	p := w.open(1280, 800)
	p.See("combobox", "Request to follow")
	p.In("region", "Journey of a request").Read("switch to omar, open the card's thread")
	in := func(tab string) *browser.Page {
		p.Click("tab", tab)
		return p.In("tabpanel", tab)
	}
	in("Request").Read("Build artifacts need a place")
	shoot(p, "inside-1280-light")
	in("Pull request").Read("+module \"tfpilot\" {")
	in("Pull request").Read("<img src=x onerror=alert(1)>")
	in("Runs").Read("failure")
	in("State").Read("aws_s3_bucket.this")
	p.Unread("hunter2")
	hooks := in("Webhooks")
	hooks.Click("button", "Redeliver all failed")
	p.Read("sent again.")

	look := in("Cloud")
	look.Choose("Answer to the next create", "The name is taken")
	look.Click("button", "Refuse the next create")
	look.Read("BucketAlreadyExists on create (1 left)")
	look.Click("DisclosureTriangle", "acme-build-artifacts…")
	look.Click("button", "Change acme-build-artifacts from outside")
	d := p.In("dialog", "Change acme-build-artifacts")
	d.Type("New value, as JSON", `{"Project": `)
	d.Click("button", "Change it")
	d.Read("This is not valid JSON")
	d.Type("New value, as JSON", `{"Project": "drift"}`)
	d.Click("button", "Change it")
	look.Read("drift")
	look.Click("button", "Delete acme-build-artifacts from outside")
	p.In("dialog", "Delete acme-build-artifacts?").Click("button", "Delete it")
	look.Read("The cloud is empty")
	p.Quiet()
}

func TestFaults(t *testing.T) {
	w := newTestSandbox(t)
	w.seed()
	p := w.open(1280, 800)
	p.Click("tab", "Faults")
	faults := p.In("tabpanel", "Faults")
	for _, name := range []string{
		"Drop the next webhook", "Drop all webhooks", "Send the next one twice", "Delay the next one by 15 s",
		"Reorder the next two",
		"502 for the next call", "Lose the next answer", "Rate limit from GitHub on the next call",
		"500 for the next write", "Lose the next write's answer", "Slow down the next five calls",
		"503 for the next call", "Rate limit from Slack on the next call", "Disconnect a socket", "Flush Redis",
		"No answer to the next prompt", "Invalid JSON as the next answer",
		"Refuse the next create", "Slow down the next create by 10 s",
	} {
		faults.Click("button", name)
		faults.In("list", "Faults injected since this page was opened").Read(name)
	}
	if len(w.box.S3.Faults()) != 3 || len(w.box.Cloud.Faults()) != 2 {
		t.Errorf("in force: %v %v", w.box.S3.Faults(), w.box.Cloud.Faults())
	}
	faults.Click("button", "Clear all faults")
	faults.Read("Nothing yet.")
	if n := len(w.box.S3.Faults()) + len(w.box.Cloud.Faults()); n != 0 {
		t.Errorf("%d faults are left", n)
	}
	p.Quiet()
}

// A narrow window shows one pane at a time, and nothing is wider than the window.
func TestNarrowAndDark(t *testing.T) {
	w := newTestSandbox(t)
	w.seed()
	b := startBot(w)
	b.post(infraDev, "U0DANA0001")
	p := w.open(390, 780)
	p.Read("Plan ready")
	look := func(name string) {
		p.NoSidewaysScroll()
		shoot(p, name)
	}
	look("chat-390-light")
	p.Click("button", "1 reply…")
	look("thread-390-light")
	p.Scheme("dark")
	for _, tab := range []string{"Request", "Pull request", "Runs", "State", "Cloud", "Webhooks", "Faults"} {
		p.Click("button", "Look inside")
		p.Click("tab", tab)
		p.In("tabpanel", tab).Unread("Loading…")
		look("inside-" + strings.ReplaceAll(tab, " ", "-") + "-390-dark")
	}
	p.Click("button", "dana…")
	look("places-390-dark")
	p.Click("button", "#infra-dev")
	p.TypeInto("combobox", "Message #infra-dev", "/tfpilot request")
	p.Click("button", "Send")
	p.See("combobox", "Project")
	p.In("dialog", "New request").Click("button", "Create request")
	p.In("dialog", "New request").Read("Please complete this required field.")
	look("modal-errors-390-dark")
	p.In("dialog", "New request").Click("button", "Cancel")
	p.Gone("dialog", "")
	p.Size(1280, 800)
	p.Click("button", "1 reply…")
	look("thread-1280-dark")
	p.Click("button", "Theme: auto")
	p.See("button", "Theme: light")
	p.Quiet()
}

// A long channel shows its end first, and older messages on request.
func TestLongChannel(t *testing.T) {
	w := newTestSandbox(t)
	for i := range 130 {
		if _, err := w.box.Slack.Say("ana", "#infra-dev", "", "message number "+strconv.Itoa(i)+"."); err != nil {
			t.Fatal(err)
		}
	}
	p := w.open(1280, 800)
	list := p.In("group", "Messages")
	list.Read("message number 129.")
	list.Unread("message number 69.")
	p.Click("button", "Show earlier messages (70)")
	p.Click("button", "Show earlier messages (10)")
	list.Read("message number 0.")
	p.Gone("button", "Show earlier messages…")
	if _, err := w.box.Slack.Say("ana", "#infra-dev", "", "the newest"); err != nil {
		t.Fatal(err)
	}
	p.Click("button", "New messages ↓")
	p.Gone("button", "New messages ↓")
	p.Quiet()
}

// The keyboard reaches everything: here a tab, a user, a channel.
func TestKeyboard(t *testing.T) {
	w := newTestSandbox(t)
	p := w.open(1280, 800)
	p.Click("tab", "Request")
	p.Press(kb.ArrowRight + kb.ArrowRight)
	p.Focus("tab", "Runs")
	p.Press(kb.End)
	p.See("tabpanel", "Faults")
	p.Click("radio", "dana, developer")
	p.Press(kb.ArrowDown)
	p.Focus("radio", "ana, approver")
	p.Press(kb.Tab + kb.Tab + kb.Enter)
	p.See("heading", "#infra-prod")
	p.Quiet()
}

// A page survives its server: it shows that the server is down, and reconnects by itself.
func TestPageReconnects(t *testing.T) {
	dir := t.TempDir()
	w, port := onFixedPorts(t, dir)
	p := w.open(1280, 800)
	p.Allow("net::ERR_")
	if err := w.box.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Read("The sandbox does not respond.")
	shoot(p, "gone-1280-light")
	again := startTestSandbox(t, dir, port)
	p.Click("button", "Try now")
	p.Unread("The sandbox does not respond.")
	if _, err := again.box.Slack.Say("ana", "#infra-dev", "", "back again"); err != nil {
		t.Fatal(err)
	}
	p.Read("back again")
	p.Quiet()
}

// onFixedPorts starts a sandbox on eight free consecutive ports.
func onFixedPorts(t *testing.T, dir string) (*testSandbox, int) {
	t.Helper()
	var last error
	for range 20 {
		probe, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, text, _ := net.SplitHostPort(probe.Addr().String())
		port, _ := strconv.Atoi(text)
		_ = probe.Close()
		box, err := start(t, dir, port)
		if err == nil {
			return &testSandbox{t, box}, port
		}
		last = err
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal(last)
	return nil, 0
}
