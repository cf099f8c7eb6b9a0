package ci

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

// A grant is the app's permission for one run: an object in the bucket that only the app can
// write. A workflow_dispatch event alone proves nothing, because everyone with write access to
// the repository can send one, with any inputs. So the inputs only name the grant, and everything
// that decides about an effect comes from it.
//
// The app withdraws a run by deleting its grant. The run reads it twice: at the start, and
// directly before the effect, because minutes of planning can pass in between.

// grantFile is the grant that the guard checked, saved for later steps.
const grantFile = "grant.json"

// grantFields holds what a run knows only from its grant. The guard checks all fields before the
// claim and saves the grant; later steps read it from the file.
type grantFields struct {
	Purpose    lifecycle.Purpose
	Digest     string
	Plan       string // correlation id of the plan that was approved
	MayBeGone  bool   // a destroy may find no resources in the state
	LeaseToken int64
	Path       string
	Blob       string
	Backend    lifecycle.Backend
	Key        string // of fingerprints
}

// grantNames lists the valid values of a grant's fields. The app wrote the grant, but the run
// uses these values in commands and paths.
var grantNames = []struct {
	name  string
	value func(grantFields) string
	valid func(string) bool
}{
	{"purpose", func(g grantFields) string { return string(g.Purpose) }, func(s string) bool {
		return s == "" || lifecycle.Purpose(s).Known()
	}},
	{"digest", func(g grantFields) string { return g.Digest }, orEmpty(lifecycle.NameDigest)},
	{"plan", func(g grantFields) string { return g.Plan }, planID},
	{"path", func(g grantFields) string { return g.Path }, orEmpty(lifecycle.NamePath)}, // compared with the request's own
	{"blob", func(g grantFields) string { return g.Blob }, orEmpty(lifecycle.NameBlob)},
	{"backend bucket", func(g grantFields) string { return g.Backend.Bucket }, lifecycle.NameBucket.Valid},
	{"backend key", func(g grantFields) string { return g.Backend.Key }, lifecycle.NameStateKey.Valid},
	{"fingerprint key", func(g grantFields) string { return g.Key }, regexp.MustCompile(`^([0-9a-f]{64})?$`).MatchString},
	{"backend region", func(g grantFields) string { return g.Backend.Region }, lifecycle.NameRegion.Valid},
	{"lock table", func(g grantFields) string { return g.Backend.DynamoDBTable }, orEmpty(lifecycle.NameDynamoDBTable)},
}

// planID accepts the correlation id of a plan, or an empty text.
func planID(s string) bool {
	kind, err := lifecycle.ParseCorrelationID(s)
	return s == "" || err == nil && kind == lifecycle.KindPlan
}

// take checks a grant and copies the fields that only the grant has.
func (in *inputs) take(g lifecycle.Grant, branch string) error {
	if what := in.differs(g); what != "" {
		return refuse(lifecycle.CodeGuardRefused, "the grant is for another %s", what)
	}
	in.grantFields = grantFields{
		Purpose: g.Purpose, Digest: g.Digest, Plan: g.Plan, MayBeGone: g.MayBeGone, LeaseToken: g.LeaseToken,
		Path: g.Path, Blob: g.Blob, Backend: g.Backend, Key: g.FingerprintKey,
	}
	for _, f := range grantNames {
		if !f.valid(f.value(in.grantFields)) {
			return refuse(lifecycle.CodeGuardRefused, "the %s in the grant is not valid: %q", f.name,
				cut(f.value(in.grantFields), 60))
		}
	}
	return in.consistent(branch)
}

// differs returns the name of the first input that differs from the grant.
func (in inputs) differs(g lifecycle.Grant) string {
	for _, f := range []struct {
		name  string
		equal bool
	}{
		{"kind", g.Kind == in.Kind},
		{"request", g.RequestID == in.RequestID},
		{"environment", g.Environment.Key == in.Environment.Key && g.Environment.Slug == in.Environment.Slug},
		{"project", g.Project == in.Project},
		{"commit", g.SHA == in.SHA},
		{"mode: dry run", g.DryRun == in.DryRun},
	} {
		if !f.equal {
			return f.name
		}
	}
	return ""
}

// consistent checks the grant against the facts that the run can derive itself.
func (in inputs) consistent(branch string) error {
	deny := func(what string) error { return inconsistent("inputs and the grant", what) }
	wantRef := branch
	if in.fromBranch() {
		wantRef = in.branch()
	}
	if in.Kind == lifecycle.KindDriftPlan {
		if in.Path != "" || in.Blob != "" || in.Purpose != "" || in.Ref != branch {
			return deny("a drift plan is of an environment on the default branch, not of a request")
		}
		return nil
	}
	want, err := lifecycle.RequestPath(in.Environment, in.RequestID)
	switch {
	case err != nil || in.Path != want || in.Blob == "":
		return deny("request, path and blob")
	// Without a digest there would be nothing to compare the plan with, and without a lease token
	// two effects could run in one environment.
	case in.isEffect() && (in.Digest == "" || in.Plan == "" || in.LeaseToken <= 0):
		return deny("digest, plan and lease token are missing")
	case in.Purpose == "" || in.Kind == lifecycle.KindCleanup && !in.destroys():
		return deny("kind and purpose")
	case in.isEffect() && (in.Kind == lifecycle.KindDestroy) != in.destroys():
		return deny("kind and purpose")
	case in.Ref != wantRef:
		return deny("the ref is not the branch of such a run")
	}
	return nil
}

// readGrant reads the grant of this run and checks it.
func (j *job) readGrant(ctx context.Context, b bucket) (lifecycle.Grant, error) {
	g, err := b.Grant(ctx, j.in.Project, j.in.CorrelationID)
	// S3 answers 403 instead of 404 to a role that may not list the bucket.
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDenied) {
		return g, refuse(lifecycle.CodeGuardRefused, "there is no grant for this run: TfPilot did not request it, "+
			"or withdrew it")
	}
	if err != nil {
		return g, fmt.Errorf("read the grant: %w", err)
	}
	if err := j.in.take(g, j.env["TFPILOT_DEFAULT_BRANCH"]); err != nil {
		return g, err
	}
	if !j.now().Before(g.ExpiresAt) {
		return g, refuse(lifecycle.CodeGuardRefused, "the grant expired at %s",
			g.ExpiresAt.UTC().Format("2006-01-02 15:04:05Z"))
	}
	return g, nil
}

// keepGrant keeps the checked grant for the steps after the guard.
func (j *job) keepGrant(g lifecycle.Grant) error {
	data, err := json.Marshal(g)
	if err != nil {
		return fmt.Errorf("encode the grant: %w", err)
	}
	return j.keepText(grantFile, data)
}

// useGrant takes over the grant that the guard saved.
func (j *job) useGrant() error {
	data, err := os.ReadFile(j.runFile(grantFile))
	if errors.Is(err, os.ErrNotExist) {
		return refuse(lifecycle.CodeGuardRefused, "the guard has not run before this step")
	}
	if err != nil {
		return fmt.Errorf("read the kept grant: %w", err)
	}
	var g lifecycle.Grant
	if err := json.Unmarshal(data, &g); err != nil {
		return fmt.Errorf("read the kept grant: %w", err)
	}
	return j.in.take(g, j.env["TFPILOT_DEFAULT_BRANCH"])
}

// recheckGrant reads the grant again directly before the apply or destroy. It must still exist
// and be identical, byte for byte, to the file that the guard saved: code that Terraform ran in
// between could have changed the runner's disk.
func (j *job) recheckGrant(ctx context.Context, b bucket) error {
	saved, err := os.ReadFile(j.runFile(grantFile))
	if err != nil {
		return fmt.Errorf("read the kept grant: %w", err)
	}
	g, err := j.readGrant(ctx, b)
	if err != nil {
		return err
	}
	now, err := json.Marshal(g)
	if err != nil {
		return fmt.Errorf("encode the grant: %w", err)
	}
	if !bytes.Equal(saved, now) {
		return refuse(lifecycle.CodeGuardRefused, "the grant is not the one that this run began with")
	}
	return nil
}
