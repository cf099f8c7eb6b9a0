package lifecycle

import "testing"

func rejectedBy(by string) Intent {
	w := intentOf(ActionReject, by)
	w.Reason = "too big"
	return w
}

// mergedByHand is a merge on GitHub.
func (s *builder) mergedByHand() {
	s.t.Helper()
	s.do(SeePull(PullFacts{Merged: true, MergedSHA: "m1", HeadSHA: head, BaseRef: "main", UpdatedAt: s.now}))
}

func (s *builder) needsApproval() {
	s.t.Helper()
	if s.r.Approval.Approved || len(s.r.Approval.Approvers) == 0 {
		s.t.Fatalf("the approval counts, or is lost: %+v", s.r.Approval)
	}
	s.refused(RecordIntent(intentOf(ActionApply, "omar")), CodeUnapproved)
}

// What was approved and then rejected or closed is not applied, though a person merges it
// on GitHub before it is closed, or opens it there again.
func TestNothingIsAppliedThatWasRejected(t *testing.T) {
	s := story(t)
	s.approved("ana")
	s.do(RecordIntent(rejectedBy("omar")))
	s.do(Reject(rejectedBy("omar")))
	s.mergedByHand()
	s.needsApproval()
	if p := s.r.Problem; p == nil || p.Code != CodeMerged {
		t.Errorf("no problem shows that it was merged: %+v", p)
	}

	s = story(t)
	s.approved("ana")
	s.do(RecordIntent(Intent{What: ActionClose, By: "dana", At: s.now}))
	s.do(Closed(s.now))
	s.do(SeePull(PullFacts{Open: true, HeadSHA: head, BaseRef: "main", UpdatedAt: s.now}))
	s.mergedByHand()
	s.needsApproval()
}

// A rejection that a merge overtook is refused: it would stand there and mean nothing.
func TestRejectedTooLate(t *testing.T) {
	s := story(t)
	s.do(RecordIntent(rejectedBy("omar")))
	s.mergedByHand()
	s.refused(Reject(rejectedBy("omar")), CodeMerged)
	if s.r.Rejection != nil {
		t.Errorf("it is recorded: %+v", s.r.Rejection)
	}
}
