package lifecycle

import "time"

// A plan without a decision has a clock. After some working hours its approvers are reminded, then
// others are asked, and at the end the plan expires. All of it follows from the facts, the settings of the
// environment and the time, so that a worker that was away finds out what is due now. Expiry only takes a
// plan away: it never starts a run that changes resources.

// Hours are the working hours of an environment, Monday to Friday. The zero value has none.
type Hours struct {
	Zone     *time.Location // nil is UTC
	From, To time.Duration  // since midnight
}

func (h Hours) zone() *time.Location {
	if h.Zone == nil {
		return time.UTC
	}
	return h.Zone
}

// on returns the working hours of a day; the end is not after the begin on a free day.
func (h Hours) on(day time.Time) (begin, end time.Time) {
	if w := day.Weekday(); w == time.Saturday || w == time.Sunday {
		return day, day
	}
	at := func(d time.Duration) time.Time {
		y, m, n := day.Date()
		return time.Date(y, m, n, 0, 0, int(d/time.Second), 0, h.zone()) // by the clock on the wall
	}
	return at(h.From), at(h.To)
}

func (h Hours) midnight(t time.Time) time.Time {
	y, m, d := t.In(h.zone()).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, h.zone())
}

// Open reports whether t is within the working hours.
func (h Hours) Open(t time.Time) bool {
	begin, end := h.on(h.midnight(t))
	return !t.Before(begin) && t.Before(end)
}

// maxDays bounds the days that a calculation visits.
const maxDays = 400

// After returns when d of working time have passed since t, within working hours; the zero time when that
// is more than a year away.
func (h Hours) After(t time.Time, d time.Duration) time.Time {
	day := h.midnight(t)
	for range maxDays {
		begin, end := h.on(day)
		if begin.Before(t) {
			begin = t
		}
		if left := end.Sub(begin); left > d {
			return begin.Add(d)
		} else if left > 0 {
			d -= left
		}
		day = h.midnight(day.Add(36 * time.Hour)) // a day has 23 to 25 hours
	}
	return time.Time{}
}

// Before returns t when it is within working hours, else when the last working day before it began; the zero
// time when there is none.
func (h Hours) Before(t time.Time) time.Time {
	if h.Open(t) {
		return t
	}
	day := h.midnight(t)
	for range maxDays {
		if begin, end := h.on(day); end.After(begin) && begin.Before(t) {
			return begin
		}
		day = h.midnight(day.Add(-12 * time.Hour))
	}
	return time.Time{}
}

// Patience is how an environment treats a plan without a decision. A time of 0 turns its part off. The
// zero value turns all of it off.
type Patience struct {
	Hours         Hours
	RemindAfter   time.Duration // of working time, until the first reminder
	RemindEvery   time.Duration // of working time, between reminders
	EscalateAfter time.Duration // of working time; it ends the reminders
	ExpireAfter   time.Duration // on the calendar
	Close         bool          // an expired plan closes the request when nothing is merged yet
}

const (
	// MaxReminders bounds the reminders of one plan.
	MaxReminders = 10
	// ExpiryNotice is how long before the expiry the requester is warned.
	ExpiryNotice = 24 * time.Hour
)

// WaitingSince returns since when the current plan waits for a decision; false when it does not. A dismissed
// approval starts the clock again.
func (r Request) WaitingSince() (time.Time, bool) {
	if r.ArchivedAt != nil || r.Intent(ActionApprove) != nil || canApprove(r) != nil || r.Plan.CompletedAt == nil {
		return time.Time{}, false
	}
	since := *r.Plan.CompletedAt
	for _, a := range r.Approval.Approvers {
		if a.PlanDigest == r.Plan.Digest && a.VoidedAt != nil && a.VoidedAt.After(since) {
			since = *a.VoidedAt
		}
	}
	return since, true
}

// Reminder returns the number of the last reminder that is due and its time; 0 when none is. Earlier ones
// that were not sent are skipped.
func (p Patience) Reminder(since, now time.Time) (n int, at time.Time) {
	if p.RemindAfter <= 0 || !p.Hours.Open(now) {
		return 0, time.Time{}
	}
	if _, escalated := p.Escalation(since, now); escalated {
		return 0, time.Time{}
	}
	for i := range MaxReminders {
		next := p.Hours.After(since, p.RemindAfter+time.Duration(i)*p.RemindEvery)
		if next.IsZero() || next.After(now) {
			break
		}
		if n, at = i+1, next; p.RemindEvery <= 0 {
			break
		}
	}
	return n, at
}

// Escalation returns since when others are asked, and whether that is due.
func (p Patience) Escalation(since, now time.Time) (time.Time, bool) {
	if p.EscalateAfter <= 0 || !p.Hours.Open(now) {
		return time.Time{}, false
	}
	at := p.Hours.After(since, p.EscalateAfter)
	return at, !at.IsZero() && !at.After(now)
}

// Warning returns since when the requester is warned of the expiry, and whether that is due.
func (p Patience) Warning(since, now time.Time) (time.Time, bool) {
	if p.ExpireAfter <= 0 || !p.Hours.Open(now) {
		return time.Time{}, false
	}
	at := p.Hours.Before(since.Add(p.ExpireAfter - ExpiryNotice))
	if at.Before(since) {
		at = since
	}
	return at, !at.After(now)
}

// Expired reports whether the current plan has waited too long.
func (p Patience) Expired(r Request, now time.Time) bool {
	since, waits := r.WaitingSince()
	return waits && p.ExpireAfter > 0 && !now.Before(since.Add(p.ExpireAfter))
}

// Expire ends the round of a plan that has waited too long: it can no longer be approved, and a destroy or
// new plan is dropped. It changes nothing when the plan is another one by now or has its decision.
func (p Patience) Expire(now time.Time) Patch {
	return func(r Request) (Request, error) {
		if !p.Expired(r, now) {
			return r, nil
		}
		plan := *r.Plan
		plan.ExpiredAt = &now
		r.Plan = &plan
		switch {
		case plan.Purpose == PurposeDestroy:
			r.drop(ActionDestroy, "")
		case plan.Purpose == PurposeReapply:
			r.dismiss(now, "the plan expired")
		case p.Close && !r.merged():
			r.ClosedAt, r.Wanted = &now, nil // the worker closes the pull request, as of one that appears later
		}
		return r, nil
	}
}
