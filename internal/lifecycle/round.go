package lifecycle

import (
	"slices"
	"time"
)

// A round ends in one of four ways: it is applied, a newer round replaces it, a person dismisses
// it, or it changes nothing. Until then it belongs to the people who requested it. They can
// never approve it, and every approver can object to it.

// Objection is a review on GitHub that requests changes, by a person who may reject. It
// blocks until that person reviews again or the review is dismissed.
type Objection struct {
	Review   int64     `json:"review"`
	Login    string    `json:"login"`
	GithubID int64     `json:"githubId,omitempty"`
	At       time.Time `json:"at"`
	Extra    Extra     `json:"-"`
}

// RefusedIntent is an intent that was recorded and later could not be carried out. The
// person who recorded it is notified once, by name.
type RefusedIntent struct {
	What      Action     `json:"what"`
	By        string     `json:"by"`
	SlackUser string     `json:"slackUser,omitempty"`
	At        time.Time  `json:"at"`
	Code      ReasonCode `json:"code"`
	Text      string     `json:"text"`
	Extra     Extra      `json:"-"`
}

// maxRefused bounds how many refused intents stay in the document.
const maxRefused = 10

// planned returns the attempt of the current plan, nil if there is none.
func (r Request) planned() *Attempt {
	if r.Plan == nil {
		return nil
	}
	for i := range r.Runs.Plan.Attempts {
		if r.Runs.Plan.Attempts[i].Number == r.Plan.Attempt {
			return &r.Runs.Plan.Attempts[i]
		}
	}
	return nil
}

// RoundRequesters returns the people who requested the current round: a destroy, or a new plan
// of merged code. The first round has authors instead.
func (r Request) RoundRequesters() []Person {
	if r.Plan == nil || r.Plan.Purpose.preMerge() {
		return nil
	}
	var people []Person
	if a := r.planned(); a != nil {
		switch {
		case a.RequestedBy != nil:
			people = append(people, *a.RequestedBy)
		case a.Actor != "":
			people = append(people, Person{Login: a.Actor})
		}
	}
	if w := r.Intent(ActionDestroy); w != nil && r.Plan.Purpose == PurposeDestroy {
		people = append(people, w.Person())
	}
	return people
}

// Person returns the person who recorded the intent.
func (w Intent) Person() Person {
	return Person{Login: w.By, GithubID: w.ByID, SlackTeam: w.SlackTeam, SlackUser: w.SlackUser}
}

// OnPullRequest reports whether the current round is decided in the pull request, where reviews
// count.
func (r Request) OnPullRequest() bool {
	return r.PR != nil && r.Plan != nil && r.Plan.Purpose.preMerge()
}

// Objections returns the reviews that block this round. Reviews are about the pull request, so
// they block only a round that is decided there.
func (r Request) Objections() []Objection {
	if !r.OnPullRequest() {
		return nil
	}
	return r.PR.Objections
}

// objected refuses what an objection blocks.
func objected(r Request) *Refusal {
	for _, o := range r.Objections() {
		return refuse(CodeObjected, "%s requested changes on GitHub. This is blocked until %s approves there or the "+
			"review is dismissed.", o.Login, o.Login)
	}
	return nil
}

// Objected records the reviews that request changes now. A person whose latest review requests
// changes withdraws their approvals on every surface; withdrawn reports whether an approver is
// such a person.
func Objected(open []Objection, withdrawn func(Approver) bool, now time.Time) Patch {
	return func(r Request) (Request, error) {
		if r.PR == nil {
			return r, nil
		}
		for i := range r.Approval.Approvers {
			if a := &r.Approval.Approvers[i]; a.VoidedAt == nil && withdrawn(*a) {
				a.void(now, "they requested changes on GitHub afterwards")
			}
		}
		same := slices.EqualFunc(r.PR.Objections, open, func(a, b Objection) bool { return a.Review == b.Review })
		if !same {
			r.PR.Objections = slices.Clone(open)
		}
		return r, nil
	}
}

// Approver returns the person's approval that counts, nil if there is none.
func (r Request) Approver(login string, id int64) *Approver {
	for i := range r.Approval.Approvers {
		if a := &r.Approval.Approvers[i]; a.VoidedAt == nil && a.isBy(login, id) {
			return a
		}
	}
	return nil
}

func (a *Approver) isBy(login string, id int64) bool {
	return SameLogin(a.Login, login) || id != 0 && a.GithubID == id
}

// AwaitsEffect reports whether an approval counts for something that has not finished yet.
func (r Request) AwaitsEffect() bool {
	if !r.Approval.Approved || r.Plan == nil {
		return false
	}
	for _, a := range []*Attempt{r.Runs.Apply.Current(), r.Runs.Destroy.Current()} {
		if r.usedUp(a) && a.Conclusion != "" {
			return false
		}
	}
	kept := r.Plan.Purpose == PurposeDestroy && r.Intent(ActionDestroy) == nil && !r.Runs.Destroy.Current().active()
	return !kept
}

func canWithdraw(r Request) *Refusal {
	switch {
	case r.Intent(ActionApprove) != nil:
		return nil // recorded but not checked yet
	case !r.Approval.Approved:
		return refuse(CodeUnapproved, "There is no open approval to withdraw.")
	case !r.AwaitsEffect():
		return refuse(CodeApplied, "This approval was already used and can't be withdrawn.")
	}
	return nil
}

// WithdrawApproval voids a person's own approvals. It takes effect at once, without a worker: a
// run that has not started to change resources loses its grant.
func WithdrawApproval(by Person, now time.Time) Patch {
	return func(r Request) (Request, error) {
		if refusal := canWithdraw(r); refusal != nil {
			return r, refusal
		}
		asked := slices.ContainsFunc(r.Wanted, func(w Intent) bool {
			return w.What == ActionApprove && SameLogin(w.By, by.Login)
		})
		if r.Approver(by.Login, by.GithubID) == nil && !asked {
			return r, refuse(CodeNotYours, "You did not approve this. Only the approver can withdraw an approval.")
		}
		r.drop(ActionApprove, by.Login)
		for i := range r.Approval.Approvers {
			if a := &r.Approval.Approvers[i]; a.VoidedAt == nil && a.isBy(by.Login, by.GithubID) {
				a.void(now, "they withdrew it")
			}
		}
		return r, nil
	}
}

// openRound returns the new plan of merged code that is neither applied nor dismissed, nil if
// there is none. It may still be running or have failed.
func (r Request) openRound() *Attempt {
	plan, apply := r.Runs.Plan.Current(), r.Runs.Apply.Current()
	if plan == nil || plan.Purpose != PurposeReapply || plan.SetAside || !r.merged() {
		return nil
	}
	if apply != nil && apply.PlanAttempt == plan.Number {
		return nil
	}
	return plan
}

// canDismiss reports whether the open round may be dropped.
func canDismiss(r Request) *Refusal {
	switch round := r.openRound(); {
	case round == nil:
		return refuse(CodeNothing, "There is no new plan to dismiss.")
	case round.active():
		return refuse(CodePlanning, "The plan is still running. Dismiss it when it ends.")
	}
	return nil
}

// dismiss drops the open round with its approvals and requests. The resources stay as they are.
func (r *Request) dismiss(at time.Time, reason string) {
	round := r.openRound()
	if round == nil || round.active() {
		return
	}
	round.SetAside = true
	for _, what := range []Action{ActionApprove, ActionReject, ActionApply} {
		r.drop(what, "")
	}
	r.clearProblem(string(KindPlan))
	r.voidApprovals(at, reason)
}

// changesNothing reports whether the new plan ends its round by itself: it has no changes, and
// the last apply succeeded. After a failed apply the round continues, because only an apply can
// end it.
func (r Request) changesNothing() bool {
	return r.Plan != nil && r.Plan.Nothing && r.Plan.Purpose == PurposeReapply && r.Runs.Apply.Current().succeeded()
}

// leftQueue returns the queue entries of intents that were removed before they had an attempt.
func leftQueue(before, after Request) []string {
	var gone []string
	for _, w := range before.Wanted {
		cid := w.CorrelationID
		still := slices.ContainsFunc(after.Wanted, func(x Intent) bool { return x.CorrelationID == cid })
		if cid == "" || still || after.Attempt(Kind(w.What), cid) != nil || slices.Contains(after.Leaving, cid) {
			continue
		}
		gone = append(gone, cid)
	}
	return gone
}

// Left records that a queue entry has left the queue of the environment.
func Left(correlationID string) Patch {
	return func(r Request) (Request, error) {
		r.Leaving = slices.DeleteFunc(r.Leaving, func(cid string) bool { return cid == correlationID })
		if len(r.Leaving) == 0 {
			r.Leaving = nil
		}
		return r, nil
	}
}

// noteRefused records a refused intent, so that the person is notified.
func (r *Request) noteRefused(w Intent, code ReasonCode, text string, now time.Time) {
	r.Refused = append(r.Refused, RefusedIntent{What: w.What, By: w.By, SlackUser: w.SlackUser, At: now, Code: code,
		Text: text})
	if n := len(r.Refused); n > maxRefused {
		r.Refused = r.Refused[n-maxRefused:]
	}
}
