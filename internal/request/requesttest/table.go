package requesttest

import (
	"strings"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
)

// Cases are the refusals.
func Cases() []Case {
	all := rightsCases()
	all = append(all, factCases()...)
	all = append(all, answerCases()...)
	return append(all, draftCases()...)
}

func rightsCases() []Case {
	approve, none := lifecycle.ActionApprove, request.Answers{}
	return []Case{
		{Name: "not linked", Stored: planned("dev"), Who: "nora", Command: act(approve, none),
			Words: "Your account isn't linked to a GitHub login, so you can't approve. Ask adam. Link it at the desk."},
		{Name: "viewer", Stored: planned("dev"), Who: "vic", Command: act(approve, none),
			Words: "Only approvers and admins can approve. Ask ana, omar or adam."},
		{Name: "developer", Stored: planned("dev"), Who: "dana", Command: act(lifecycle.ActionReject, request.Answers{Reason: "No."}),
			Words: "Only approvers and admins can reject"},
		{Name: "not in the protected list", Stored: planned("prod"), Who: "ana", Command: act(approve, none),
			Words: "prod/app is protected, and you don't have permission to approve there. Ask omar or adam."},
		{Name: "own request", Stored: planned("dev", wrote("ana")), Who: "ana", Command: act(approve, none),
			Words: "You wrote or edited this request, so someone else must approve it. Ask omar or adam."},
		{Name: "destroy is the admins'", Stored: planned("dev", merged), Who: "omar", Command: act(lifecycle.ActionDestroy, none),
			Words: "can destroy the resources of this request. Ask adam."},
		{Name: "environment no longer configured", Stored: planned("dev", elsewhere), Who: "adam", Command: act(approve, none),
			Words: "This environment isn't in TfPilot's configuration, so nothing can be changed in it"},
		{Name: "sync by a viewer", Stored: planned("dev"), Who: "vic", Command: act(lifecycle.ActionSync, none),
			Words: "can sync with GitHub"},
	}
}

func factCases() []Case {
	none := request.Answers{}
	return []Case{
		{Name: "unknown request", Who: "omar", Command: with(act(lifecycle.ActionMerge, none), func(c *request.Command) { c.ID = unknownID }),
			Words: `Request "req_zzzzzzzzzzzzz" not found.`},
		{Name: "archived", Stored: planned("dev", archived), Archive: true, Who: "adam", Command: act(lifecycle.ActionClose, none),
			Words: "This request is archived and read-only."},
		{Name: "sync of what is archived", Stored: planned("dev", archived), Archive: true, Who: "adam", Command: act(lifecycle.ActionSync, none),
			Words: "This request is archived and read-only."},
		{Name: "not now", Stored: planned("dev"), Who: "omar", Command: act(lifecycle.ActionMerge, none),
			Words: "This plan is not approved yet."},
		{Name: "requested already", Stored: planned("dev", requested(lifecycle.ActionApprove, "omar")), Who: "omar",
			Command: act(lifecycle.ActionApprove, none), Words: "You already requested this. It is in progress."},
		{Name: "requested by another", Stored: planned("dev", merged, requested(lifecycle.ActionDestroy, "ana")), Who: "adam",
			Command: act(lifecycle.ActionDestroy, request.Answers{Confirm: "dev/app"}), Words: "ana already requested this."},
		{Name: "approval of another", Stored: planned("dev"), Who: "omar", Command: act(lifecycle.ActionWithdraw, none),
			Words: "approval"},
		{Name: "stale plan", Stored: planned("dev"), Who: "omar",
			Command: with(act(lifecycle.ActionApprove, request.Answers{Confirm: otherDigest}), func(c *request.Command) { c.Seen.Digest, c.Seen.Read = otherDigest, false }),
			Words:   "The plan has changed since you saw it. Review the current plan first."},
		{Name: "other intents than those shown", Stored: planned("dev", merged, requested(lifecycle.ActionDestroy, "ana")), Who: "adam",
			Command: with(act(lifecycle.ActionCancelIntent, none), func(c *request.Command) { c.Seen.Intents = "apply" }),
			Words:   "The queued action has changed since you saw it. Review the request first.",
			Except:  map[string]string{CLI: "it acts on what waits now, and shows it"}},
		{Name: "plan not read", Stored: planned("dev"), Who: "omar",
			Command: with(act(lifecycle.ActionApprove, none), func(c *request.Command) { c.Seen.Read = false }),
			Words:   "Read the whole plan first, then confirm it.", Field: request.FieldConfirm,
			Except: map[string]string{Slack: "the window can be submitted on its last page only; TestApproveOnTheLastPage"}},
	}
}

func answerCases() []Case {
	reject := func(reason string) *request.Command {
		return act(lifecycle.ActionReject, request.Answers{Reason: reason})
	}
	return []Case{
		{Name: "missing reason", Stored: planned("dev"), Who: "omar", Command: reject(" "), Field: request.FieldReason,
			Words: "Add a reason, so that the requester knows what to change."},
		{Name: "reason too long", Stored: planned("dev"), Who: "omar", Command: reject(strings.Repeat("a", request.MaxReason+1)), Field: request.FieldReason,
			Words: "The reason has 1001 characters; the limit is 1000.", Except: map[string]string{Slack: "the field takes no more"}},
		{Name: "credential in a reason", Stored: planned("dev"), Who: "omar", Command: reject("use " + token), Field: request.FieldReason,
			Words: "The reason looks like it holds a GitHub token."},
		{Name: "invisible character in a reason", Stored: planned("dev"), Who: "omar", Command: reject("evil \u202e"), Field: request.FieldReason,
			Words: "The reason contains"},
		{Name: "wrong typed words", Stored: planned("prod", merged), Who: "adam", Field: request.FieldConfirm,
			Command: act(lifecycle.ActionDestroy, request.Answers{Confirm: "prod"}), Words: "prod/app is protected. Type prod/app to confirm."},
		{Name: "nothing typed", Stored: planned("prod", merged), Who: "adam", Field: request.FieldConfirm,
			Command: act(lifecycle.ActionDestroy, request.Answers{}), Words: "prod/app is protected. Type prod/app to confirm.",
			Except: map[string]string{Slack: "Slack itself asks for a required field"}},
	}
}

func draftCases() []Case {
	return []Case{
		{Name: "opened by a viewer", Who: "vic", Draft: draft(func(*request.Draft) {}), Words: "can request infrastructure"},
		{Name: "opened without a link", Who: "nora", Draft: draft(func(*request.Draft) {}),
			Words: "Your account isn't linked to a GitHub login, so you can't request infrastructure. Ask adam. Link it at the desk."},
		{Name: "opened without a reason", Who: "dana", Draft: draft(func(d *request.Draft) { d.Reason = " " }), Field: request.FieldReason,
			Words: "Add a short reason. Approvers will see it."},
		{Name: "opened with a credential in the reason", Who: "dana", Draft: draft(func(d *request.Draft) { d.Reason = "use " + token }), Field: request.FieldReason,
			Words: "The reason looks like it holds a GitHub token."},
		{Name: "opened with a credential as input", Who: "dana", Draft: draft(func(d *request.Draft) { d.Inputs = map[string]any{"name": token} }),
			Field: request.FieldInput + "name", Words: "Bucket name looks like it holds a GitHub token."},
		{Name: "opened with a wrong input", Who: "dana", Draft: draft(func(d *request.Draft) { d.Inputs = map[string]any{"name": "Not A Bucket"} }),
			Field: request.FieldInput + "name", Words: "lower"},
		{Name: "opened somewhere else", Who: "dana", Draft: draft(func(d *request.Draft) { d.Environment = "dev/none" }), Field: request.FieldEnvironment,
			Words: `Unknown environment "dev/none" in core. Environments: dev/app, prod/app.`, Except: map[string]string{Slack: "the form offers what there is"}},
	}
}
