package main

import (
	"flag"
	"path/filepath"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/testing/browser"
)

var picture = flag.String("picture", "",
	"write the picture of the README to this file, and the others of docs beside it")

// takePicture saves the page for the docs under a name, when pictures are requested.
func takePicture(p *browser.Page, name string) {
	if *picture != "" {
		p.Screenshot(filepath.Join(filepath.Dir(*picture), name))
	}
}

// TestJourneyInTheBrowser plays the short journey as a newcomer does: in the page,
// control by control, with the real product behind it.
func TestJourneyInTheBrowser(t *testing.T) {
	y := newYard(t)
	y.run("app")
	y.run("worker")
	p := browser.Open(t, y.access.Page, 1280, 800)
	p.Patience = 2 * time.Minute // a Terraform run takes place in between
	p.Read("TfPilot is connected")

	p.TypeInto("combobox", "Message #infra-dev", "/tfpilot request s3-bucket")
	p.Click("button", "Send")
	form := p.In("dialog", "New request")
	form.Type("Why is it needed?", "CI uploads its build artifacts here")
	form.Type("Bucket name", "Not A Name")
	form.Click("button", "Create request")
	form.Read("3 to 63 lowercase letters")
	form.Type("Bucket name", "acme-browser-artifacts")
	takePicture(p, "request.png")
	form.Click("button", "Create request")
	p.Read("Saved")
	p.In("dialog", "Saved…").Click("button", "Close")

	p.Click("button", "1 reply…") // the question
	thread := p.In("complementary", "Thread")
	thread.Read("7 to add")
	p.Click("radio", "omar, approver")
	p.Click("button", "1 reply…")
	thread.Click("button", "Approve…")
	plan := p.In("dialog", "Approve")
	plan.Read("+ create aws_s3_bucket.this")
	takePicture(p, "approve.png")
	plan.Click("button", "Approve")
	p.Read("is saved")
	p.In("dialog", "Approve").Click("button", "Close")
	p.Read("Approved by")
	thread.Click("button", "Merge…")
	thread.Click("button", "Apply…")
	p.Read("Running terraform apply")
	p.Click("button", "Close the thread")
	p.Click("tab", "Runs")
	p.Read("The resources match the approved plan.")
	p.Read("Applied")
	takePicture(p, filepath.Base(*picture))
	p.Click("tab", "Cloud")
	p.Read("acme-browser-artifacts")
	p.Quiet()
}
