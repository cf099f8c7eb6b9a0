package ci

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
	"github.com/tfpilot/tfpilot/internal/terraform"
)

// A run works on the granted file of the granted commit, and on what the default branch
// holds, or on nothing.
func TestVerifyBindsTheContent(t *testing.T) {
	f := newFixture(t)
	base := f.repository()
	other := strings.Replace(fixtureText, "demo", "other", 1)
	proposed := f.commit(base, map[string]string{fixtureFile: fixtureText})
	merged := f.commit(base+" "+proposed, map[string]string{fixtureFile: fixtureText})
	later := f.commit(base, map[string]string{"README.md": "later\n"})
	byHand := f.commit(base, map[string]string{fixtureFile: fixtureText, "README.md": "by hand\n"})
	plan, apply, destroy := lifecycle.KindPlan, lifecycle.KindApply, lifecycle.KindDestroy
	for name, c := range map[string]struct {
		kind         lifecycle.Kind
		purpose      lifecycle.Purpose
		tools, infra string
		change       func(*job)
		want         string // part of the refusal
	}{
		"a plan of the branch":          {plan, lifecycle.PurposeOpen, base, proposed, nil, ""},
		"an edit":                       {plan, lifecycle.PurposeEdit, base, proposed, nil, ""},
		"the default branch moved on":   {plan, lifecycle.PurposeOpen, later, proposed, nil, ""},
		"a new plan of what was merged": {plan, lifecycle.PurposeReapply, merged, proposed, nil, ""},
		"an apply":                      {apply, lifecycle.PurposeOpen, merged, proposed, nil, ""},
		"an apply at the merge":         {apply, lifecycle.PurposeOpen, merged, merged, nil, ""},
		"a destroy of what is gone": {destroy, lifecycle.PurposeDestroy,
			f.commit(merged, map[string]string{fixtureFile: ""}), merged, nil, ""},
		"its plan": {plan, lifecycle.PurposeDestroy,
			f.commit(merged, map[string]string{fixtureFile: ""}), merged, nil, ""},
		"an apply of what is gone": {apply, lifecycle.PurposeOpen,
			f.commit(merged, map[string]string{fixtureFile: ""}), merged, nil, "on the default branch is not"},
		"an apply of other content": {apply, lifecycle.PurposeOpen,
			f.commit(merged, map[string]string{fixtureFile: other}), merged, nil, "on the default branch is not"},
		"a destroy of other content": {destroy, lifecycle.PurposeDestroy,
			f.commit(merged, map[string]string{fixtureFile: other}), merged, nil, "on the default branch is not"},
		"executable since": {apply, lifecycle.PurposeOpen,
			f.commit(merged, map[string]string{fixtureFile: modeExecutable + " " + fixtureText}), merged, nil,
			"on the default branch is not"},
		"a commit that was not merged": {apply, lifecycle.PurposeOpen, byHand, proposed, nil, "does not contain"},
		"a destroy of such a commit":   {destroy, lifecycle.PurposeDestroy, later, proposed, nil, "does not contain"},
		"another file beside it": {plan, lifecycle.PurposeOpen, base,
			f.commit(proposed, map[string]string{"README.md": "x\n"}), nil, "changes more than"},
		"another file is gone": {plan, lifecycle.PurposeOpen, base,
			f.commit(proposed, map[string]string{fixtureModule: ""}), nil, "changes more than"},
		"no change": {plan, lifecycle.PurposeOpen, merged, merged, nil, "changes more than"},
		"other content": {plan, lifecycle.PurposeOpen, base,
			f.commit(base, map[string]string{fixtureFile: other}), nil, "not what was granted"},
		"no file": {plan, lifecycle.PurposeOpen, base,
			f.commit(base, map[string]string{"README.md": "x\n"}), nil, "not what was granted"},
		"a link with the same bytes": {plan, lifecycle.PurposeOpen, base,
			f.commit(base, map[string]string{fixtureFile: "120000 " + fixtureText}), nil, "not what was granted"},
		"executable on the branch": {plan, lifecycle.PurposeOpen, base,
			f.commit(base, map[string]string{fixtureFile: modeExecutable + " " + fixtureText}), nil, "not what was granted"},
		"a directory of that name": {plan, lifecycle.PurposeOpen, base,
			f.commit(base, map[string]string{fixtureFile + "/x": fixtureText}), nil, "not what was granted"},
		"the checkout of the code moved": {plan, lifecycle.PurposeOpen, base, proposed, func(j *job) {
			j.env["GITHUB_SHA"] = later
		}, "tools is at"},
		"the checkout moved": {plan, lifecycle.PurposeOpen, base, proposed, func(j *job) { j.in.SHA = later }, "infra is at"},
	} {
		j := f.at(f.job(c.kind, c.purpose), c.tools, c.infra)
		if c.change != nil {
			c.change(j)
		}
		if c.want != "" {
			refused(t, name, j.verify(t.Context()), lifecycle.CodeContentDiffers, c.want)
			continue
		}
		err := j.headsAre(t.Context())
		if err == nil {
			_, err = j.granted(t.Context())
		}
		if err == nil {
			err = j.onBranch(t.Context())
		}
		refused(t, name, err, "", "")
	}
	for dir, step := range map[string]func(*job) error{
		"work/tools": func(j *job) error { return j.headsAre(t.Context()) },
		"work/infra": func(j *job) error { _, err := j.granted(t.Context()); return err },
	} {
		j := f.at(f.job(plan, lifecycle.PurposeOpen), base, proposed)
		j.env["GITHUB_WORKSPACE"] = f.path("nowhere")
		refused(t, "no "+dir, step(j), "error", "git ")
	}
}

// approve stores the plan of this code as approved, and grants it to the job.
func (f *fixture) approve(j *job, code *terraform.CodeIdentity) {
	f.t.Helper()
	s := terraform.Summary{Code: code}
	data := s.Bytes()
	j.in.Digest = terraform.Digest(data)
	f.remove("temp/tfpilot/run/" + approvedFile)
	key := "results/core/" + fixturePlan + "/summary.json"
	if err := f.s3.Write("requests", key, data); err != nil {
		f.t.Fatal(err)
	}
}

// An apply executes the code that was approved, or none, and says what differs.
func TestVerifyBindsTheCode(t *testing.T) {
	f := newFixture(t)
	base := f.repository()
	proposed := f.commit(base, map[string]string{fixtureFile: fixtureText})
	merged := f.commit(base+" "+proposed, map[string]string{fixtureFile: fixtureText})
	j := f.at(f.job(lifecycle.KindPlan, lifecycle.PurposeOpen), base, proposed)
	refused(t, "the plan", j.verify(t.Context()), "", "")
	if got := f.read("temp/tfpilot/tree/" + fixtureFile); got != fixtureText {
		t.Errorf("Terraform reads %q", got)
	}
	code, err := j.code()
	if err != nil || code.Terraform != "1.11.4" || len(code.Files) != 4 {
		t.Fatalf("%+v, %v", code, err)
	}
	changed := f.commit(merged, map[string]string{fixtureModule: "locals { x = 1 }\n"})
	many := map[string]string{}
	for i := range maxNamed + 1 {
		many[fmt.Sprintf("%sa%02d.tf", fixtureRoot, i)] = "locals {}\n"
	}
	some := maps.Clone(many)
	delete(some, fixtureRoot+"a00.tf")
	unnamed := strings.Join(slices.Sorted(maps.Keys(some)), ", ")
	key := "results/core/" + fixturePlan + "/summary.json"
	for name, c := range map[string]struct {
		tools  string
		change func(*job)
		code   lifecycle.ReasonCode
		want   string
	}{
		"the same code":         {merged, func(*job) {}, "", ""},
		"a module changed":      {changed, func(*job) {}, lifecycle.CodeCodeChanged, "(" + fixtureModule + ")"},
		"ten files are new":     {f.commit(merged, some), func(*job) {}, lifecycle.CodeCodeChanged, "(" + unnamed + ")"},
		"more than ten are new": {f.commit(merged, many), func(*job) {}, lifecycle.CodeCodeChanged, "a09.tf, and 1 more)"},
		"another Terraform": {merged, func(j *job) { c := *code; c.Terraform = "1.9.0"; f.approve(j, &c) },
			lifecycle.CodeCodeChanged, "Terraform 1.9.0, now 1.11.4"},
		"a new directory": {f.commit(merged, map[string]string{fixtureRoot + "deep/x.json": "{}\n"}), func(*job) {},
			lifecycle.CodeCodeChanged, "(" + fixtureRoot + "deep/)"},
		"a directory is gone": {merged, func(j *job) {
			f.approve(j, withTree(code, fixtureRoot+"deep/", code.Files["modules/demo/"]))
		}, lifecycle.CodeCodeChanged, "(" + fixtureRoot + "deep/)"},
		"an unknown directory": {merged, func(j *job) {
			f.approve(j, withTree(code, "modules/demo/", strings.Repeat("9", 40)))
		}, lifecycle.CodeCodeChanged, "(modules/demo/)"},
		"no code is named": {merged, func(j *job) { f.approve(j, nil) }, lifecycle.CodeCodeChanged,
			"does not say which code"},
		"another digest": {merged, func(j *job) { j.in.Digest = terraform.Digest(nil) }, lifecycle.CodeDigestChanged,
			"not the one that was approved"},
		"the summary is gone": {merged, func(j *job) { j.in.Plan = "plan-" + strings.Repeat("e", 32) },
			lifecycle.CodeDigestChanged, "no longer stored"},
		"it may not be read": {merged, func(*job) { f.fault(s3.FaultDenied, key) }, lifecycle.CodeDigestChanged,
			"no longer stored"},
		"it cannot be read": {merged, func(*job) { f.fault(s3.FaultInternal, key) }, "error", "read the approved plan"},
		"it is no summary": {merged, func(j *job) {
			_ = f.s3.Write("requests", key, []byte("{}"))
			j.in.Digest = terraform.Digest([]byte("{}x"))
		}, lifecycle.CodeDigestChanged, "not the one"},
		"the bucket is not open": {merged, func(j *job) { j.bucket = notOpen }, "error", "not open"},
		"it cannot be kept": {merged, func(*job) { f.write("temp/tfpilot/run/"+approvedFile+"/x", "x") }, "error",
			"keep " + approvedFile},
	} {
		f.remove("temp/tfpilot/tree", "temp/tfpilot/run/"+codeFile)
		j := f.at(f.job(lifecycle.KindApply, lifecycle.PurposeOpen), c.tools, merged)
		f.approve(j, code)
		c.change(j)
		err := j.verify(t.Context())
		f.s3.ClearFaults()
		refused(t, name, err, c.code, c.want)
		_, missing := os.Stat(f.path("temp/tfpilot/tree"))
		if (missing == nil) != (c.code == "") || (f.read("temp/tfpilot/run/"+codeFile) != "") != (c.code == "") {
			t.Errorf("%s: there is code for Terraform: %v", name, missing == nil)
		}
	}
	f.remove("temp/tfpilot/run/" + codeFile) // the rows come in any order, and the last one may have left it
	f.write("temp/tfpilot/run/"+codeFile+"/x", "x")
	j = f.at(f.job(lifecycle.KindPlan, lifecycle.PurposeReapply), merged, merged)
	refused(t, "code that cannot be kept", j.verify(t.Context()), "error", "keep "+codeFile)
	f.remove("temp/tfpilot/run/" + codeFile)
	j = f.at(f.job(lifecycle.KindPlan, lifecycle.PurposeReapply), changed, merged)
	refused(t, "a new plan of changed code", j.verify(t.Context()), "", "")
}

// withTree is code with a directory of that id.
func withTree(code *terraform.CodeIdentity, name, id string) *terraform.CodeIdentity {
	c := terraform.CodeIdentity{Terraform: code.Terraform, Files: maps.Clone(code.Files)}
	c.Files[name] = id
	return &c
}

// What init fetched from outside is part of the code, and compared before the plan.
func TestBackendBindsFetchedModules(t *testing.T) {
	f := newFixture(t)
	root := "temp/tfpilot/tree/" + fixtureRoot
	f.write(root+packages+"/modules.json",
		`{"Modules":[{"Key":"","Dir":"."},{"Key":"far","Source":"git::https://git.example.com/net","Version":"1","Dir":".terraform/modules/far/net"}]}`)
	f.write(root+packages+"/far/net/main.tf", "locals {}\n")
	local := terraform.CodeIdentity{Terraform: "1.11.4", Files: map[string]string{fixtureFile: "1"}}
	keep := func() {
		f.write("temp/tfpilot/run/"+codeFile, string(local.Bytes()))
	}
	keep()
	plan := f.job(lifecycle.KindPlan, lifecycle.PurposeOpen)
	refused(t, "a plan", plan.bindRemote(t.Context()), "", "")
	whole, err := plan.code()
	if err != nil || len(whole.Remote) != 1 || whole.Remote["far"].Source == "" ||
		!strings.HasPrefix(whole.Remote["far"].Hash, "sha256:") {
		t.Fatalf("%+v, %v", whole, err)
	}
	for name, c := range map[string]struct {
		approved *terraform.CodeIdentity
		change   func()
		code     lifecycle.ReasonCode
		want     string
	}{
		"the same":            {whole, func() {}, "", ""},
		"nothing was fetched": {&local, func() {}, lifecycle.CodeCodeChanged, "module far"},
		"another content": {whole, func() { f.write(root+packages+"/far/net/main.tf", "locals { x = 1 }\n") },
			lifecycle.CodeCodeChanged, "module far"},
		"a module elsewhere": {whole, func() {
			f.write(root+packages+"/modules.json", `{"Modules":[{"Key":"far","Dir":"../../../../elsewhere"}]}`)
		}, lifecycle.CodeNotPinned, "outside the repository"},
		"an unreadable list":  {whole, func() { f.write(root+packages+"/modules.json", `{`) }, "error", "list of modules"},
		"no code was bound":   {whole, func() { f.remove("temp/tfpilot/run/" + codeFile) }, "error", codeFile},
		"no approved summary": {whole, func() { f.remove("temp/tfpilot/run/" + approvedFile) }, "error", approvedFile},
	} {
		keep()
		list, main := f.read(root+packages+"/modules.json"), f.read(root+packages+"/far/net/main.tf")
		j := f.job(lifecycle.KindApply, lifecycle.PurposeOpen)
		f.approve(j, c.approved)
		f.write("temp/tfpilot/run/"+approvedFile, string((&terraform.Summary{Code: c.approved}).Bytes()))
		c.change()
		refused(t, name, j.bindRemote(t.Context()), c.code, c.want)
		f.write(root+packages+"/modules.json", list)
		f.write(root+packages+"/far/net/main.tf", main)
	}
}

// A module that another file of the environment uses cannot go alone.
func TestReferredTo(t *testing.T) {
	f := newFixture(t)
	j := f.job(lifecycle.KindCleanup, lifecycle.PurposeDestroy)
	root := "work/tools/" + fixtureRoot
	use := "locals {\n  x = module.tfpilot_req_abcdefghijklm.name\n}\n"
	for name, c := range map[string]struct {
		file, text, want string
		code             lifecycle.ReasonCode
	}{
		"nothing":             {"more.tf", "locals {}\n", "", ""},
		"its own file":        {"tfpilot_req_abcdefghijklm.tf", use, "", ""},
		"a use":               {"more.tf", use, "more.tf", ""},
		"no Terraform":        {"more.txt", use, "", ""},
		"what cannot be read": {"more.tf", "locals {", "", lifecycle.CodeEnvironmentBroken},
	} {
		f.write(root+c.file, c.text)
		got, err := j.referredTo()
		refused(t, name, err, c.code, "")
		if got != c.want {
			t.Errorf("%s: %q", name, got)
		}
		f.remove(root + c.file)
	}
	if err := os.MkdirAll(f.path(root+"dir.tf"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := j.referredTo(); err == nil {
		t.Error("a directory was read")
	}
}
