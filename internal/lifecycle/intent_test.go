package lifecycle

import (
	"reflect"
	"testing"
	"time"
)

// asks are intents in short: who requested what.
func asks(r Request) (all []string) {
	for _, w := range r.Wanted {
		all = append(all, string(w.What)+" "+w.By)
	}
	return all
}

// One person requests an action once, several may approve, and an intent is bound to the plan
// that its button showed.
func TestIntentsAreRecordedOnce(t *testing.T) {
	other := func(change func(*Intent)) Intent { w := intentOf(ActionApprove, "ana"); change(&w); return w }
	for name, c := range map[string]struct {
		from func(*builder)
		w    Intent
		code ReasonCode
		want []string
	}{
		"an approval": {nil, intentOf(ActionApprove, "ana"), "", []string{"approve ana"}},
		"again": {func(s *builder) { s.do(RecordIntent(intentOf(ActionApprove, "ana"))) },
			intentOf(ActionApprove, "ANA"), "", []string{"approve ana"}},
		"by two": {func(s *builder) { s.do(RecordIntent(intentOf(ActionApprove, "omar"))) }, intentOf(ActionApprove, "ana"),
			"", []string{"approve omar", "approve ana"}},
		"by two, and again": {func(s *builder) {
			s.do(RecordIntent(intentOf(ActionApprove, "omar")))
			s.do(RecordIntent(intentOf(ActionApprove, "ana")))
		}, intentOf(ActionApprove, "ana"), "", []string{"approve omar", "approve ana"}},
		"another digest": {nil, other(func(w *Intent) { w.PlanDigest = "sha256:old" }), CodeStale, nil},
		"another commit": {nil, other(func(w *Intent) { w.HeadSHA = "old" }), CodeStale, nil},
		"a rejection":    {nil, intentOf(ActionReject, "ana"), "", []string{"reject ana"}},
		"of an older plan": {nil, other(func(w *Intent) { w.What, w.PlanDigest = ActionReject, "sha256:old" }),
			CodeStale, nil},
		"of no plan in particular": {nil, other(func(w *Intent) { w.What, w.PlanDigest = ActionReject, "" }), "",
			[]string{"reject ana"}},
		"a close by two": {func(s *builder) { s.do(RecordIntent(intentOf(ActionClose, "omar"))) },
			intentOf(ActionClose, "ana"), CodeAsked, []string{"close omar"}},
		"a close again": {func(s *builder) { s.do(RecordIntent(intentOf(ActionClose, "omar"))) },
			intentOf(ActionClose, "omar"), "", []string{"close omar"}},
		"a plan beside an approval": {func(s *builder) { s.do(RecordIntent(intentOf(ActionApprove, "omar"))) },
			intentOf(ActionPlan, "omar"), "", []string{"approve omar", "plan omar"}},
		"what is done without words": {nil, intentOf(ActionWithdraw, "ana"), CodeNothing, nil},
	} {
		s := story(t)
		if c.from != nil {
			c.from(s)
		}
		if c.code != "" {
			s.refused(RecordIntent(c.w), c.code)
		} else {
			s.do(RecordIntent(c.w))
		}
		if got := asks(s.r); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, step := range []string{"plan", "log"} {
		s := story(t)
		s.do(SetProblem(step, "x", "y", s.now))
		s.do(RecordIntent(intentOf(ActionPlan, "ana")))
		if (s.r.Problem == nil) != (step == "plan") {
			t.Errorf("a problem of %s: %+v", step, s.r.Problem)
		}
	}
	if refusal := Stale(Request{}, Intent{What: ActionReject, PlanDigest: digest}); refusal != nil {
		t.Errorf("a rejection without a plan: %v", refusal)
	}
	if refusal := Stale(Request{}, Intent{What: ActionApply}); refusal == nil {
		t.Error("an apply without a plan is for it")
	}
}

// The authors are known by login, whatever its case, and by their account's number.
func TestWhoIsAnAuthor(t *testing.T) {
	r := Request{Authors: []string{"dana"}, AuthorIDs: []int64{1001, 0}}
	for _, c := range []struct {
		login string
		id    int64
		want  bool
	}{{"dana", 0, true}, {"DANA", 5, true}, {"renamed", 1001, true}, {"omar", 1002, false}, {"omar", 0, false}} {
		if got := r.IsAuthor(c.login, c.id); got != c.want {
			t.Errorf("%s %d: %v", c.login, c.id, got)
		}
	}
}

// A patch that removes an intent removes that one, and its problem.
func TestIntentsLeave(t *testing.T) {
	all := []Intent{
		{What: ActionApprove, By: "omar", At: t0}, {What: ActionApprove, By: "ana", At: t0},
		{What: ActionMerge, By: "omar", At: t0},
		{What: ActionApply, By: "omar", At: t0, CorrelationID: "apply-1"}, {What: ActionDestroy, By: "adam", At: t0},
		{What: ActionPlan, By: "ana", At: t0},
	}
	for name, c := range map[string]struct {
		p    Patch
		gone []int
	}{
		"canceled":                {CancelIntent(), []int{2, 3, 4}},
		"refused":                 {Refused(ActionApprove, "ANA", "x", "y", t0), []int{1}},
		"refused to anyone":       {Refused(ActionMerge, "", "x", "y", t0), []int{2}},
		"refused to another":      {Refused(ActionMerge, "ana", "x", "y", t0), nil},
		"refused and not wanted":  {Refused(ActionClose, "", "x", "y", t0), nil},
		"refused, this very one":  {RefuseIntent(all[2], "x", "y", t0), []int{2}},
		"refused, one before it":  {RefuseIntent(Intent{What: ActionMerge, By: "omar", At: t0.Add(-1)}, "x", "y", t0), nil},
		"refused, one of another": {RefuseIntent(Intent{What: ActionMerge, By: "ana", At: t0}, "x", "y", t0), nil},
		"served":                  {Served(ActionApprove), []int{0, 1}},
	} {
		r := Request{Wanted: append([]Intent(nil), all...)}
		r, err := c.p(r)
		var want []string
		for i, w := range all {
			if len(c.gone) == 0 || !contains(c.gone, i) {
				want = append(want, string(w.What)+" "+w.By)
			}
		}
		if got := asks(r); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v %v", name, err, got)
		}
	}
	for _, w := range all {
		r, _ := RefuseIntent(w, "code", "text", t0)(Request{Wanted: append([]Intent(nil), all...)})
		want := RefusedIntent{What: w.What, By: w.By, At: t0, Code: "code", Text: "text"}
		if len(r.Refused) != 1 || !reflect.DeepEqual(r.Refused[0], want) ||
			!reflect.DeepEqual(r.Problem, &Problem{Step: string(w.What), Code: "code", Text: "text", Since: t0}) {
			t.Errorf("%s of %s: told %+v, problem %+v", w.What, w.By, r.Refused, r.Problem)
		}
	}
	if r, _ := Refused(ActionMerge, "ana", "code", "text", t0)(Request{Wanted: all}); r.Refused != nil ||
		r.Problem != nil {
		t.Errorf("refused to another: %+v, %+v", r.Refused, r.Problem)
	}
	for step, over := range map[string]bool{"merge": true, "plan": false} {
		if r, _ := Served(ActionMerge)(Request{Problem: &Problem{Step: step}}); (r.Problem == nil) != over {
			t.Errorf("a problem of %s after the merge: %+v", step, r.Problem)
		}
	}
	r, _ := Named(ActionMerge, "merge-1")(Request{Wanted: append([]Intent(nil), all...)})
	r, _ = Named(ActionApply, "apply-2")(r)
	r, _ = Named(ActionClose, "close-1")(r)
	if r.Wanted[2].CorrelationID != "merge-1" || r.Wanted[3].CorrelationID != "apply-1" {
		t.Errorf("named: %+v", r.Wanted)
	}
	if r, _ = Served(ActionMerge)(Request{Wanted: all[2:3]}); r.Wanted != nil {
		t.Error("an empty list is written")
	}
}

func contains(all []int, n int) bool {
	for _, i := range all {
		if i == n {
			return true
		}
	}
	return false
}

// An approval is recorded once as long as it counts, and voided by what concerns it alone.
func TestApprovalsOfOnePerson(t *testing.T) {
	approval := func(change func(*Approver)) Approver {
		a := Approver{Login: "omar", GithubID: 3, At: t0, HeadSHA: head, PlanDigest: digest, Purpose: PurposeOpen,
			Blob: blob, Source: SourceGitHub}
		if change != nil {
			change(&a)
		}
		return a
	}
	past := func(a *Approver) { a.VoidedAt, a.VoidReason = &t0, "before" }
	fresh := approval(func(a *Approver) { a.Purpose, a.Blob = "", "" })
	long := func(at time.Time) bool { return at.Equal(t0) }
	for name, c := range map[string]struct {
		have  []Approver
		p     Patch
		want  int      // approvals
		voids []string // and why they do not count
	}{
		"the first":                    {nil, Approve(fresh), 1, []string{""}},
		"the same again":               {[]Approver{approval(nil)}, Approve(fresh), 1, []string{""}},
		"the same after it was voided": {[]Approver{approval(past)}, Approve(fresh), 2, []string{"before", ""}},
		"of another person": {[]Approver{approval(func(a *Approver) { a.Login = "ana" })}, Approve(fresh), 2,
			[]string{"", ""}},
		"of another plan": {[]Approver{approval(func(a *Approver) { a.PlanDigest = "old" })}, Approve(fresh), 2,
			[]string{"", ""}},
		"of another commit": {[]Approver{approval(func(a *Approver) { a.HeadSHA = "old" })}, Approve(fresh), 2,
			[]string{"", ""}},
		"their right is gone": {[]Approver{approval(past), approval(nil), approval(func(a *Approver) { a.Login = "ana" })},
			Unapprove("OMAR", "gone", t0), 3,
			[]string{"before", "gone", ""}},
		"their review is gone": {[]Approver{approval(past), approval(nil), approval(func(a *Approver) { a.Login = "ana" }),
			approval(func(a *Approver) { a.Source = "slack" }),
			approval(func(a *Approver) { a.At = t0.Add(1) })}, ReviewWithdrawn("OMAR", "gone", long, t0), 5,
			[]string{"before", "gone", "", "", ""}},
		"all of them": {[]Approver{approval(past), approval(nil)}, func(r Request) (Request, error) {
			r.voidApprovals(t0, "gone")
			return r, nil
		}, 2, []string{"before", "gone"}},
	} {
		r := story(t).r
		r.Approval.Approvers = c.have
		r, err := c.p(r)
		var voids []string
		for _, a := range r.Approval.Approvers {
			voids = append(voids, a.VoidReason)
		}
		if err != nil || len(r.Approval.Approvers) != c.want || !reflect.DeepEqual(voids, c.voids) {
			t.Errorf("%s: %v %v", name, err, voids)
		}
	}
	s := story(t)
	s.do(SetProblem("approve", "x", "y", s.now))
	s.do(Approve(fresh))
	if a := s.r.Approval.Approvers[0]; a.Purpose != PurposeOpen || a.Blob != blob || s.r.Problem != nil {
		t.Errorf("%+v, problem %+v", a, s.r.Problem)
	}
	s.do(Approve(approval(func(a *Approver) { a.Login = "ana" })))
	if !s.r.Approval.Approved || len(s.r.Approval.Approvers) != 2 {
		t.Error("a second person cannot approve")
	}
	s = story(t)
	s.do(Closed(s.now))
	s.refused(Approve(fresh), CodeClosed)
}

// A rejection is of the request before the merge, and of the round after it.
func TestWhatARejectionEnds(t *testing.T) {
	rejection := Intent{What: ActionReject, By: "omar", At: t0, Reason: "no"}
	s := story(t)
	s.approved("ana")
	for _, what := range []Action{ActionApprove, ActionMerge, ActionPlan, ActionReject, ActionRepair} {
		s.r.Wanted = append(s.r.Wanted, Intent{What: what, By: "omar", At: t0})
	}
	s.do(Reject(rejection))
	if got := asks(s.r); !reflect.DeepEqual(got, []string{"repair omar", "close omar"}) || s.r.Rejection.Purpose != "" ||
		s.r.Approval.Approved {
		t.Errorf("before the merge: %v, %+v, %+v", got, s.r.Rejection, s.r.Approval)
	}
	s.do(Reject(rejection))
	if got := asks(s.r); len(got) != 2 {
		t.Errorf("again: %v", got)
	}

	s = live(t)
	s.do(RecordIntent(Intent{What: ActionDestroy, By: "adam", At: t0}))
	s.do(Reject(rejection))
	if s.r.Rejection.Purpose != PurposeDestroy || s.r.Wanted != nil || s.r.ClosedAt != nil {
		t.Errorf("of a destroy: %+v, %v", s.r.Rejection, asks(s.r))
	}
	s = replanned(t, onePlan)
	s.do(Reject(rejection))
	if s.r.Rejection.Purpose != PurposeReapply || s.r.Wanted != nil || !s.r.Runs.Plan.Current().SetAside {
		t.Errorf("of a new plan: %+v, %v", s.r.Rejection, asks(s.r))
	}
	live(t).refused(Reject(rejection), CodeMerged)
}

// The same problem keeps its time, another takes its place; an event is noted once in a row.
func TestProblemsAndNotes(t *testing.T) {
	r := Request{Problem: &Problem{Step: "a", Code: "b", Text: "c", Since: t0}}
	for _, c := range [][3]string{{"a", "b", "c"}, {"x", "b", "c"}, {"a", "x", "c"}, {"a", "b", "x"}} {
		got, _ := SetProblem(c[0], ReasonCode(c[1]), c[2], t0.Add(1))(r)
		if same := c == [3]string{"a", "b", "c"}; got.Problem.Since.Equal(t0) != same || got.Problem.Step != c[0] ||
			got.Problem.Text != c[2] {
			t.Errorf("%v: %+v", c, got.Problem)
		}
	}
	if got, _ := ClearProblem("x")(r); got.Problem == nil {
		t.Error("another problem is over")
	}
	if got, _ := ClearProblem("a")(r); got.Problem != nil {
		t.Error("it is not over")
	}
	r = Request{}
	for i, c := range [][2]string{{"t", "x"}, {"t", "x"}, {"t", "y"}, {"u", "y"}, {"t", "x"}} {
		r, _ = Noted(EventType(c[0]), c[1], Actor{}, t0)(r)
		if want := []int{1, 1, 2, 3, 4}[i]; len(r.Audit.Pending) != want {
			t.Errorf("%v: %d events, want %d", c, len(r.Audit.Pending), want)
		}
	}
}
