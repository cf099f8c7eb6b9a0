package ci

import (
	"context"
	"errors"
	"strconv"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// inputs are the inputs of a dispatch, each checked for its format. Older GitHub servers accept
// at most ten inputs, so everything else that a run needs is in the grant: see grantFields.
type inputs struct {
	Kind          lifecycle.Kind
	Project       string // a constant of the workflow file
	RequestID     string
	Environment   lifecycle.Environment
	SHA           string
	Ref           string
	CorrelationID string
	DryRun        bool
	grantFields
}

// inputNames lists the valid format of each input.
var inputNames = map[string]func(string) bool{
	"TFPILOT_KIND":             lifecycle.NameKind.Valid,
	"TFPILOT_PROJECT":          lifecycle.NameProject.Valid,
	"TFPILOT_REQUEST_ID":       orEmpty(lifecycle.NameRequest),
	"TFPILOT_ENVIRONMENT_KEY":  lifecycle.NameEnvironment.Valid,
	"TFPILOT_ENVIRONMENT_SLUG": lifecycle.NameSlug.Valid,
	"TFPILOT_SHA":              lifecycle.NameCommit.Valid,
	"TFPILOT_REF":              lifecycle.NameBranch.Valid,
	"TFPILOT_CORRELATION_ID":   lifecycle.NameCorrelation.Valid,
	"TFPILOT_DRY_RUN":          func(s string) bool { return s == "true" || s == "false" },
}

func orEmpty(n lifecycle.Name) func(string) bool {
	return func(s string) bool { return s == "" || n.Valid(s) }
}

// parseInputs rejects any input without the exact format that it must have, before the run uses
// it for anything. An error never repeats an input in full.
func parseInputs(env map[string]string) (inputs, error) {
	for name, valid := range inputNames {
		if !valid(env[name]) {
			return inputs{}, refuse(lifecycle.CodeGuardRefused, "input %s is not valid: %q", name, cut(env[name], 60))
		}
	}
	in := inputs{
		Kind: lifecycle.Kind(env["TFPILOT_KIND"]), Project: env["TFPILOT_PROJECT"], RequestID: env["TFPILOT_REQUEST_ID"],
		Environment: lifecycle.Environment{Key: env["TFPILOT_ENVIRONMENT_KEY"], Slug: env["TFPILOT_ENVIRONMENT_SLUG"]},
		SHA:         env["TFPILOT_SHA"], Ref: env["TFPILOT_REF"], CorrelationID: env["TFPILOT_CORRELATION_ID"],
		DryRun: env["TFPILOT_DRY_RUN"] == "true",
	}
	kind, err := lifecycle.ParseCorrelationID(in.CorrelationID)
	switch {
	case err != nil || kind != in.Kind:
		return in, inconsistent("inputs", "the correlation id is of another kind")
	case (in.Kind == lifecycle.KindDriftPlan) != (in.RequestID == ""):
		return in, inconsistent("inputs", "a drift plan is of an environment, every other run of a request")
	case in.Ref != env["TFPILOT_DEFAULT_BRANCH"] && in.Ref != in.branch():
		return in, inconsistent("inputs", "the ref is neither the default branch nor the request's")
	}
	return in, nil
}

func inconsistent(where, what string) error {
	return refuse(lifecycle.CodeGuardRefused, "the %s do not match: %s", where, what)
}

// branch returns the request's own branch.
func (in inputs) branch() string {
	if in.RequestID == "" {
		return ""
	}
	return lifecycle.RequestBranch(in.RequestID)
}

// fromBranch reports whether the content is still on the request's branch.
func (in inputs) fromBranch() bool {
	return in.Kind == lifecycle.KindPlan && (in.Purpose == lifecycle.PurposeOpen || in.Purpose == lifecycle.PurposeEdit)
}

// isEffect reports whether the run may change resources.
func (in inputs) isEffect() bool {
	return in.Kind.Row().HoldsLease
}

// destroys reports whether the plan of this run removes the module.
func (in inputs) destroys() bool { return in.Purpose == lifecycle.PurposeDestroy }

// module returns the address of the request's module call.
func (in inputs) module() string { return "module." + lifecycle.ModuleCall(in.RequestID) }

// checkInputs is the first check in a run, before it has any credential. It checks the inputs,
// and that this is the first attempt of a run that TfPilot's account dispatched on the default
// branch.
func (j *job) checkInputs(context.Context) error {
	branch := j.env["TFPILOT_DEFAULT_BRANCH"]
	switch {
	case j.env["GITHUB_EVENT_NAME"] != "workflow_dispatch":
		return refuse(lifecycle.CodeGuardRefused, "this run was not dispatched")
	// "Re-run jobs" repeats a run with its old inputs, at any later time. The correlation id is
	// claimed already; this is the clearer error.
	case j.env["GITHUB_RUN_ATTEMPT"] != "1":
		return refuse(lifecycle.CodeGuardRefused, "a re-run does nothing: ask TfPilot for a new attempt")
	// A dispatch on another branch runs the workflow files of that branch, which no one may have
	// reviewed.
	case branch == "" || j.env["GITHUB_REF"] != "refs/heads/"+branch:
		return refuse(lifecycle.CodeGuardRefused, "this run is not on the default branch")
	case j.env["TFPILOT_ACTOR"] == "" || j.env["GITHUB_ACTOR"] != j.env["TFPILOT_ACTOR"]:
		return refuse(lifecycle.CodeGuardRefused, "dispatched by %q: only TfPilot starts this workflow",
			cut(j.env["GITHUB_ACTOR"], 60))
	}
	if _, err := j.runID(); err != nil {
		return err
	}
	j.say("The inputs are well-formed.")
	return nil
}

// runID returns the id that GitHub gives to the run. It is unique in the repository.
func (j *job) runID() (int64, error) {
	id, err := strconv.ParseInt(j.env["GITHUB_RUN_ID"], 10, 64)
	if err != nil || id <= 0 {
		return 0, errors.New("GITHUB_RUN_ID is not a run id")
	}
	return id, nil
}
