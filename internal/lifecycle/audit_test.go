package lifecycle

import (
	"slices"
	"testing"
)

// A log is only whole when numbers, order and hashes fit, each for itself.
func TestVerifyLogNoticesEveryChange(t *testing.T) {
	whole := story(t).log
	if err := VerifyLog(whole); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func([]Event) []Event{
		"text":         func(l []Event) []Event { l[1].Text = "other"; return l },
		"hash":         func(l []Event) []Event { l[len(l)-1].Hash = "other"; return l },
		"left out":     func(l []Event) []Event { return slices.Delete(l, 1, 2) },
		"swapped":      func(l []Event) []Event { l[1], l[2] = l[2], l[1]; return l },
		"beginning":    func(l []Event) []Event { return l[1:] },
		"number":       func(l []Event) []Event { return rehash(l, 2, func(e *Event) { e.Seq += 7 }) },
		"predecessor":  func(l []Event) []Event { return rehash(l, len(l)-1, func(e *Event) { e.Prev = "other" }) },
		"other actor":  func(l []Event) []Event { l[2].Actor = "mallory"; return l },
		"other detail": func(l []Event) []Event { l[0].Details["module"] = "other"; return l },
	} {
		log := slices.Clone(whole)
		log[0].Details = map[string]string{}
		for k, v := range whole[0].Details {
			log[0].Details[k] = v
		}
		if VerifyLog(change(log)) == nil {
			t.Errorf("%s: it passes", name)
		}
	}
}

// rehash changes an event so that its own hash is right, and those after it follow.
func rehash(log []Event, i int, change func(*Event)) []Event {
	change(&log[i])
	log[i].Hash = log[i].Sum()
	for j := i + 1; j < len(log); j++ {
		log[j].Prev = log[j-1].Hash
		log[j].Hash = log[j].Sum()
	}
	return log
}

func TestAnEntryWithoutANameJoinsNoQueue(t *testing.T) {
	e := EnvironmentState{}.Enqueue(LeaseEntry{}, t0)
	if e.Holder != nil || e.Token != 0 {
		t.Errorf("%+v", e)
	}
}

// The document's count and hash reveal a log that was cut off, replaced as a whole, or never
// written, and an event that the document still holds is not missing.
func TestVerifyAudit(t *testing.T) {
	var r Request
	r.log([]Event{{Type: EventRequestCreated}, {Type: EventPlanReady}, {Type: EventApproved}})
	log := r.Audit.Pending
	var other Request
	other.log([]Event{{Type: EventRequestCreated}, {Type: EventPlanReady}, {Type: EventMerged}})
	flushed := r.Audit
	flushed.Pending = nil
	half := r.Audit
	half.Pending = log[1:]
	longer := r
	longer.log([]Event{{Type: EventMerged}})
	for name, c := range map[string]struct {
		stored []Event
		audit  Audit
		ok     bool
	}{
		"nothing":            {nil, Audit{}, true},
		"all stored":         {log, flushed, true},
		"all pending":        {nil, r.Audit, true},
		"in both":            {log, r.Audit, true},
		"some in both":       {log[:2], half, true},
		"read a moment ago":  {longer.Audit.Pending, flushed, true},
		"cut off":            {log[:2], flushed, false},
		"never written":      {nil, flushed, false},
		"of another request": {other.Audit.Pending, flushed, false},
		"first one missing":  {log[1:], flushed, false},
	} {
		if err := VerifyAudit(WholeLog(c.stored, c.audit), c.audit); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
