package github

import (
	"net/http"
	"strconv"
	"time"
)

// bucket counts what one principal has used of GitHub's limits.
type bucket struct {
	used    int
	made    int // content created in this hour
	resetAt time.Time
	minute  time.Time
	points  int
	content int
}

// of returns the limits of a principal: 60 calls an hour for an anonymous one, 1,000 for the token of
// a run, and the configured limit for all others.
func (l Limits) of(p principal) Limits {
	most := map[string]int{"anonymous": 60, "run": 1000}[p.kind]
	if most > 0 && l.PerHour > most {
		l.PerHour = most
	}
	return l
}

func (s *Server) bucket(p principal) *bucket {
	b := s.limits[p.key()]
	if b == nil {
		b = &bucket{}
		s.limits[p.key()] = b
	}
	return b
}

// take charges one request, or returns the limit that it exceeds.
func (b *bucket) take(l Limits, rt route, p principal) error {
	now := time.Now()
	if !now.Before(b.resetAt) {
		b.used, b.made, b.resetAt = 0, 0, now.Add(time.Hour)
	}
	if now.Sub(b.minute) >= time.Minute {
		b.minute, b.points, b.content = now, 0, 0
	}
	cost := 1
	if rt.write() {
		cost = 5
	}
	wait := b.minute.Add(time.Minute).Sub(now)
	switch {
	case l.PerHour > 0 && b.used >= l.PerHour:
		return primaryLimit(p)
	case l.PointsPerMin > 0 && b.points+cost > l.PointsPerMin:
		return secondaryLimit(http.StatusForbidden, wait)
	case rt.content && l.ContentPerMin > 0 && b.content >= l.ContentPerMin:
		return secondaryLimit(http.StatusForbidden, wait)
	case rt.content && l.ContentPerHour > 0 && b.made >= l.ContentPerHour:
		return secondaryLimit(http.StatusForbidden, time.Minute) // GitHub does not say how long to wait
	}
	b.used++
	b.points += cost
	if rt.content {
		b.content++
		b.made++
	}
	return nil
}

func (b *bucket) refund() { b.used-- }

func (b *bucket) header(l Limits) http.Header {
	limit := l.PerHour
	if limit < 0 {
		limit = 1_000_000
	}
	h := http.Header{}
	h.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, limit-b.used)))
	h.Set("X-RateLimit-Used", strconv.Itoa(b.used))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(b.resetAt.Unix(), 10))
	h.Set("X-RateLimit-Resource", "core")
	return h
}

func primaryLimit(p principal) error {
	return &apiError{
		status:  http.StatusForbidden,
		message: "API rate limit exceeded for " + p.key() + ".",
		doc:     docs + "/overview/rate-limits-for-the-rest-api",
	}
}

func secondaryLimit(status int, wait time.Duration) error {
	seconds := int((wait + time.Second - 1) / time.Second)
	return &apiError{
		status:  status,
		message: "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
		doc:     "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits",
		header:  http.Header{"Retry-After": {strconv.Itoa(max(1, seconds))}},
	}
}
