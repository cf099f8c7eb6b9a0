package worker

import (
	"context"
	"errors"
	"time"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// signInWait is how long the sign-in to GitHub must fail before a card shows it: most outages
// are shorter, and each change of a card is a write for every request that waits.
const signInWait = 20 * time.Second

// signedOut is the step of a reconcile that failed because TfPilot cannot sign in to GitHub.
type signedOut struct {
	step lifecycle.Step
	err  *github.SignIn
}

// noteSignIn keeps the first step that failed because TfPilot cannot sign in to GitHub.
func (j *job) noteSignIn(s lifecycle.Step, err error) {
	var out *github.SignIn
	if j.out == nil && errors.As(err, &out) {
		j.out = &signedOut{s, out}
	}
}

// showSignIn shows on the card why nothing happens while TfPilot cannot sign in to GitHub, and
// removes it when it can. The intent stays in the document all the time. Another problem is not
// overwritten: it is still true afterwards.
func (j *job) showSignIn(ctx context.Context) error {
	p := j.request().Problem
	ours := p != nil && p.Code == lifecycle.CodeSignIn
	switch {
	case j.out != nil && (p == nil || ours) && now().Sub(j.out.err.Since) >= signInWait:
		text := "TfPilot cannot sign in to GitHub: " + j.out.err.Why() + ". Ask your platform team; TfPilot's health " +
			"check shows it to them too. Nothing is lost, and this continues by itself."
		if err := j.setProblem(ctx, j.out.step.Name, lifecycle.CodeSignIn, text); err != nil {
			return err
		}
		j.backoffs.add(*j.request(), j.out.step, j.out.err) // of the new version
		return nil
	case j.out == nil && ours && (j.GitHub.SignedOut() == nil || !j.isDue(p.Step)):
		return j.patch(ctx, lifecycle.ClearProblem(p.Step))
	default:
		return nil
	}
}

// isDue reports whether a step of this name still waits to be done.
func (j *job) isDue(name string) bool {
	for _, s := range lifecycle.Next(*j.request(), lifecycle.EnvironmentState{}, now()) {
		if string(s.Name) == name {
			return true
		}
	}
	return false
}
