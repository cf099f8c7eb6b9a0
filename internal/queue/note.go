package queue

import (
	"context"
	"crypto/rand"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// prefix of every key of ours. The braces keep them in one slot of a cluster, as
// the scripts need.
const prefix = "{tfpilot}:"

const cardPrefix = prefix + "card:"

// Notes are short-lived marks: what was seen, who renders a card, how much of a
// budget is left. Losing them costs work, never correctness.
type Notes struct{ redis *Redis }

// NewNotes makes notes.
func NewNotes(r *Redis) *Notes { return &Notes{r} }

// Seen reports whether it was called with key before within ttl, and notes it.
func (n *Notes) Seen(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	got, err := takeLock.Run(ctx, n.redis.client, []string{prefix + "seen:" + key}, 1, ttl.Milliseconds()).Int()
	if err != nil {
		return false, fmt.Errorf("note %s: %w", key, err)
	}
	return got == 0, nil
}

// takeLock sets a key if it does not exist. If it exists, takeLock limits its expiry: a key
// without one, which anyone with access to Redis can set, would block the lock forever.
var takeLock = redis.NewScript(`
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
local left = redis.call('PTTL', KEYS[1])
if left == -1 or left > tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0`)

// CardLease is the right to render the messages of one request for a while.
type CardLease struct {
	Version int64 // of the document to render, at least; 0 when it is not known

	notes *Notes
	id    string
	token string
	ttl   time.Duration
}

// acquireCard takes the lease, or marks the card dirty for the process that holds it, with the
// newest version that was requested. It also limits the expiry of a lease that is already set.
var acquireCard = redis.NewScript(`
local left = redis.call('PTTL', KEYS[1])
if left == -1 or left > tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  redis.call('DEL', KEYS[2])
  return 1
end
local want, have = tonumber(ARGV[3]), tonumber(redis.call('GET', KEYS[2]) or '')
if have and (have == 0 or want > 0 and have > want) then want = have end
redis.call('SET', KEYS[2], string.format('%.0f', want), 'PX', ARGV[2])
return 0`)

// releaseCard gives the lease up, or keeps it for another round when the card was
// marked dirty meanwhile.
var releaseCard = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return '' end
local version = redis.call('GET', KEYS[2])
if version then
  redis.call('DEL', KEYS[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return version
end
redis.call('DEL', KEYS[1])
return ''`)

// CardLease acquires the lease of a request's card. version is the version of the request, or 0
// if it is not known. When another process has it, ok is false and the holder will render once
// more.
func (n *Notes) CardLease(ctx context.Context, id string, version int64, ttl time.Duration) (
	lease *CardLease, ok bool, err error) {
	l := &CardLease{Version: version, notes: n, id: id, token: n.redis.self + rand.Text(), ttl: ttl}
	got, err := l.run(ctx, acquireCard).Int()
	if err != nil {
		return nil, false, fmt.Errorf("lease of card %s: %w", id, err)
	}
	return l, got == 1, nil
}

// Done gives the lease up. again is true when the card was requested in the
// meantime: the caller still has the lease, renders the lease's version once more and calls
// Done again.
func (l *CardLease) Done(ctx context.Context) (again bool, err error) {
	version, err := l.run(ctx, releaseCard).Text()
	if err != nil {
		return false, fmt.Errorf("release card %s: %w", l.id, err)
	}
	l.Version, _ = strconv.ParseInt(version, 10, 64) // 0, not known, when it is no number
	return version != "", nil
}

func (l *CardLease) run(ctx context.Context, script *redis.Script) *redis.Cmd {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	keys := []string{cardPrefix + l.id, prefix + "card-dirty:" + l.id}
	return script.Run(ctx, l.notes.redis.client, keys, l.token, l.ttl.Milliseconds(), l.Version)
}

// takeBudget is a token bucket kept as the time at which it will be full again (GCRA). It takes
// one and returns 0, or returns the milliseconds until one is available.
var takeBudget = redis.NewScript(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local interval = tonumber(ARGV[1])
local burst = tonumber(ARGV[2])
local full = tonumber(redis.call('GET', KEYS[1]) or now) or now
if full < now then full = now end
if full > now + burst * interval then -- more than was ever taken: the value is planted
  full = now + burst * interval
  redis.call('SET', KEYS[1], full, 'PX', burst * interval + 1000)
end
local wait = full + interval - now - burst * interval
if wait > 0 then return math.ceil(wait) end
local after = math.ceil(full + interval)
redis.call('SET', KEYS[1], after, 'PX', math.max(after - now, 1) + 1000)
return 0`)

// Allow takes one from a budget that all processes share: perSecond on average, burst at once. It
// returns 0 if the call may be made, else how long to wait before the next try.
func (n *Notes) Allow(ctx context.Context, name string, perSecond float64, burst int) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	interval := math.Ceil(1000 / perSecond)
	ms, err := takeBudget.Run(ctx, n.redis.client, []string{prefix + "budget:" + name}, interval, burst).Int64()
	if err != nil {
		return 0, fmt.Errorf("budget %s: %w", name, err)
	}
	return time.Duration(ms) * time.Millisecond, nil
}
