package ci

import (
	"context"
	"errors"
	"regexp"
	"strconv"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// inputs are a dispatch's inputs, each checked against the one pattern it may have.
// A dispatch takes no more than ten on older servers, so everything else a run needs
// is in the grant: see granted.
type inputs struct {
	Kind          lifecycle.Kind
	Project       string // a constant of the workflow file
	RequestID     string
	Environment   lifecycle.Environment
	SHA           string
	Ref           string
	CorrelationID string
	DryRun        bool
	granted
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
}

// parseInputs refuses everything that is not exactly of its pattern, before
// anything else happens with it. An input's value is never repeated in full.
func parseInputs(env map[string]string) (inputs, error) {
	for name, pattern := range patterns {
		if !pattern.MatchString(env[name]) {
			return inputs{}, refuse(codeGuardRefused, "input %s is not valid: %q", name, cut(env[name], 60))
		}
	}
	in := inputs{
		Kind: lifecycle.Kind(env["TFPILOT_KIND"]), Project: env["TFPILOT_PROJECT"], RequestID: env["TFPILOT_REQUEST_ID"],
		Environment: lifecycle.Environment{Key: env["TFPILOT_ENVIRONMENT_KEY"], Slug: env["TFPILOT_ENVIRONMENT_SLUG"]},
		SHA:         env["TFPILOT_SHA"], Ref: env["TFPILOT_REF"], CorrelationID: env["TFPILOT_CORRELATION_ID"],
		DryRun: env["TFPILOT_DRY_RUN"] == "true",
	}
	kind, _, _ := cutLast(in.CorrelationID)
	switch {
	case kind != string(in.Kind):
		return in, inconsistent("inputs", "the correlation id is of another kind")
	case (in.Kind == lifecycle.KindDriftPlan) != (in.RequestID == ""):
		return in, inconsistent("inputs", "a drift plan is of an environment, every other run of a request")
	case in.Ref != env["TFPILOT_DEFAULT_BRANCH"] && in.Ref != in.branch():
		return in, inconsistent("inputs", "the ref is neither the default branch nor the request's")
	}
	return in, nil
}

func inconsistent(where, what string) error {
	return refuse(codeGuardRefused, "the %s do not fit: %s", where, what)
}

// branch is the request's own branch.
func (in inputs) branch() string {
	if in.RequestID == "" {
		return ""
	}
	return "request/" + in.RequestID
}

// fromBranch tells whether the content is still on the request's branch.
func (in inputs) fromBranch() bool {
	return in.Kind == lifecycle.KindPlan && (in.Purpose == lifecycle.PurposeOpen || in.Purpose == lifecycle.PurposeEdit)
}

// isEffect tells whether the run may change something.
func (in inputs) isEffect() bool {
	return in.Kind == lifecycle.KindApply || in.Kind == lifecycle.KindDestroy
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
