package slack

import (
	"time"

	"golang.org/x/time/rate"
)

// Limit is a rate limit.
type Limit struct {
	PerMinute float64
	Burst     int
}

// tier is one of Slack's classes of rate limits.
type tier int

const (
	special tier = iota // "hundreds per minute"
	tier2
	tier3
	tier4
	posting // chat.postMessage: per workspace, and about one a second per channel
)

var tierLimits = map[tier]Limit{
	special: {600, 600},
	tier2:   {20, 20},
	tier3:   {50, 50},
	tier4:   {100, 100},
	posting: {300, 300},
}

// channelLimit allows short bursts above one message a second.
var channelLimit = Limit{60, 10}

// limits holds the buckets of one app. Slack counts per method and workspace.
type limits struct {
	off     bool
	own     map[string]Limit
	buckets map[string]*rate.Limiter
}

func newLimits(cfg Config) limits {
	return limits{off: cfg.Relaxed, own: cfg.Limits, buckets: map[string]*rate.Limiter{}}
}

// wait takes one call from the bucket. If the bucket is empty, it returns how long to wait.
func (l *limits) wait(method string, t tier, channel string) time.Duration {
	if l.off {
		return 0
	}
	limit, own := l.own[method]
	if !own {
		limit = tierLimits[t]
	}
	if wait := l.take(method, limit); wait > 0 {
		return wait
	}
	if t != posting || own || channel == "" {
		return 0
	}
	return l.take(method+" "+channel, channelLimit)
}

func (l *limits) take(key string, limit Limit) time.Duration {
	b := l.buckets[key]
	if b == nil {
		b = rate.NewLimiter(rate.Limit(limit.PerMinute/60), limit.Burst)
		l.buckets[key] = b
	}
	r := b.Reserve()
	if !r.OK() {
		return time.Minute
	}
	if d := r.Delay(); d > 0 {
		r.Cancel()
		return d
	}
	return 0
}
