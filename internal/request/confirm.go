package request

import (
	"strings"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// The row of an action says how it is confirmed. This also depends on today's configuration: a button or an
// open window may be older. What has to be read is confirmed by a surface that showed all of it, or by
// typing what it is called: the digest of a plan, the environment of what will be destroyed. In a
// protected environment something is typed in any case.

// minDigest is how many digits of a digest name a plan.
const minDigest = 12

// stale refuses an action on a plan, or on intents, that are not those that the person saw.
func stale(row lifecycle.ActionRow, r lifecycle.Request, seen Seen) *Refusal {
	switch row.Binds {
	case lifecycle.BindIntents:
		if seen.Intents != "" && seen.Intents != IntentsOf(r) {
			return conflict(lifecycle.CodeStale, "The queued action has changed since you saw it. Review the request first.")
		}
	case lifecycle.BindPlan, lifecycle.BindPlanIfNamed:
		other := r.Plan != nil && (seen.Digest != r.Plan.Digest || seen.HeadSHA != r.Plan.SHA ||
			seen.Purpose != "" && seen.Purpose != r.Plan.Purpose)
		if other {
			return otherPlan()
		}
	}
	return nil
}

func otherPlan() *Refusal {
	return conflict(lifecycle.CodeStale,
		"The plan has changed since you saw it. Review the current plan first.")
}

// ifAllowed is a patch that refuses what is not allowed, or stale, in the document that is written.
func (s *Service) ifAllowed(c Caller, row lifecycle.ActionRow, cmd Command, patch lifecycle.Patch) lifecycle.Patch {
	return func(r lifecycle.Request) (lifecycle.Request, error) {
		if refusal := firstOf(
			func() *Refusal { return s.allowOn(c, cmd.Action, r) },
			func() *Refusal { return stale(row, r, cmd.Seen) },
		); refusal != nil {
			return r, refusal
		}
		return patch(r)
	}
}

// confirmed refuses an action that was not confirmed as it has to be now.
func confirmed(
	need lifecycle.Confirmation, row lifecycle.ActionRow, r lifecycle.Request, env config.Environment, cmd Command,
) *Refusal {
	if need != lifecycle.ConfirmPlan && need != lifecycle.ConfirmTyped {
		return nil // a reason is checked with the other answers
	}
	if row.Binds == lifecycle.BindPlan {
		return planConfirmed(need, r, env, cmd)
	}
	if need == lifecycle.ConfirmPlan && cmd.Seen.Read {
		return nil
	}
	return CheckTyped(env.String(), env.IsProtected(), cmd.Confirm)
}

// planConfirmed refuses a decision on a plan that was not read, or not confirmed by typing where that
// is needed.
func planConfirmed(need lifecycle.Confirmation, r lifecycle.Request, env config.Environment, cmd Command) *Refusal {
	typedName := strings.EqualFold(cmd.Confirm, env.String())
	switch {
	case namesDigest(cmd.Confirm, r.Plan.Digest):
		return nil
	case !cmd.Seen.Read && cmd.Confirm != "" && !typedName:
		return otherPlan()
	case !cmd.Seen.Read:
		refusal := unconfirmed(need, "Read the whole plan first, then confirm it.")
		refusal.Code = lifecycle.CodeUnread
		return refusal
	case need == lifecycle.ConfirmTyped:
		return CheckTyped(env.String(), true, cmd.Confirm)
	default:
		return nil
	}
}

// CheckTyped refuses what was typed when it is not the name of the environment, nil when it is.
// It calls no other system.
func CheckTyped(environment string, protected bool, typed string) *Refusal {
	switch {
	case strings.EqualFold(strings.TrimSpace(typed), environment):
		return nil
	case protected:
		return unconfirmed(lifecycle.ConfirmTyped, "%s is protected. Type %s to confirm.", environment, environment)
	default:
		return unconfirmed(lifecycle.ConfirmPlan, "Type %s to confirm.", environment)
	}
}

// namesDigest reports whether a person typed enough of a digest to mean it.
func namesDigest(typed, digest string) bool {
	const algorithm = "sha256:"
	typed = strings.TrimPrefix(strings.ToLower(typed), algorithm)
	return len(typed) >= minDigest && strings.HasPrefix(strings.TrimPrefix(digest, algorithm), typed)
}
