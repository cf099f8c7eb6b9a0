package ci

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// inputs are a dispatch's inputs, each checked against the one pattern it may have.
type inputs struct {
	Kind          lifecycle.Kind
	Project       string
	RequestID     string
	Environment   lifecycle.Environment
	SHA           string
	Ref           string
	CorrelationID string
	DryRun        bool
	Purpose       lifecycle.Purpose
	Digest        string
	LeaseToken    int64
	Path          string
	Blob          string
	Backend       lifecycle.Backend
}

var patterns = map[string]*regexp.Regexp{
	"TFPILOT_KIND":             regexp.MustCompile(`^(plan|apply|destroy|cleanup|drift_plan)$`),
	"TFPILOT_PROJECT":          regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`),
	"TFPILOT_REQUEST_ID":       regexp.MustCompile(`^(req_[a-z0-9]{10,16})?$`),
	"TFPILOT_ENVIRONMENT_KEY":  regexp.MustCompile(`^[a-z][a-z0-9-]{1,20}$`),
	"TFPILOT_ENVIRONMENT_SLUG": regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`),
	"TFPILOT_SHA":              regexp.MustCompile(`^[0-9a-f]{40}$`),
	"TFPILOT_REF":              regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$`),
	"TFPILOT_CORRELATION_ID":   regexp.MustCompile(`^(plan|apply|destroy|cleanup|drift_plan)-[0-9a-f]{32}$`),
	"TFPILOT_DRY_RUN":          regexp.MustCompile(`^(true|false)$`),
	"TFPILOT_PURPOSE":          regexp.MustCompile(`^(open|edit|reapply|destroy)?$`),
	"TFPILOT_DIGEST":           regexp.MustCompile(`^(sha256:[0-9a-f]{64})?$`),
	"TFPILOT_LEASE_TOKEN":      regexp.MustCompile(`^(0|[1-9][0-9]{0,17})?$`),
	"TFPILOT_PATH":             regexp.MustCompile(`^(envs/[a-z0-9-]+/[a-z0-9-]+/tfpilot_req_[a-z0-9]{10,16}\.tf)?$`),
	"TFPILOT_BLOB":             regexp.MustCompile(`^([0-9a-f]{40})?$`),
	"TFPILOT_BACKEND_BUCKET":   regexp.MustCompile(`^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$`),
	"TFPILOT_BACKEND_KEY":      regexp.MustCompile(`^([A-Za-z0-9_=-]+(\.[A-Za-z0-9_=-]+)*(/[A-Za-z0-9_=-]+(\.[A-Za-z0-9_=-]+)*)*)?$`),
	"TFPILOT_BACKEND_TABLE":    regexp.MustCompile(`^([A-Za-z0-9_.-]{3,255})?$`),
	"TFPILOT_BACKEND_LOCKFILE": regexp.MustCompile(`^(true|false)?$`),
}

// parseInputs refuses everything that is not exactly of its pattern, before
// anything else happens with it. An input's value is never repeated in full.
func parseInputs(env map[string]string) (inputs, error) {
	for name, pattern := range patterns {
		if !pattern.MatchString(env[name]) {
			return inputs{}, refuse(codeGuardRefused, "input %s is not valid: %q", name, cut(env[name], 60))
		}
	}
	token := int64(0)
	if text := env["TFPILOT_LEASE_TOKEN"]; text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return inputs{}, fmt.Errorf("parse lease token: %w", err)
		}
		token = n
	}
	in := inputs{
		Kind: lifecycle.Kind(env["TFPILOT_KIND"]), Project: env["TFPILOT_PROJECT"], RequestID: env["TFPILOT_REQUEST_ID"],
		Environment: lifecycle.Environment{Key: env["TFPILOT_ENVIRONMENT_KEY"], Slug: env["TFPILOT_ENVIRONMENT_SLUG"]},
		SHA:         env["TFPILOT_SHA"], Ref: env["TFPILOT_REF"], CorrelationID: env["TFPILOT_CORRELATION_ID"],
		DryRun: env["TFPILOT_DRY_RUN"] == "true", Purpose: lifecycle.Purpose(env["TFPILOT_PURPOSE"]),
		Digest: env["TFPILOT_DIGEST"], LeaseToken: token, Path: env["TFPILOT_PATH"], Blob: env["TFPILOT_BLOB"],
		Backend: lifecycle.Backend{
			Bucket: env["TFPILOT_BACKEND_BUCKET"], Key: env["TFPILOT_BACKEND_KEY"],
			DynamoDBTable: env["TFPILOT_BACKEND_TABLE"], UseLockfile: env["TFPILOT_BACKEND_LOCKFILE"] == "true",
		},
	}
	return in, in.consistent(env["TFPILOT_DEFAULT_BRANCH"])
}

// consistent checks what the inputs say of each other.
func (in inputs) consistent(branch string) error {
	no := func(what string) error { return refuse(codeGuardRefused, "the inputs do not fit: %s", what) }
	if kind, _, _ := cutLast(in.CorrelationID); kind != string(in.Kind) {
		return no("the correlation id is of another kind")
	}
	if in.Backend.Bucket == "" || in.Backend.Key == "" {
		return no("the backend is missing")
	}
	if in.Kind == lifecycle.KindDriftPlan {
		if in.RequestID != "" || in.Path != "" || in.Purpose != "" || in.Ref != branch {
			return no("a drift plan is of an environment on the default branch, not of a request")
		}
		return nil
	}
	want := "envs/" + in.Environment.Key + "/" + in.Environment.Slug + "/tfpilot_" + in.RequestID + ".tf"
	switch effect := in.Kind == lifecycle.KindApply || in.Kind == lifecycle.KindDestroy; {
	case in.RequestID == "" || in.Path != want || in.Blob == "":
		return no("request, path and blob")
	case effect && (in.Digest == "" || in.LeaseToken == 0):
		return no("digest and lease token are missing")
	case in.Kind == lifecycle.KindPlan && in.Purpose == "":
		return no("a plan has a purpose")
	case (in.Kind == lifecycle.KindDestroy) != (in.Purpose == lifecycle.PurposeDestroy) && effect:
		return no("kind and purpose")
	case in.Ref != branch && in.Ref != "request/"+in.RequestID:
		return no("the ref is neither the default branch nor the request's")
	}
	return nil
}

// fromBranch tells whether the content is still on the request's branch.
func (in inputs) fromBranch() bool {
	return in.Kind == lifecycle.KindPlan && (in.Purpose == lifecycle.PurposeOpen || in.Purpose == lifecycle.PurposeEdit)
}

// destroys tells whether the plan of this run takes the module away.
func (in inputs) destroys() bool { return in.Purpose == lifecycle.PurposeDestroy }

// module is the address of the request's module call.
func (in inputs) module() string { return "module.tfpilot_" + in.RequestID }

// checkInputs is the first thing a run does, with no credential at hand: the
// inputs, and that this is a first attempt that our own actor dispatched on the
// default branch.
func (j *job) checkInputs(context.Context) error {
	branch := j.env["TFPILOT_DEFAULT_BRANCH"]
	switch {
	case j.env["GITHUB_EVENT_NAME"] != "workflow_dispatch":
		return refuse(codeGuardRefused, "this run was not dispatched")
	case j.env["GITHUB_RUN_ATTEMPT"] != "1":
		return refuse(codeGuardRefused, "a re-run does nothing: ask TfPilot for a new attempt")
	case branch == "" || j.env["GITHUB_REF"] != "refs/heads/"+branch:
		return refuse(codeGuardRefused, "this run is not on the default branch")
	case j.env["TFPILOT_ACTOR"] == "" || j.env["GITHUB_ACTOR"] != j.env["TFPILOT_ACTOR"]:
		return refuse(codeGuardRefused, "dispatched by %q: only TfPilot starts this workflow", cut(j.env["GITHUB_ACTOR"], 60))
	}
	if _, err := j.runID(); err != nil {
		return err
	}
	j.say("The inputs are well-formed.")
	return nil
}

func (j *job) runID() (int64, error) {
	id, err := strconv.ParseInt(j.env["GITHUB_RUN_ID"], 10, 64)
	if err != nil || id <= 0 {
		return 0, errors.New("GITHUB_RUN_ID is not a run id")
	}
	return id, nil
}

// cutLast cuts at the last hyphen.
func cutLast(s string) (before, after string, ok bool) {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '-' {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}
