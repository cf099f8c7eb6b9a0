package ci

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
)

const fixtureDigest = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

// grant grants the job what it is about, and keeps that as its guard does.
func (f *fixture) grant(j *job) lifecycle.Grant {
	f.t.Helper()
	j.in.SHA, j.in.Digest = strings.Repeat("a", 40), fixtureDigest
	g := lifecycle.Grant{
		Kind: j.in.Kind, Project: "core", RequestID: j.in.RequestID, Environment: j.in.Environment, SHA: j.in.SHA,
		Purpose: j.in.Purpose,
		Digest:  fixtureDigest, LeaseToken: 9, Plan: fixturePlan, Path: fixtureFile, Blob: j.in.Blob,
		ExpiresAt: time.Now().Add(time.Hour).UTC(),
		Backend: lifecycle.Backend{Bucket: "states", Key: "core/dev/app/terraform.tfstate", Region: "eu-central-1",
			UseLockfile: true},
	}
	f.put(j, g)
	if err := j.keepGrant(g); err != nil {
		f.t.Fatal(err)
	}
	return g
}

// put stores a grant, whatever was there.
func (f *fixture) put(j *job, g lifecycle.Grant) {
	f.t.Helper()
	data, err := json.Marshal(g)
	if err == nil {
		err = f.s3.Write("requests", "grants/core/"+j.in.CorrelationID+".json", data)
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) calls() string { return f.read("bin/calls") }

// applying is an apply whose plan was compared with the approval.
func (f *fixture) applying() (*job, lifecycle.Grant) {
	f.t.Helper()
	f.remove("temp/tfpilot", "bin/calls", "bin/fail.apply", "bin/fail.show", "bin/fail.state", "bin/fail.force-unlock",
		"bin/unlocked")
	f.write("temp/tfpilot/tree/"+fixtureRoot+"backend.tf", "terraform {}\n")
	f.write("temp/tfpilot/run/tfplan", "plan\n")
	f.out.Reset()
	j := f.job(lifecycle.KindApply, lifecycle.PurposeOpen)
	g := f.grant(j)
	if err := j.note(func(o *outcome) {
		o.Digest, o.StartedAt = fixtureDigest, time.Now().Add(-time.Minute)
	}); err != nil {
		f.t.Fatal(err)
	}
	f.write("bin/outputs", `"`+base64.StdEncoding.EncodeToString([]byte(`{"values":{"name":"logs"},"sensitive":["key"]}`))+`"`)
	return j, g
}

// The step that applies compares the digest and the grant by itself, whatever the steps
// before it did, and applies the file that was compared.
func TestApplyComparesBeforeItsEffect(t *testing.T) {
	f := newFixture(t)
	noted := func(change func(*outcome)) func(*job, lifecycle.Grant) {
		return func(j *job, _ lifecycle.Grant) {
			if err := j.note(change); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		change  func(*job, lifecycle.Grant)
		code    lifecycle.ReasonCode
		want    string
		applied bool
		outputs bool
	}{
		"what was approved":     {func(*job, lifecycle.Grant) {}, "", "", true, true},
		"a dry run":             {func(j *job, _ lifecycle.Grant) { j.in.DryRun = true }, "", "", false, false},
		"nothing is left to do": {noted(func(o *outcome) { o.Nothing, o.Digest = true, "" }), "", "", false, true},
		"another plan": {noted(func(o *outcome) { o.Digest = "sha256:" + strings.Repeat("0", 64) }),
			lifecycle.CodeDigestChanged, "", false, false},
		"no plan": {noted(func(o *outcome) { o.Digest = "" }), lifecycle.CodeDigestChanged, "", false, false},
		"no plan, none approved": {func(j *job, g lifecycle.Grant) {
			noted(func(o *outcome) { o.Digest = "" })(j, g)
			j.in.Digest = ""
		}, lifecycle.CodeDigestChanged, "", false, false},
		"a plan that was refused": {noted(func(o *outcome) { o.Reason = lifecycle.CodeReferredTo }),
			lifecycle.CodeDigestChanged, "", false, false},
		"no outcome": {func(*job, lifecycle.Grant) { f.write("temp/tfpilot/run/outcome.json", "{") }, "error",
			"read outcome", false, false},
		"the bucket is not open": {func(j *job, _ lifecycle.Grant) { j.bucket = notOpen }, "error", "not open", false, false},
		"the grant is gone": {func(j *job, _ lifecycle.Grant) {
			if err := f.bucket.DeleteGrant(t.Context(), "core", j.in.CorrelationID); err != nil {
				t.Fatal(err)
			}
		}, lifecycle.CodeGrantWithdrawn, "stopped before the effect: there is no grant", false, false},
		"it may not be read": {func(*job, lifecycle.Grant) { f.fault(s3.FaultDenied, "grants/") },
			lifecycle.CodeGrantWithdrawn, "there is no grant", false, false},
		"it cannot be read": {func(*job, lifecycle.Grant) { f.fault(s3.FaultInternal, "grants/") }, "error",
			"stopped before the effect: read the grant", false, false},
		"it expired": {func(j *job, g lifecycle.Grant) { j.now = func() time.Time { return g.ExpiresAt } },
			lifecycle.CodeGrantWithdrawn, "expired", false, false},
		"a moment before": {func(j *job, g lifecycle.Grant) { j.now = func() time.Time { return g.ExpiresAt.Add(-1) } }, "",
			"", true, true},
		"it is for another commit": {func(j *job, g lifecycle.Grant) {
			g.SHA = strings.Repeat("b", 40)
			f.put(j, g)
		}, lifecycle.CodeGrantWithdrawn, "another commit", false, false},
		"it has another lease": {func(j *job, g lifecycle.Grant) {
			g.LeaseToken++
			f.put(j, g)
		}, lifecycle.CodeGrantWithdrawn, "not the one that this run began with", false, false},
		"the kept one changed": {func(j *job, g lifecycle.Grant) {
			g.LeaseToken++
			if err := j.keepGrant(g); err != nil {
				t.Fatal(err)
			}
		}, lifecycle.CodeGrantWithdrawn, "not the one that this run began with", false, false},
		"the kept one is gone": {func(*job, lifecycle.Grant) { f.remove("temp/tfpilot/run/" + grantFile) }, "error",
			"read the kept grant", false, false},
		"Terraform fails": {func(*job, lifecycle.Grant) { f.write("bin/fail.apply", "Error: no such bucket\n") },
			lifecycle.CodeTerraformFailed, "no such bucket", true, false},
		"and its state is unknown": {func(*job, lifecycle.Grant) {
			f.write("bin/fail.apply", "Error: no such bucket\n")
			f.write("bin/fail.show", "no\n")
		}, lifecycle.CodeTerraformFailed, "output is withheld", true, false},
		"only the state is unknown": {func(*job, lifecycle.Grant) { f.write("bin/fail.show", "no\n") }, "", "", true, false},
		"there is no Terraform": {func(*job, lifecycle.Grant) { t.Setenv("PATH", "/nowhere") }, "error",
			"start terraform", false, false},
	} {
		path := os.Getenv("PATH")
		j, g := f.applying()
		c.change(j, g)
		err := j.apply(t.Context())
		t.Setenv("PATH", path)
		f.s3.ClearFaults()
		refused(t, name, err, c.code, c.want)
		calls, want := f.calls(), "apply -json -input=false -lock-timeout=60s "+j.runFile("tfplan")+"\n"
		if strings.Contains(calls, want) != c.applied || strings.Contains(calls, "apply") != c.applied {
			t.Errorf("%s: Terraform was called with %q", name, calls)
		}
		if o, _ := j.outcome(); (string(o.Outputs["name"]) == `"logs"`) != c.outputs {
			t.Errorf("%s: outputs %v", name, o.Outputs)
		}
	}
}

// The result has the name and the value of each output that is not secret. An output that cannot be
// read does not fail the apply.
func TestOutputsAreRead(t *testing.T) {
	f := newFixture(t)
	encoded := func(text string) string { return `"` + base64.StdEncoding.EncodeToString([]byte(text)) + `"` + "\n" }
	for name, c := range map[string]struct {
		said, want, hidden string
		kind               lifecycle.Kind
		warned             bool
	}{
		"an output": {encoded(`{"values":{"name":"logs"},"sensitive":["key"]}`), "name", "key",
			lifecycle.KindApply, false},
		"of a destroy": {encoded(`{"values":{"name":"logs"}}`), "", "", lifecycle.KindDestroy, false},
		"a secret by its value": {encoded(`{"values":{"name":"runner-secret-value"}}`), "", "name", lifecycle.KindApply,
			false},
		"a secret by its name": {encoded(`{"values":{"password":"logs"}}`), "", "password", lifecycle.KindApply, false},
		"no base64":            {"logs", "", "", lifecycle.KindApply, true},
		"no JSON":              {encoded("{"), "", "", lifecycle.KindApply, true},
	} {
		j, _ := f.applying()
		j.in.Kind, j.env["AWS_SECRET_ACCESS_KEY"] = c.kind, "runner-secret-value"
		f.write("bin/outputs", c.said)
		if err := j.readOutputs(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		o, _ := j.outcome()
		names := ""
		for name := range o.Outputs {
			names += name
		}
		if names != c.want || strings.Join(o.Sensitive, "") != c.hidden ||
			strings.Contains(f.out.String(), "::warning::") != c.warned {
			t.Errorf("%s: told %q, hidden %q\n%s", name, names, o.Sensitive, f.out.String())
		}
		f.out.Reset()
	}
	j, _ := f.applying()
	f.write("bin/fail.console", "no\n")
	if _, _, err := j.askOutputs(t.Context()); err == nil {
		t.Error("what a console that failed said was read")
	}
}

// A state that was left behind is pushed back. A lock is released only when this machine
// took it during this run.
func TestRescuePushesTheState(t *testing.T) {
	f := newFixture(t)
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	lock := func(who string, at time.Time) string {
		return "Error acquiring the state lock\n\nLock Info:\n  ID:        11111111-2222-3333-4444-555555555555\n" +
			"  Path:      b/k\n  Operation: OperationTypeApply\n  Who:       " +
			who + "\n  Version:   1.11.4\n  Created:   " + at.UTC().Format("2006-01-02 15:04:05.999999999") + " +0000 UTC\n"
	}
	began := time.Date(2026, 11, 30, 7, 0, 0, 500, time.UTC)
	unlock := "force-unlock -force 11111111-2222-3333-4444-555555555555\n"
	for name, c := range map[string]struct {
		left, locked    string
		force           string // what forcing the lock says, when it fails
		code            lifecycle.ReasonCode
		want            string
		pushes, sleeps  int
		unlocked, saved bool
	}{
		"nothing was left": {"", "", "", "", "", 0, 0, false, false},
		"it is saved":      {"{}", "", "", "", "", 1, 0, false, true},
		"its own lock":     {"{}", lock("root@"+host, began), "", "", "", 2, 0, true, true},
		"a lock of another": {"{}", lock("root@elsewhere", began), "", lifecycle.CodeStateNotSaved, "could not be saved",
			rescueTries, rescueTries - 1, false, false},
		"a lock from before": {"{}", lock("root@"+host, began.Add(-time.Second)), "", lifecycle.CodeStateNotSaved,
			"could not be saved", rescueTries, rescueTries - 1, false, false},
		"the same second": {"{}", lock("root@"+host, began.Truncate(time.Second)), "", "", "", 2, 0, true, true},
		"no lock": {"{}", "Error: denied\n", "", lifecycle.CodeStateNotSaved, "Error: denied", rescueTries,
			rescueTries - 1, false, false},
		"a lock that stays": {"{}", lock("root@"+host, began), "no\n", lifecycle.CodeStateNotSaved, "could not be saved",
			rescueTries, rescueTries - 1, true, false},
	} {
		j, _ := f.applying()
		sleeps := 0
		j.sleep = func(time.Duration) { sleeps++ }
		if err := j.note(func(o *outcome) { o.StartedAt = began }); err != nil {
			t.Fatal(err)
		}
		file := "temp/tfpilot/tree/" + fixtureRoot + leftState
		if c.left != "" {
			f.write(file, c.left)
		}
		if c.locked != "" {
			f.write("bin/fail.state", c.locked)
		}
		if c.force != "" {
			f.write("bin/fail.force-unlock", c.force)
		}
		refused(t, name, j.rescue(t.Context()), c.code, c.want)
		calls := f.calls()
		if n := strings.Count(calls, "state push "+leftState+"\n"); n != c.pushes || sleeps != c.sleeps ||
			strings.Contains(calls, unlock) != c.unlocked {
			t.Errorf("%s: %d pushes, %d sleeps:\n%s", name, n, sleeps, calls)
		}
		if saved := c.left != "" && f.read(file) == ""; saved != c.saved ||
			strings.Contains(f.out.String(), "is saved") != c.saved {
			t.Errorf("%s: the file is gone: %v\n%s", name, saved, f.out.String())
		}
	}
}

// A run that is cancelled saves its state all the same.
func TestRescueInACancelledRun(t *testing.T) {
	f := newFixture(t)
	j, _ := f.applying()
	file := "temp/tfpilot/tree/" + fixtureRoot + leftState
	f.write(file, "{}")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := j.rescue(ctx); err != nil || f.read(file) != "" || strings.Count(f.calls(), "state push") != 1 {
		t.Errorf("%v, left %q, calls:\n%s", err, f.read(file), f.calls())
	}
}

// A Terraform that cannot be started has saved nothing.
func TestRescueNeedsTerraform(t *testing.T) {
	f := newFixture(t)
	j, _ := f.applying()
	file := "temp/tfpilot/tree/" + fixtureRoot + leftState
	f.write(file, "{}")
	t.Setenv("PATH", "/nowhere")
	refused(t, "no Terraform", j.rescue(t.Context()), lifecycle.CodeStateNotSaved, "could not be saved")
	if f.read(file) != "{}" {
		t.Error("the state that was left is gone")
	}
}
