package lifecycle

import (
	"testing"
	"time"
)

func berlin(t *testing.T) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestWorkingHours(t *testing.T) {
	h := Hours{Zone: berlin(t), From: 9 * time.Hour, To: 17 * time.Hour}
	at := func(s string) time.Time {
		when, err := time.ParseInLocation("2006-01-02 15:04", s, h.Zone)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	for _, c := range []struct {
		from string
		add  time.Duration
		want string
	}{
		{"2026-11-23 10:00", 4 * time.Hour, "2026-11-23 14:00"}, // a Monday
		{"2026-11-23 06:00", 4 * time.Hour, "2026-11-23 13:00"},
		{"2026-11-23 15:00", 4 * time.Hour, "2026-11-24 11:00"},
		{"2026-11-23 09:00", 8 * time.Hour, "2026-11-24 09:00"}, // the end of a day is the next morning
		{"2026-11-27 16:00", 2 * time.Hour, "2026-11-30 10:00"}, // over the weekend
		{"2026-11-28 12:00", time.Hour, "2026-11-30 10:00"},
		{"2026-03-27 16:00", 2 * time.Hour, "2026-03-30 10:00"}, // the clock changes on the Sunday
	} {
		if got := h.After(at(c.from), c.add); !got.Equal(at(c.want)) {
			t.Errorf("%s + %s = %s, want %s", c.from, c.add, got, c.want)
		}
	}
	for when, open := range map[string]bool{"2026-11-23 08:59": false, "2026-11-23 09:00": true, "2026-11-23 16:59": true,
		"2026-11-23 17:00": false, "2026-11-28 12:00": false} {
		if h.Open(at(when)) != open {
			t.Errorf("open at %s: %t", when, !open)
		}
	}
	for when, want := range map[string]string{"2026-11-23 12:00": "2026-11-23 12:00", "2026-11-29 12:00": "2026-11-27 09:00",
		"2026-11-24 08:00": "2026-11-23 09:00", "2026-11-24 20:00": "2026-11-24 09:00"} {
		if got := h.Before(at(when)); !got.Equal(at(want)) {
			t.Errorf("before %s: %s, want %s", when, got, want)
		}
	}
	var none Hours
	if none.Open(at("2026-11-23 12:00")) || !none.After(at("2026-11-23 12:00"), time.Hour).IsZero() {
		t.Error("working hours that were not set are open")
	}
}

// A reminder that was missed is not sent later: only the last one is due, and none after the escalation.
func TestRemindersOfAWaitingPlan(t *testing.T) {
	p := Patience{
		Hours: Hours{From: 9 * time.Hour, To: 17 * time.Hour}, RemindAfter: 4 * time.Hour, RemindEvery: 8 * time.Hour,
		EscalateAfter: 20 * time.Hour, ExpireAfter: 7 * 24 * time.Hour,
	}
	since := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) // a Monday
	for after, want := range map[time.Duration]struct {
		reminder          int
		escalates, warned bool
	}{
		3*time.Hour + 59*time.Minute: {},
		4 * time.Hour:                {reminder: 1},
		7 * time.Hour:                {reminder: 1},
		12 * time.Hour:               {}, // at night
		27 * time.Hour:               {reminder: 1},
		28 * time.Hour:               {reminder: 2},
		51 * time.Hour:               {reminder: 2},
		52 * time.Hour:               {escalates: true},
		4*24*time.Hour - time.Hour:   {},
		4 * 24 * time.Hour:           {escalates: true, warned: true}, // the Friday before the Sunday
		5 * 24 * time.Hour:           {},
	} {
		now := since.Add(after)
		n, _ := p.Reminder(since, now)
		_, escalates := p.Escalation(since, now)
		_, warned := p.Warning(since, now)
		if n != want.reminder || escalates != want.escalates || warned != want.warned {
			t.Errorf("after %s: reminder %d, escalation %t, warning %t", after, n, escalates, warned)
		}
	}
	var off Patience
	now := since.Add(52 * time.Hour)
	n, _ := off.Reminder(since, now)
	_, escalates := off.Escalation(since, now)
	_, warned := off.Warning(since, now)
	if n != 0 || escalates || warned {
		t.Error("the zero value sends messages")
	}
}

// An expired plan can no longer be approved, by any path, and expiry starts nothing.
func TestExpiredPlan(t *testing.T) {
	week := 7 * 24 * time.Hour
	expired := func(t *testing.T, p Patience) *builder {
		s := story(t)
		since, waits := s.r.WaitingSince()
		if !waits {
			t.Fatal("the plan does not wait")
		}
		before := s.r.Version
		s.do(p.Expire(since.Add(week - time.Second)))
		if s.r.Version != before {
			t.Error("it expired too early")
		}
		s.do(p.Expire(since.Add(week)))
		return s
	}
	approve := func(s *builder) Patch {
		return Approve(Approver{Login: "omar", At: s.now, HeadSHA: s.r.Plan.SHA, PlanDigest: s.r.Plan.Digest})
	}
	t.Run("keep", func(t *testing.T) {
		s := expired(t, Patience{ExpireAfter: week})
		s.refused(approve(s), CodeExpired)
		s.is(StatusPlanReady)
		s.due()
		if _, waits := s.r.WaitingSince(); waits {
			t.Error("an expired plan still waits")
		}
		if refusal := Can(s.r, ActionPlan); refusal != nil {
			t.Error(refusal)
		}
		s.planned(PurposeOpen, "plan-2", head, "digest2", 12)
		s.do(approve(s))
		s.is(StatusApproved)
	})
	t.Run("close", func(t *testing.T) {
		s := expired(t, Patience{ExpireAfter: week, Close: true})
		s.refused(approve(s), CodeClosed)
		s.is(StatusClosed)
		s.due(StepClose)
	})
	t.Run("an approval came first", func(t *testing.T) {
		s := story(t)
		since, _ := s.r.WaitingSince()
		s.approved("omar")
		s.do(Patience{ExpireAfter: week, Close: true}.Expire(since.Add(2 * week)))
		s.is(StatusApproved)
	})
}

// An expired destroy plan drops the destroy, and the resources stay.
func TestExpiredDestroy(t *testing.T) {
	s := story(t)
	s.approved("omar")
	s.merged()
	s.do(RecordIntent(intentOf(ActionApply, "omar")))
	s.ran(KindApply, "apply-1", s.r.Plan.Digest, 21, "success")
	s.do(RecordIntent(Intent{What: ActionDestroy, By: "adam", At: s.now}))
	s.planned(PurposeDestroy, "plan-9", "m1", "digest9", 31)
	since, waits := s.r.WaitingSince()
	if !waits {
		t.Fatalf("%+v does not wait", s.r.Plan)
	}
	s.do(Patience{ExpireAfter: time.Hour, Close: true}.Expire(since.Add(time.Hour)))
	if s.r.Intent(ActionDestroy) != nil || s.r.ClosedAt != nil {
		t.Error("the destroy is still requested, or the request is closed")
	}
	s.is(StatusApplied)
	for _, step := range Next(s.r, EnvironmentState{}, s.now) {
		if step.Name == StepDestroy || step.Name == StepPlan {
			t.Errorf("due: %+v", step)
		}
	}
}
