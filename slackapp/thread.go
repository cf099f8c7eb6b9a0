package slackapp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// reply is a message in the card's thread. It is posted when due, once for its
// topic, and then kept up to date.
type reply struct {
	topic string
	due   bool
	message
}

// maxMentions bounds who is called by name in one reply.
const maxMentions = 5

// replies draws what the thread should hold now: what is due, and everything that
// was said before, brought up to date.
func (s scene) replies() []reply {
	all := s.current()
	for _, m := range s.r.Slack.Messages {
		if m.Role != lifecycle.RoleThread || hasTopic(all, m.Topic) {
			continue
		}
		all = append(all, s.past(m.Topic))
	}
	return all
}

func hasTopic(all []reply, topic string) bool {
	for _, r := range all {
		if r.topic == topic {
			return true
		}
	}
	return false
}

// current is what needs attention now or is finished.
func (s scene) current() []reply {
	var all []reply
	for _, make := range []func(scene) (reply, bool){
		scene.planReply, scene.unchangedReply, scene.failedReply, scene.foreignReply, scene.objectionReply, scene.voidedReply, scene.problemReply,
		scene.appliedReply, scene.driftReply, scene.rejectedReply, scene.destroyedReply, scene.closedReply,
	} {
		if r, ok := make(s); ok {
			all = append(all, r)
		}
	}
	return append(all, s.refusedReplies()...)
}

// past redraws a reply whose time is over: its words stay true, its buttons go.
func (s scene) past(topic string) reply {
	kind, rest, _ := strings.Cut(topic, ":")
	say := "This is over."
	switch kind {
	case "plan":
		say = fmt.Sprintf("Plan %s of %s was replaced or is no longer needed. The card above shows what counts now.", rest, s.title())
	case "failed":
		say = fmt.Sprintf("A run for %s had failed (%s). Since then it went on; the card above shows where it stands.", s.title(), strings.ReplaceAll(rest, ":", " attempt "))
	case "foreign":
		say = fmt.Sprintf("The branch of %s holds what TfPilot made again.", s.title())
	case "voided":
		say = fmt.Sprintf("An approval of %s stopped counting. Since then it went on; the card above shows where it stands.", s.title())
	case "problem":
		say = fmt.Sprintf("A problem of %s is over. The card above shows where it stands.", s.title())
	case "applied":
		say = fmt.Sprintf("%s was applied. The card above shows what came later.", s.title())
	case "objection":
		say = fmt.Sprintf("Changes that were requested on GitHub block %s no more.", s.title())
	case "refused":
		say = fmt.Sprintf("Something that was requested for %s was refused. The card above shows where it stands.", s.title())
	case "unchanged":
		say = fmt.Sprintf("A new plan of %s had nothing to change.", s.title())
	case "drift":
		say = fmt.Sprintf("%s had changed outside of TfPilot. The card above shows where it stands.", s.title())
	}
	return reply{topic: topic, message: message{text: cut(escape(say), limitMessageText), blocks: []slack.Block{words(say)}}}
}

func (s scene) say(topic, sign, head, rest string, more ...slack.Block) reply {
	full := strings.TrimSpace(head + " " + rest)
	blocks := []slack.Block{rich(line(emoji(sign), text(" "), bold(head), text(" "+rest)))}
	for _, b := range more {
		if b != nil {
			blocks = append(blocks, b)
		}
	}
	return reply{topic: topic, due: true, message: message{text: cut(escape(full), limitMessageText), blocks: blocks}}
}

// planReply asks for a decision on the plan, and follows it until the next one.
func (s scene) planReply() (reply, bool) {
	p, current := s.plan(), s.r.Runs.Plan.Current()
	if p == nil || current == nil || current.Number != p.Attempt || s.over() {
		return reply{}, false
	}
	topic := "plan:" + strconv.Itoa(p.Attempt)
	head := fmt.Sprintf("%s of %s is ready: %s.", purposeWord(p.Purpose), s.title(), counts(p))
	open := lifecycle.Can(s.r, lifecycle.ActionApprove) == nil && s.r.Wish(lifecycle.ActionApprove) == nil
	var r reply
	switch a := s.approver(); {
	case a != nil:
		r = s.say(topic, "white_check_mark", head, a.Login+" approved it."+s.sinceApproval(), s.removed())
	case s.r.Wish(lifecycle.ActionApprove) != nil:
		r = s.say(topic, "hourglass_flowing_sand", head, s.r.Wish(lifecycle.ActionApprove).By+" approved it; this is being recorded.", s.removed())
	case open:
		r = s.say(topic, "mag", head, "It waits for an approval.", s.asks(), s.removed(), s.asked())
	case s.r.Wish(lifecycle.ActionReject) != nil:
		r = s.say(topic, "no_entry_sign", head, s.r.Wish(lifecycle.ActionReject).By+" rejected it.")
	default:
		r = s.say(topic, "mag", head, s.unapprovable())
	}
	r.blocks = append(r.blocks, s.row(true, lifecycle.ActionApprove, lifecycle.ActionReject, lifecycle.ActionMerge,
		lifecycle.ActionApply, lifecycle.ActionTakeBack, lifecycle.ActionWithdraw, lifecycle.ActionKeep)...)
	r.due = open
	return r, true
}

// unapprovable says why the plan is not for an approval now.
func (s scene) unapprovable() string {
	if no := lifecycle.Can(s.r, lifecycle.ActionApprove); no != nil {
		return no.Text
	}
	return ""
}

// sinceApproval says what may come next, as long as that is still about the plan.
func (s scene) sinceApproval() string {
	switch st := s.status(); {
	case st == lifecycle.StatusApproved || st == lifecycle.StatusMerged:
		return " " + s.state().means
	default:
		return ""
	}
}

// asked calls those who can approve: by mention as far as their accounts are known.
// Slack tells them when the reply is posted and not again when it is edited.
func (s scene) asked() slack.Block {
	if s.blocked != "" {
		return s.askedAlone()
	}
	if len(s.askable) == 0 {
		return rich(line(text("Nobody is configured who may approve this.")))
	}
	runs := []run{text("Asked: ")}
	for i, p := range s.askable[:min(len(s.askable), maxMentions)] {
		if i > 0 {
			runs = append(runs, text(", "))
		}
		runs = append(runs, person(p.SlackUser, p.Login))
	}
	if more := len(s.askable) - maxMentions; more > 0 {
		runs = append(runs, text(fmt.Sprintf(" and %d more", more)))
	}
	return rich(line(runs...))
}

// told mentions the people whom a reply concerns, each once.
func (s scene) told(users ...string) slack.Block {
	var runs []run
	for i, u := range users {
		if u != "" && !slices.Contains(users[:i], u) {
			runs = append(runs, person(u, ""), text(" "))
		}
	}
	if len(runs) == 0 {
		return nil
	}
	return rich(line(runs...))
}

func (s scene) failedReply() (reply, bool) {
	a, kind := s.failed()
	if a == nil || s.over() || s.status() != lifecycle.StatusFailed && !(kind == lifecycle.KindPlan && s.r.Runs.Plan.Current() == a) {
		return reply{}, false
	}
	topic := fmt.Sprintf("failed:%s:%d", kind, a.Number)
	head := fmt.Sprintf("The %s of %s %s.", kind, s.title(), failure(a))
	var reason slack.Block
	if a.Reason != "" {
		reason = rich(quoted(a.Reason, shownReason))
	}
	r := s.say(topic, "x", head, s.helps(a, kind), reason, s.told(s.r.Requester.SlackUser))
	r.blocks = append(r.blocks, s.row(false, lifecycle.ActionRestore, lifecycle.ActionPlan, lifecycle.ActionDestroy, lifecycle.ActionKeep, lifecycle.ActionClose, lifecycle.ActionRepair)...)
	return r, true
}

func (s scene) foreignReply() (reply, bool) {
	if s.r.PR == nil || !s.r.PR.Foreign || s.merged() || s.over() {
		return reply{}, false
	}
	r := s.say("foreign:"+cut(s.r.PR.HeadSHA, 12), "warning", fmt.Sprintf("Somebody changed the branch of %s.", s.title()),
		"TfPilot merges and applies only what it made. Restore puts the generated file back.", s.told(s.r.Requester.SlackUser))
	r.blocks = append(r.blocks, s.row(false, lifecycle.ActionRestore, lifecycle.ActionClose)...)
	return r, true
}

// voidedReply tells that an approval stopped counting before it was used.
func (s scene) voidedReply() (reply, bool) {
	v := s.voided()
	if v == nil || s.over() || s.used(v) || s.status() == lifecycle.StatusApplied {
		return reply{}, false
	}
	topic := fmt.Sprintf("voided:%d", len(s.r.Approval.Approvers))
	return s.say(topic, "warning", fmt.Sprintf("The approval of %s by %s no longer counts:", s.title(), v.Login), v.VoidReason+".",
		s.told(s.r.Requester.SlackUser, v.SlackUser)), true
}

// used says that an apply or destroy was started with this approval.
func (s scene) used(a *lifecycle.Approver) bool {
	for _, set := range []lifecycle.RunSet{s.r.Runs.Apply, s.r.Runs.Destroy} {
		for _, run := range set.Attempts {
			if run.Digest == a.PlanDigest {
				return true
			}
		}
	}
	return false
}

func (s scene) problemReply() (reply, bool) {
	p := s.r.Problem
	if p == nil || s.toldRefused(p) {
		return reply{}, false
	}
	if _, kind := s.failed(); string(kind) == p.Step || s.r.PR != nil && s.r.PR.Foreign {
		return reply{}, false // another reply says it already
	}
	topic := fmt.Sprintf("problem:%s:%d", p.Step, p.Since.Unix())
	r := s.say(topic, "warning", fmt.Sprintf("%s has a problem:", s.title()), cut(p.Text, shownReason), s.told(s.r.Requester.SlackUser))
	r.blocks = append(r.blocks, s.row(false, problemActions...)...)
	return r, true
}

// problemActions are what may help against a problem.
var problemActions = []lifecycle.Action{
	lifecycle.ActionApprove, lifecycle.ActionMerge, lifecycle.ActionApply, lifecycle.ActionPlan, lifecycle.ActionRestore, lifecycle.ActionRepair,
}

func (s scene) appliedReply() (reply, bool) {
	a := s.r.Runs.Apply.Current()
	if a == nil || a.Conclusion != "success" || s.destroyRun() != nil || !a.ResultRead {
		return reply{}, false
	}
	topic := "applied:" + strconv.Itoa(a.Number)
	r := s.say(topic, "large_green_circle", fmt.Sprintf("%s is applied.", s.title()), "It exists now.", s.outputs(), s.told(s.r.Requester.SlackUser))
	return r, true
}

func (s scene) driftReply() (reply, bool) {
	d := s.r.Drift
	if d == nil || !d.Drifted || s.status() != lifecycle.StatusApplied {
		return reply{}, false
	}
	r := s.say(fmt.Sprintf("drift:%d", d.RunID), "large_orange_circle", fmt.Sprintf("%s was changed outside of TfPilot.", s.title()),
		oneLine(d.Summary, shownWhy), s.told(s.r.Requester.SlackUser))
	r.blocks = append(r.blocks, s.row(false, lifecycle.ActionPlan)...)
	return r, true
}

// rejectedReply tells that a destroy or a new plan was rejected; a rejected request is closed.
func (s scene) rejectedReply() (reply, bool) {
	no := s.r.Rejection
	if no == nil || !s.merged() || s.over() {
		return reply{}, false
	}
	what := "destroy"
	if no.Purpose == lifecycle.PurposeReapply {
		what = "new plan"
	}
	return s.say(fmt.Sprintf("rejected:%d", no.At.Unix()), "no_entry_sign", fmt.Sprintf("%s rejected the %s of %s:", no.By, what, s.title()),
		cut(no.Reason, maxReason), s.told(s.r.Requester.SlackUser)), true
}

func (s scene) destroyedReply() (reply, bool) {
	a := s.destroyRun()
	if a == nil || a.Conclusion != "success" {
		return reply{}, false
	}
	return s.say("destroyed:"+strconv.Itoa(a.Number), "wastebasket", fmt.Sprintf("%s is destroyed.", s.title()), s.destroyedMeans(),
		s.told(s.r.Requester.SlackUser)), true
}

func (s scene) closedReply() (reply, bool) {
	if s.status() != lifecycle.StatusClosed {
		return reply{}, false
	}
	head, rest := fmt.Sprintf("%s is closed.", s.title()), s.closedMeans()
	if no := s.r.Rejection; no != nil {
		head, rest = fmt.Sprintf("%s rejected %s:", no.By, s.title()), cut(no.Reason, maxReason)
	}
	return s.say("closed", "no_entry_sign", head, rest, s.told(s.r.Requester.SlackUser)), true
}
