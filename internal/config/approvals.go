package config

import (
	"cmp"
	"regexp"
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// What happens to a plan that no one decides on: reminders, an escalation, and at last its
// expiry. Times to remind and to escalate count working hours, since a plan on Friday evening
// should not escalate on Saturday. The time to expire counts every hour, because resources can
// change at any time.

const (
	maxWorkingTime  = 400 * time.Hour
	maxExpiry       = 365 * 24 * time.Hour
	maxEscalateTo   = 20
	defaultHours    = "09:00-17:00"
	keepExpired     = "keep"
	closeExpired    = "close"
	layoutTimeOfDay = "15:04"
)

var loginPattern = regexp.MustCompile(`^[A-Za-z0-9](-?[A-Za-z0-9]){0,38}$`)

// approvals resolves how an environment treats a plan without a decision.
func (r resolver) approvals(at string, raw environmentYAML) Approvals {
	y := raw.Approvals
	a := Approvals{Ask: cmp.Or(y.Ask, AskChannel), EscalateTo: r.logins(at+".escalateTo", y.EscalateTo)}
	r.oneOf(at+".ask", a.Ask, AskChannel, AskDirect)
	onExpiry := cmp.Or(y.OnExpiry, keepExpired)
	r.oneOf(at+".onExpiry", onExpiry, keepExpired, closeExpired)
	a.Patience = lifecycle.Patience{
		Hours:         r.hours(at, cmp.Or(y.TimeZone, "UTC"), cmp.Or(y.WorkingHours, defaultHours)),
		RemindAfter:   r.duration(at+".remindAfter", y.RemindAfter, 4*time.Hour, 0, maxWorkingTime),
		RemindEvery:   r.duration(at+".remindEvery", y.RemindEvery, 8*time.Hour, 0, maxWorkingTime),
		EscalateAfter: r.duration(at+".escalateAfter", y.EscalateAfter, 20*time.Hour, 0, maxWorkingTime),
		ExpireAfter:   r.duration(at+".expireAfter", y.ExpireAfter, 14*24*time.Hour, 0, maxExpiry),
		Close:         onExpiry == closeExpired,
	}
	// Zero means never. A shorter time than a day would end plans overnight.
	if d := a.ExpireAfter; d > 0 && d < 24*time.Hour {
		r.fault(at+".expireAfter", "%q is not valid: want 0s, or at least 24h", clip(y.ExpireAfter))
	}
	return a
}

// hours reads the working hours.
func (r resolver) hours(at, zone, span string) lifecycle.Hours {
	loc, err := time.LoadLocation(zone)
	// Local depends on the machine: two workers could send one reminder at different times.
	if err != nil || zone == "Local" {
		r.fault(at+".timeZone", "%q is not a known time zone: want a name such as Europe/Berlin or UTC", clip(zone))
		loc = time.UTC
	}
	from, to, _ := strings.Cut(span, "-")
	begin, err1 := timeOfDay(from)
	end, err2 := timeOfDay(to)
	if err1 != nil || err2 != nil || end-begin < time.Hour {
		r.fault(at+".workingHours", "%q is not valid: want at least one hour, such as 09:00-17:00", clip(span))
	}
	return lifecycle.Hours{Zone: loc, From: begin, To: end}
}

// timeOfDay also accepts 24:00 as the end of a day, which time.Parse rejects.
func timeOfDay(s string) (time.Duration, error) {
	if s == "24:00" {
		return 24 * time.Hour, nil
	}
	t, err := time.Parse(layoutTimeOfDay, s)
	if err != nil {
		return 0, err
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, nil
}

// logins reads a list of GitHub logins.
func (r resolver) logins(at, list string) []string {
	var found []string
	for _, login := range strings.FieldsFunc(list, func(c rune) bool { return c == ',' || c == ' ' }) {
		if !loginPattern.MatchString(login) {
			r.fault(at, "%q is not valid: want GitHub logins, comma-separated", clip(login))
		}
		found = append(found, login)
	}
	if len(found) > maxEscalateTo {
		r.fault(at, "has %d entries; the limit is %d", len(found), maxEscalateTo)
	}
	return found
}
