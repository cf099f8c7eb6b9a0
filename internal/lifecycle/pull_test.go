package lifecycle

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func basePull() Request {
	return Request{Target: Target{Base: "main"}, PR: &PullRequest{Number: 1, Open: yes(), HeadSHA: head,
		BaseRef: "main", SeenAt: &t0}}
}

// openPull is what GitHub reports an hour after basePull.
func openPull(change func(*PullFacts)) PullFacts {
	f := PullFacts{Open: true, HeadSHA: head, BaseRef: "main", UpdatedAt: t0.Add(time.Hour)}
	change(&f)
	return f
}

func seenPull(change func(*PullRequest)) func(*Request) {
	return func(r *Request) { r.PR.SeenAt = timeAfter(time.Hour); change(r.PR) }
}

// What GitHub says of the pull request is taken in when it is not older than what was taken
// in before; a merge stays, and takes the intents that it settles.
func TestPullRequestAsGitHubSaysIt(t *testing.T) {
	later, foreign, clean := t0.Add(time.Hour), true, false
	base, open, seen := basePull, openPull, seenPull
	same := func(*Request) {}
	for name, c := range map[string]struct {
		before func(*Request)
		f      PullFacts
		after  func(*Request) // of what was before
	}{
		"nothing new": {same, open(func(*PullFacts) {}), seen(func(*PullRequest) {})},
		"older":       {same, open(func(f *PullFacts) { f.HeadSHA, f.UpdatedAt = "new", t0.Add(-1) }), same},
		"as old": {same, open(func(f *PullFacts) { f.HeadSHA, f.UpdatedAt = "new", t0 }), func(r *Request) {
			r.PR.HeadSHA = "new"
		}},
		"of no time": {func(r *Request) { r.PR.SeenAt = nil }, open(func(f *PullFacts) { f.UpdatedAt = time.Time{} }),
			same},
		"for the first": {func(r *Request) { r.PR.SeenAt = nil }, open(func(*PullFacts) {}), seen(func(*PullRequest) {})},
		"a new head": {same, open(func(f *PullFacts) { f.HeadSHA = "new" }), seen(func(p *PullRequest) {
			p.HeadSHA = "new"
		})},
		"no head": {same, open(func(f *PullFacts) { f.HeadSHA = "" }), seen(func(*PullRequest) {})},
		"no base": {same, open(func(f *PullFacts) { f.BaseRef = "" }), seen(func(*PullRequest) {})},
		"closed":  {same, open(func(f *PullFacts) { f.Open = false }), seen(func(p *PullRequest) { p.Open = no() })},
		"content unknown": {func(r *Request) { r.PR.Foreign, r.Problem = true, branchProblem(CodeForeign) },
			open(func(*PullFacts) {}), seen(func(*PullRequest) {})},
		"content clean": {func(r *Request) { r.PR.Foreign, r.Problem = true, branchProblem(CodeForeign) },
			open(func(f *PullFacts) { f.Foreign = &clean }), func(r *Request) {
				r.PR.SeenAt, r.PR.Foreign, r.Problem = &later, false, nil
			}},
		"content foreign": {same, open(func(f *PullFacts) { f.Foreign = &foreign }), func(r *Request) {
			r.PR.SeenAt, r.PR.Foreign, r.Problem = &later, true, branchProblem(CodeForeign)
		}},
		"foreign beside another problem": {func(r *Request) { r.Problem = &Problem{Step: "plan", Code: "x"} },
			open(func(f *PullFacts) { f.Foreign = &foreign }), func(r *Request) {
				r.PR.SeenAt, r.PR.Foreign, r.Problem = &later, true, branchProblem(CodeForeign)
			}},
		"another problem": {func(r *Request) { r.Problem = &Problem{Step: "plan", Code: "x"} }, open(func(*PullFacts) {}),
			seen(func(*PullRequest) {})},
		"another base": {same, open(func(f *PullFacts) { f.BaseRef = "release" }), func(r *Request) {
			r.PR.SeenAt, r.PR.BaseRef, r.Problem = &later, "release", branchProblem(CodeRetargeted)
		}},
		"merged": {func(r *Request) {
			r.Wanted, r.Problem = []Intent{{What: ActionMerge}, {What: ActionRestore},
				{What: ActionApprove}}, &Problem{Step: "merge"}
		}, PullFacts{Open: true, Merged: true, MergedSHA: "m", MergedAt: &later, HeadSHA: head,
			UpdatedAt: later}, func(r *Request) {
			r.PR.SeenAt, r.PR.Open, r.PR.Merged, r.PR.MergedAt = &later, no(), true, &later
			r.MergedSHA, r.Wanted, r.Problem = "m", []Intent{{What: ActionApprove}}, nil
		}},
		"merged before a close": {func(r *Request) { r.Wanted = []Intent{{What: ActionClose, By: "dana"}} },
			PullFacts{Merged: true, MergedSHA: "m", HeadSHA: head, UpdatedAt: later}, func(r *Request) {
				r.PR.SeenAt, r.PR.Open, r.PR.Merged, r.MergedSHA, r.Wanted = &later, no(), true, "m", nil
				r.Problem = &Problem{Step: "close", Code: CodeMerged, Since: later}
			}},
		"merged before": {func(r *Request) { r.PR.Merged, r.MergedSHA = true, "first" },
			PullFacts{Merged: true, MergedSHA: "m", MergedAt: &later, UpdatedAt: later}, seen(func(p *PullRequest) {
				p.Open = no()
			})},
		"open after the merge": {func(r *Request) { r.PR.Merged, r.MergedSHA = true, "first" }, open(func(*PullFacts) {}),
			seen(func(p *PullRequest) { p.Open = no() })},
		"foreign and merged": {func(r *Request) { r.PR.Foreign, r.Problem = true, branchProblem(CodeForeign) },
			PullFacts{Merged: true, MergedSHA: "m", UpdatedAt: later}, func(r *Request) {
				r.PR.SeenAt, r.PR.Open, r.PR.Merged, r.MergedSHA, r.Problem = &later, no(), true, "m", nil
			}},
		"merged elsewhere": {same, PullFacts{Merged: true, MergedSHA: "m", BaseRef: "release", UpdatedAt: later},
			func(r *Request) {
				r.PR.SeenAt, r.PR.Open, r.PR.Merged, r.PR.BaseRef, r.MergedSHA, r.Problem = &later, no(), true, "release", "m", branchProblem(CodeRetargeted)
			}},
		"without a pull request": {func(r *Request) { r.PR = nil }, open(func(*PullFacts) {}), same},
		"of an unknown base": {func(r *Request) { r.PR.BaseRef = "" }, open(func(f *PullFacts) { f.BaseRef = "" }),
			seen(func(*PullRequest) {})},
	} {
		r, want := base(), base()
		c.before(&r)
		c.before(&want)
		c.after(&want)
		got, err := SeePull(c.f)(r)
		if got.Problem != nil && got.Problem.Text != "" && !got.Problem.Since.IsZero() { // which words is another question
			if got.Problem.Code != CodeMerged {
				got.Problem.Since = time.Time{}
			}
			got.Problem.Text = ""
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v\n%+v %+v %+v, want\n%+v %+v %+v", name, err, got.PR, got.Problem, got.Wanted, want.PR,
				want.Problem, want.Wanted)
		}
	}
	for word, f := range map[string]PullFacts{"Change its base to main": {Open: true, BaseRef: "release"},
		"Create a new request": {Merged: true, BaseRef: "release"}} {
		if r, _ := SeePull(f)(Request{Target: Target{Base: "main"}, PR: &PullRequest{}}); r.Problem == nil ||
			!strings.Contains(r.Problem.Text, word) {
			t.Errorf("%+v does not say %q", r.Problem, word)
		}
	}
	r, _ := SeePull(open(func(f *PullFacts) { f.Foreign = &foreign }))(base())
	if again, _ := SeePull(open(func(f *PullFacts) { f.UpdatedAt = later.Add(1) }))(r); !again.Problem.Since.Equal(later) {
		t.Errorf("the same problem has another time: %+v", again.Problem)
	}
}

func branchProblem(code ReasonCode) *Problem { return &Problem{Step: stepBranch, Code: code} }

// What is known of the pull request besides is recorded once, and only where there is one.
func TestPullRequestFactsAreRecordedOnce(t *testing.T) {
	first, later := t0, t0.Add(time.Hour)
	pr := func(p PullRequest) Request { return Request{PR: &p} }
	cleanup := func(c Cleanup) Request { return Request{Cleanup: &c} }
	with := func(r Request, step string) Request { r.Problem = &Problem{Step: step}; return r }
	posted := func(planDigest string, at *time.Time) Request {
		return Request{Plan: &Plan{Digest: planDigest, PostedAt: at}}
	}
	comments := []Posting{{ID: 1, At: first}, {ID: 2, At: later}, {ID: 3, At: first}}
	for name, c := range map[string]struct {
		r    Request
		p    Patch
		want Request
	}{
		"opened": {with(Request{}, "open"), Opened(5, "b", PullRequest{Number: 1}),
			Request{Target: Target{RepoID: 5, Blob: "b"}, PR: &PullRequest{Number: 1}}},
		"opened, another problem": {with(Request{}, "log"), Opened(5, "b", PullRequest{Number: 1}),
			with(Request{Target: Target{RepoID: 5, Blob: "b"}, PR: &PullRequest{Number: 1}}, "log")},
		"opened twice": {pr(PullRequest{Number: 1}), Opened(5, "b", PullRequest{Number: 2}),
			pr(PullRequest{Number: 1})},
		"reviews": {pr(PullRequest{}), SawReviews(first), pr(PullRequest{ReviewsSeenAt: &first})},
		"newer reviews": {pr(PullRequest{ReviewsSeenAt: &first}), SawReviews(later),
			pr(PullRequest{ReviewsSeenAt: &later})},
		"older reviews": {pr(PullRequest{ReviewsSeenAt: &later}), SawReviews(first),
			pr(PullRequest{ReviewsSeenAt: &later})},
		"reviews of nothing": {Request{}, SawReviews(first), Request{}},
		"answered again": {pr(PullRequest{Answered: []int64{7}}), Answered(7, "x", Actor{}, first),
			pr(PullRequest{Answered: []int64{7}})},
		"answered of nothing": {Request{}, Answered(7, "x", Actor{}, first), Request{}},
		"posted": {posted("d", nil), PlanPosted("d", comments, true),
			Request{Plan: &Plan{Digest: "d", PostedAt: &later, Posted: comments, Partial: true}}},
		"posted in no comment": {posted("d", nil), PlanPosted("d", nil, true), posted("d", nil)},
		"posted before":        {posted("d", &first), PlanPosted("d", comments, true), posted("d", &first)},
		"posted, another plan": {posted("e", nil), PlanPosted("d", comments, true), posted("e", nil)},
		"posted, no plan":      {Request{}, PlanPosted("d", comments, true), Request{}},
		"unposted": {Request{Plan: &Plan{Digest: "d", PostedAt: &first, Posted: comments,
			Partial: true}}, PlanUnposted("d"), posted("d", nil)},
		"unposted, another plan": {posted("e", &first), PlanUnposted("d"), posted("e", &first)},
		"unposted, no plan":      {Request{}, PlanUnposted("d"), Request{}},
		"branch": {pr(PullRequest{Merged: true}), BranchEnded(BranchDeleted),
			pr(PullRequest{Merged: true, BranchEnd: BranchDeleted})},
		"branch before the merge": {pr(PullRequest{}), BranchEnded(BranchDeleted), pr(PullRequest{})},
		"branch again": {pr(PullRequest{Merged: true, BranchEnd: "x"}), BranchEnded(BranchDeleted),
			pr(PullRequest{Merged: true, BranchEnd: "x"})},
		"branch of nothing": {Request{}, BranchEnded(BranchDeleted), Request{}},
		"closed": {with(Request{PR: &PullRequest{Open: yes()},
			Wanted: []Intent{{What: ActionClose, By: "dana"}}}, "x"), Closed(first),
			Request{PR: &PullRequest{Open: no()}, ClosedAt: &first, ClosedBy: "dana"}},
		"closed again": {Request{ClosedAt: &first, ClosedBy: "dana", PR: &PullRequest{Open: yes()},
			Wanted: []Intent{{What: ActionClose, By: "omar"}}}, Closed(later),
			Request{PR: &PullRequest{Open: no()}, ClosedAt: &first, ClosedBy: "dana"}},
		"closed by itself":       {Request{}, Closed(first), Request{ClosedAt: &first}},
		"closed after the merge": {pr(PullRequest{Merged: true}), Closed(first), pr(PullRequest{Merged: true})},
		"closed, approved": {Request{Approval: Approval{Approvers: []Approver{{Login: "a"}}}}, Closed(first),
			Request{ClosedAt: &first, Approval: Approval{Approvers: []Approver{{Login: "a", VoidedAt: &first,
				VoidReason: "the request was closed"}}}}},
		"cleanup opened": {with(cleanup(Cleanup{Blocked: true}), "cleanup_pull"), CleanupOpened(2, "u"),
			cleanup(Cleanup{PRNumber: 2, PRURL: "u"})},
		"cleanup opened again": {with(cleanup(Cleanup{PRNumber: 2}), "cleanup_pull"), CleanupOpened(3, "v"),
			with(cleanup(Cleanup{PRNumber: 2}), "cleanup_pull")},
		"no cleanup opened": {Request{}, CleanupOpened(2, "u"), Request{}},
		"cleanup blocked": {cleanup(Cleanup{}), CleanupBlocked(StepCleanupMerge, "c", "t", first),
			Request{Cleanup: &Cleanup{Blocked: true}, Problem: &Problem{Step: "cleanup_merge", Code: "c", Text: "t",
				Since: first}}},
		"cleanup blocked when merged": {cleanup(Cleanup{MergedAt: &first}), CleanupBlocked(StepCleanupMerge, "c", "t", first), cleanup(Cleanup{MergedAt: &first})},
		"no cleanup blocked":          {Request{}, CleanupBlocked(StepCleanupMerge, "c", "t", first), Request{}},
		"cleanup merged":              {with(cleanup(Cleanup{Blocked: true}), "cleanup_merge"), CleanupMerged(first), cleanup(Cleanup{MergedAt: &first})},
		"cleanup merged again":        {cleanup(Cleanup{MergedAt: &first}), CleanupMerged(later), cleanup(Cleanup{MergedAt: &first})},
		"no cleanup merged":           {Request{}, CleanupMerged(first), Request{}},
		"events that the log has":     {Request{Audit: Audit{Pending: []Event{{Seq: 1}, {Seq: 2}, {Seq: 3}}}}, Flushed(2), Request{Audit: Audit{Pending: []Event{{Seq: 3}}}}},
	} {
		if got, err := c.p(c.r); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v\n%+v %+v, want\n%+v %+v", name, err, got, got.PR, c.want, c.want.PR)
		}
	}
	r, _ := Answered(7, "x", Actor{Login: "omar"}, first)(pr(PullRequest{}))
	if !reflect.DeepEqual(r.PR.Answered, []int64{7}) || len(r.Audit.Pending) != 1 || r.Audit.Pending[0].Type != "review_refused" {
		t.Errorf("answered: %+v, %+v", r.PR, r.Audit)
	}
}
