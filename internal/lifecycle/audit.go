package lifecycle

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Audit events are derived from two versions of a document instead of being written by each
// caller. So no change can be stored without its event, whatever code made it, and a write that
// is repeated after a conflict gives the same events.

// eventsBetween lists what happened between two versions of a request. It is a
// function of its arguments alone, so that every reader gets the same events.
func eventsBetween(before, after Request, a Actor, now time.Time) []Event {
	d := diff{actor: a, now: now}
	if before.ID == "" {
		d.add(EventRequestCreated, after.Title, "module", after.Module, "environment", after.Environment.String())
		return d.events
	}
	d.intents(before, after)
	d.approvals(before, after)
	d.pull(before, after)
	for _, kind := range RequestKinds {
		d.runs(kind, before, after)
	}
	d.results(before, after)
	d.foreignRuns(before, after)
	d.problem(before.Problem, after.Problem)
	if before.ClosedAt == nil && after.ClosedAt != nil {
		d.add(EventClosed, "The request was closed.")
	}
	slices.SortStableFunc(d.events, func(x, y Event) int {
		if c := x.At.Compare(y.At); c != 0 {
			return c
		}
		return x.Type.rank() - y.Type.rank()
	})
	return d.events
}

type diff struct {
	actor  Actor
	now    time.Time
	events []Event
}

func (d *diff) add(typ EventType, text string, details ...string) {
	e := Event{At: d.now, Type: typ, Actor: d.actor.Login, Source: d.actor.Source, Text: text}
	for i := 0; i+1 < len(details); i += 2 {
		if details[i+1] != "" {
			if e.Details == nil {
				e.Details = map[string]string{}
			}
			e.Details[details[i]] = details[i+1]
		}
	}
	d.events = append(d.events, e)
}

// intents records that an intent appeared or is gone. Whether it was carried out is recorded by
// the facts that it led to.
func (d *diff) intents(before, after Request) {
	for _, w := range after.Wanted {
		if !hasIntent(before, w) {
			d.add(EventIntentAdded, fmt.Sprintf("%s requested: %s.", w.By, w.What), "what", string(w.What), "by", w.By, "digest",
				w.PlanDigest)
		}
	}
	for _, w := range before.Wanted {
		if !hasIntent(after, w) {
			d.add(EventIntentGone, fmt.Sprintf("The %[2]s that %[1]s requested is no longer pending.", w.By, w.What), "what",
				string(w.What), "by", w.By)
		}
	}
}

func hasIntent(r Request, w Intent) bool {
	return slices.ContainsFunc(r.Wanted, func(x Intent) bool {
		return x.What == w.What && x.By == w.By && x.At.Equal(w.At)
	})
}

func (d *diff) approvals(before, after Request) {
	for i, a := range after.Approval.Approvers {
		var old *Approver
		if i < len(before.Approval.Approvers) {
			old = &before.Approval.Approvers[i]
		}
		if old == nil {
			d.add(EventApproved, a.Login+" approved.", "by", a.Login, "head", a.HeadSHA, "digest", a.PlanDigest, "purpose",
				string(a.Purpose), "surface", a.Source)
		}
		if a.VoidedAt != nil && (old == nil || old.VoidedAt == nil) {
			d.add(EventApprovalVoided, fmt.Sprintf("The approval by %s was dismissed: %s.", a.Login, a.VoidReason), "by",
				a.Login)
		}
	}
	if b, r := before.Rejection, after.Rejection; r != nil && (b == nil || b.By != r.By || b.Reason != r.Reason ||
		!b.At.Equal(r.At)) {
		d.add(EventRejected, fmt.Sprintf("%s rejected: %s", after.Rejection.By, after.Rejection.Reason), "by",
			after.Rejection.By)
	}
}

func (d *diff) pull(before, after Request) {
	b, a := before.PR, after.PR
	switch {
	case a == nil:
		return
	case b == nil:
		d.add(EventPullRequestOpened, fmt.Sprintf("Pull request #%d was opened.", a.Number), "number",
			strconv.Itoa(a.Number), "head", a.HeadSHA)
		return
	}
	if b.HeadSHA != a.HeadSHA {
		d.add(EventHeadMoved, "The branch has a new commit.", "head", a.HeadSHA)
	}
	if !b.Foreign && a.Foreign {
		d.add(EventBranchChanged, "The branch was modified outside TfPilot.", "head", a.HeadSHA)
	}
	if b.Foreign && !a.Foreign {
		d.add(EventBranchRestored, "The branch was restored.", "head", a.HeadSHA)
	}
	d.objections(b.Objections, a.Objections)
	if b.BaseRef != a.BaseRef && b.BaseRef != "" {
		d.add(EventBaseChanged, fmt.Sprintf("The pull request now targets %q.", a.BaseRef))
	}
	switch {
	case !b.Merged && a.Merged:
		d.add(EventMerged, "The pull request was merged.", "sha", after.MergedSHA)
	case b.isOpen() && !a.isOpen():
		d.add(EventPullRequestClosed, "The pull request was closed without a merge.")
	case !b.isOpen() && a.isOpen() && b.Open != nil:
		d.add(EventPullRequestReopened, "The pull request was reopened.")
	}
}

func (d *diff) objections(before, after []Objection) {
	has := func(list []Objection, o Objection) bool {
		return slices.ContainsFunc(list, func(x Objection) bool { return x.Review == o.Review })
	}
	for _, o := range after {
		if !has(before, o) {
			d.add(EventChangesRequested, o.Login+" requested changes on GitHub.", "by", o.Login)
		}
	}
	for _, o := range before {
		if !has(after, o) {
			d.add(EventChangesSettled, "The changes that "+o.Login+" requested on GitHub no longer block the request.",
				"by", o.Login)
		}
	}
}

func (d *diff) runs(kind Kind, before, after Request) {
	for _, a := range after.attemptsOf(kind) {
		old := before.Attempt(kind, a.CorrelationID)
		if old == nil {
			old = &Attempt{}
			d.add(EventRunAsked, fmt.Sprintf("%s was requested (attempt %d).", kind.Named(), a.Number), "kind", string(kind),
				"purpose", string(a.Purpose), "correlationId", a.CorrelationID, "by", a.Actor)
		}
		d.run(kind, *old, *a)
	}
}

func (d *diff) run(kind Kind, old, a Attempt) {
	id := []string{"kind", string(kind), "correlationId", a.CorrelationID, "run", strconv.FormatInt(a.RunID, 10)}
	if a.Sends > old.Sends && a.Sends > 1 {
		d.add(EventRunSentAgain, fmt.Sprintf("No run was found, so the %s was dispatched again.", kind), id...)
	}
	if old.RunID == 0 && a.RunID != 0 {
		d.add(EventRunKnown, fmt.Sprintf("The %s runs on GitHub as run %d.", kind, a.RunID), id...)
	}
	if old.Conclusion == "" && a.Conclusion != "" {
		d.add(EventRunConcluded, fmt.Sprintf("The %s %s.", kind, a.Outcome()),
			append(id, "conclusion", string(a.Conclusion))...)
	}
	if old.Doubt == "" && a.Doubt != "" {
		d.add(EventRunDoubted, fmt.Sprintf("GitHub reported that the %s succeeded. The success does not count: its result "+
			"does not match.", kind), append(id, "code", string(a.Doubt))...)
	}
	if a.RerunSeen > old.RerunSeen {
		d.add(EventRunRerun, fmt.Sprintf("The %s was re-run on GitHub. TfPilot ignores re-runs.", kind), id...)
	}
	if old.RevokedAt == nil && a.RevokedAt != nil {
		d.add(EventRunRevoked, fmt.Sprintf("The grant of the %s was deleted.", kind), id...)
	}
	if !old.Released && a.Released {
		d.add(EventLeaseReleased, "The environment's lease was released.", id...)
	}
	switch {
	case old.SetAside || !a.SetAside:
	case kind == KindPlan:
		d.add(EventRoundDismissed, "The new plan was dismissed. The resources stay as they are.", id...)
	default:
		d.add(EventDestroySetAside, "The failed destroy was dismissed.", id...)
	}
}

func (d *diff) foreignRuns(before, after Request) {
	for _, f := range after.ForeignRuns {
		if before.knowsForeignRun(f.RunID) {
			continue
		}
		text := "A run that TfPilot did not start uses this request's name. TfPilot ignores its result."
		if after.ForeignRunCount == MaxForeignRuns {
			text += " Further runs like this are not recorded."
		}
		d.add(EventForeignRun, text, "kind", string(f.Kind), "by", f.Actor, "run", strconv.FormatInt(f.RunID, 10), "url",
			f.URL)
	}
}

func (d *diff) results(before, after Request) {
	if p := after.Plan; p != nil && (before.Plan == nil || before.Plan.Attempt != p.Attempt) {
		d.add(EventPlanReady, fmt.Sprintf("The plan is ready: %d to add, %d to change, %d to replace, %d to destroy.",
			p.Add, p.Change, p.Replace, p.Destroy), "digest", p.Digest, "purpose", string(p.Purpose))
	}
	if b, p := before.Plan, after.Plan; p != nil && p.ExpiredAt != nil && (b == nil || b.ExpiredAt == nil) {
		d.add(EventPlanExpired, "The plan expired without a decision.", "digest", p.Digest, "purpose", string(p.Purpose))
	}
	if len(before.Outputs) == 0 && len(after.Outputs) > 0 {
		d.add(EventOutputsRead, "The outputs were read.")
	}
	b, a := before.Cleanup, after.Cleanup
	if a != nil && a.PRNumber != 0 && (b == nil || b.PRNumber == 0) {
		d.add(EventCleanupOpened, fmt.Sprintf("Cleanup pull request #%d was opened.", a.PRNumber))
	}
	if a != nil && a.MergedAt != nil && (b == nil || b.MergedAt == nil) {
		d.add(EventCleanupMerged, "The code was removed from the repository.")
	}
}

func (d *diff) problem(before, after *Problem) {
	switch {
	case after != nil && (before == nil || before.Code != after.Code || before.Step != after.Step ||
		before.Text != after.Text):
		d.add(EventProblem, after.Text, "step", after.Step, "code", string(after.Code))
	case before != nil && after == nil:
		d.add(EventProblemGone, "The problem in step "+before.Step+" was resolved.")
	}
}

// log appends events to the chain: each has the next number, and a hash over itself
// and the hash before it.
func (r *Request) log(events []Event) {
	for _, e := range events {
		r.Audit.Seq++
		e.Seq, e.Prev = r.Audit.Seq, r.Audit.Hash
		e.Hash = e.Sum()
		r.Audit.Hash = e.Hash
		r.Audit.Pending = append(r.Audit.Pending, e)
	}
}

// Sum is the SHA-256 of the event without its own hash, in hex.
func (e Event) Sum() string {
	e.Hash = ""
	data, err := json.Marshal(e)
	if err != nil {
		panic("lifecycle: an event is plain data: " + err.Error())
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// VerifyLog checks a request's log from its first event: numbers, order and hashes.
func VerifyLog(events []Event) error {
	prev := ""
	for i, e := range events {
		if e.Seq != int64(i+1) || e.Prev != prev || e.Sum() != e.Hash {
			return fmt.Errorf("event %d does not follow from the one before it", i+1)
		}
		prev = e.Hash
	}
	return nil
}

// WholeLog joins the stored log of a request with the events that its document still holds.
// An event in both appears once.
func WholeLog(stored []Event, a Audit) []Event {
	all := slices.Clone(stored)
	for _, e := range a.Pending {
		if !slices.ContainsFunc(stored, func(s Event) bool { return s.Seq == e.Seq && s.Hash == e.Hash }) {
			all = append(all, e)
		}
	}
	return all
}

// VerifyAudit checks a whole log against the document that counts its events: nothing is
// changed, missing or cut off. A log that was read after the document may be longer.
func VerifyAudit(events []Event, a Audit) error {
	if err := VerifyLog(events); err != nil {
		return err
	}
	if n := int64(len(events)); n < a.Seq {
		return fmt.Errorf("the log ends with event %d of %d", n, a.Seq)
	}
	if a.Seq > 0 && events[a.Seq-1].Hash != a.Hash {
		return fmt.Errorf("event %d is not the one that the document counts", a.Seq)
	}
	return nil
}
