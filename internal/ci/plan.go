package ci

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/terraform"
)

// One plan step serves plans, applies and destroys. Each run plans again, also an apply: the
// approved plan may be days old, and the state may have changed since. The new plan is compared
// with the approved one by the digest of their summaries, which contain everything that an
// approver saw. Equal digests mean that the person approved exactly what will happen now.
//
// -target limits the plan to the request's module and what it depends on. Changes in the rest of
// the environment belong to other requests, or are drift that drift_plan reports.

// plan makes the plan of this run and saves what people will see. For an apply or destroy, the
// run continues only if the plan equals the approved plan byte for byte, or if nothing is left
// to do.
func (j *job) plan(ctx context.Context) error {
	if j.in.Kind == lifecycle.KindDriftPlan {
		return j.driftPlan(ctx)
	}
	if j.in.destroys() {
		file, err := j.referredTo()
		if err != nil {
			return err
		}
		if file != "" {
			return refuse(lifecycle.CodeReferredTo, "%s uses %s: take that out first", file, j.in.module())
		}
	}
	args := []string{"-target=" + j.in.module()}
	if j.in.destroys() {
		args = append(args, "-destroy")
	}
	if err := j.makePlan(ctx, args...); err != nil {
		return err
	}
	s, err := j.summarize()
	if err != nil {
		return err
	}
	return j.judge(s)
}

// makePlan runs terraform plan and saves its file and its JSON. It takes no lock, because it
// changes nothing and a stale plan is rejected at the apply.
func (j *job) makePlan(ctx context.Context, extra ...string) error {
	args := append([]string{"plan", "-json", "-input=false", "-lock=false", "-out=" + j.runFile("tfplan")}, extra...)
	exit, err := j.terraform(ctx, j.root(), "plan.log", args...)
	if err != nil {
		return err
	}
	if exit != 0 {
		j.learnState(ctx)
		return j.terraformFailed("plan.log", "terraform plan")
	}
	// The plan file is binary. show -json is the documented form, with a version of its own.
	exit, err = j.terraform(ctx, j.root(), "plan.json", "show", "-json", j.runFile("tfplan"))
	if err == nil && exit != 0 {
		j.learnState(ctx)
		err = j.terraformText("plan.json", "terraform show")
	}
	return err
}

// judge decides what the plan's summary means for this run.
func (j *job) judge(s summary) error {
	nothing := s.Counts == (lifecycle.Counts{}) && len(s.Addresses) == 0
	if err := j.note(func(o *outcome) {
		o.Digest, o.Counts, o.Addresses, o.Nothing = s.Digest, s.Counts, s.Addresses, nothing
	}); err != nil {
		return err
	}
	j.say("Plan: %d to add, %d to change, %d to replace, %d to destroy.", s.Counts.Add, s.Counts.Change,
		s.Counts.Replace, s.Counts.Destroy)
	j.say("Digest: %s", s.Digest)
	switch {
	case j.in.Kind == lifecycle.KindPlan && j.in.Purpose == lifecycle.PurposeOpen && s.Counts.Add == 0:
		return refuse(lifecycle.CodeNothingPlanned, "this request would create nothing")
	case !j.in.isEffect():
		return nil
	case nothing:
		if err := j.done(s.Digest); err != nil {
			return err
		}
		j.say("::notice::Nothing is left to do.")
		return nil
	case s.Digest != j.in.Digest:
		return refuse(lifecycle.CodeDigestChanged, "the plan is no longer the approved one: approved %s, now %s",
			j.in.Digest, s.Digest)
	}
	j.say("This is the approved plan.")
	return nil
}

// done checks that an empty plan means that the approved plan was carried out, and not that the
// state is a different one.
func (j *job) done(digest string) error {
	plan, err := j.readPlan()
	if err != nil {
		return err
	}
	if j.in.destroys() {
		// An empty destroy plan is also what a wrong or empty state gives. Success would then
		// mark the request as destroyed while its resources still exist and cost money.
		if !j.in.MayBeGone && !terraform.Holds(plan, j.in.RequestID) {
			return refuse(lifecycle.CodeDigestChanged, "the state holds nothing of this request, though it was applied and "+
				"nothing of TfPilot destroyed it: "+
				"find out whether this is the state that it was applied to")
		}
		return nil
	}
	approved, err := j.approved()
	if err != nil || digest == j.in.Digest {
		return err
	}
	key, err := j.fingerprintKey()
	if err != nil {
		return err
	}
	if missing := terraform.Missing(approved, plan, key); len(missing) > 0 {
		return refuse(lifecycle.CodeDigestChanged, "nothing is left to do, but the state is not what the approved plan "+
			"makes (%s): plan again",
			strings.Join(missing[:min(len(missing), maxNamed)], ", "))
	}
	return nil
}

// rootFile reads a file of the root.
func (j *job) rootFile(name string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(j.root(), name))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}

// driftPlan compares the whole environment with the real resources.
func (j *job) driftPlan(ctx context.Context) error {
	if err := j.makePlan(ctx); err != nil {
		return err
	}
	s, err := j.summarizeDrift()
	if err != nil {
		return err
	}
	j.say("%d of the environment's resources differ.", len(s.Addresses))
	return j.note(func(o *outcome) {
		o.Digest, o.Counts, o.Addresses, o.Nothing = s.Digest, s.Counts, s.Addresses, len(s.Addresses) == 0
	})
}

// learnState saves the state as it is now, to redact the output of a command that has no plan or
// that made new secrets. When Terraform could not save its state, learnState reads the file that
// Terraform left on the disk.
func (j *job) learnState(ctx context.Context) (known bool) {
	args := []string{"show", "-json"}
	if _, err := os.Stat(filepath.Join(j.root(), leftState)); err == nil {
		args = append(args, leftState)
	}
	exit, err := j.terraform(context.WithoutCancel(ctx), j.root(), "state.json", args...)
	if err == nil && exit == 0 {
		_, err = j.readState()
	}
	if err != nil || exit != 0 {
		j.say("::warning::The state could not be read for redaction.")
		return false
	}
	return true
}

// keepText saves a text that may leave the runner.
func (j *job) keepText(name string, data []byte) error {
	if err := os.WriteFile(j.runFile(name), data, 0o600); err != nil {
		return fmt.Errorf("keep %s: %w", name, err)
	}
	return nil
}

// lastLines returns at most the last lines of a text, where the error of a command is.
func lastLines(text string, last int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(all) > last {
		all = all[len(all)-last:]
	}
	return strings.Join(all, "\n")
}
