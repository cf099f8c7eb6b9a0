package queue

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/time/rate"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Window is a limit on how much happens within a time, whenever that begins.
type Window struct {
	Name string
	Span time.Duration
	Most int
}

// Spend is what one call takes from a window, and how much of the window may be in use before it:
// a call with a lower bound leaves the rest to more urgent calls.
type Spend struct {
	Window
	Cost int
}

// windowLua counts in sixty parts of a window, so that a count is late by a sixtieth at most and
// never early. room returns 0, or the milliseconds until there is room.
const windowLua = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function room(key, span, most, cost)
  local part = span / 60
  local last = math.floor(now / part)
  local names = {}
  for i = 0, 60 do names[i + 1] = string.format('%.0f', last - 60 + i) end
  local counts, sum = redis.call('HMGET', key, unpack(names)), 0
  for i = 1, 61 do sum = sum + (tonumber(counts[i]) or 0) end
  if sum + cost <= most then return 0 end
  for i = 1, 61 do
    sum = sum - (tonumber(counts[i]) or 0)
    if sum + cost <= most then return math.ceil((last - 60 + i + 60) * part - now) end
  end
  return span
end
local function take(key, span, cost)
  local part = span / 60
  local last = math.floor(now / part)
  if redis.call('HLEN', key) > 200 then
    for _, name in ipairs(redis.call('HKEYS', key)) do
      if (tonumber(name) or 0) < last - 61 then redis.call('HDEL', key, name) end
    end
  end
  redis.call('HINCRBY', key, string.format('%.0f', last), cost)
  redis.call('PEXPIRE', key, span * 2)
end
`

// spend takes from all windows or from none. It returns 0, or the milliseconds to wait. KEYS:
// pause, pause of what is not urgent, windows. ARGV: urgent, then span, most and cost of each
// window.
var spend = redis.NewScript(windowLua + `
local longest = 0
for i = 1, (ARGV[1] == '1') and 1 or 2 do
  local left = redis.call('PTTL', KEYS[i])
  if left == -1 or left > 3600000 then redis.call('PEXPIRE', KEYS[i], 60000); left = 60000 end
  if left > longest then longest = left end
end
if longest > 0 then return longest end
for i = 3, #KEYS do
  local at = 2 + (i - 3) * 3
  local wait = room(KEYS[i], tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]))
  if wait > longest then longest = wait end
end
if longest > 0 then return longest end
for i = 3, #KEYS do
  local at = 2 + (i - 3) * 3
  take(KEYS[i], tonumber(ARGV[at]), tonumber(ARGV[at + 2]))
end
return 0`)

// Budget limits the calls that all processes of a workspace make to another system. It is checked
// before each call. While Redis does not respond, each process uses so small a share that many
// processes together stay within the limits.
type Budget struct {
	redis *Redis
	name  string
	log   *slog.Logger
	alone *rate.Limiter

	mu     sync.Mutex
	warned time.Time
}

// alonePerSecond is how much one process may do without Redis: with eight of them, 720
// points of GitHub's 900 a minute.
const (
	alonePerSecond = 0.3
	aloneAtOnce    = 10
)

// NewBudget makes a budget that all processes with this Redis share.
func NewBudget(r *Redis, name string, log *slog.Logger) *Budget {
	return &Budget{redis: r, name: name, log: log, alone: rate.NewLimiter(alonePerSecond, aloneAtOnce)}
}

func (b *Budget) key(name string) string { return prefix + "window:" + b.name + ":" + name }

// Take takes from all windows, or returns how long to wait. An urgent call ignores a pause that
// reserves the rest for urgent calls.
func (b *Budget) Take(ctx context.Context, urgent bool, spends []Spend) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	keys := []string{b.key("pause"), b.key("low")}
	args := []any{0}
	if urgent {
		args[0] = 1
	}
	for _, s := range spends {
		keys = append(keys, b.key(s.Name))
		args = append(args, s.Span.Milliseconds(), s.Most, s.Cost)
	}
	ms, err := spend.Run(ctx, b.redis.client, keys, args...).Int64()
	if err != nil {
		b.warn(err)
		return b.takeAlone()
	}
	return time.Duration(ms) * time.Millisecond
}

func (b *Budget) takeAlone() time.Duration {
	r := b.alone.Reserve()
	if wait := r.Delay(); wait > 0 {
		r.Cancel()
		return wait
	}
	return 0
}

func (b *Budget) warn(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if time.Since(b.warned) > time.Minute {
		b.warned = time.Now()
		b.log.Warn("the shared budget cannot be asked; this process keeps to a small one of its own", "budget", b.name,
			"error", err)
	}
}

// Pause keeps every process from calling until then, or, when urgent calls may still be
// made, from all others.
func (b *Budget) Pause(ctx context.Context, until time.Time, butUrgent bool) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	name := "pause"
	if butUrgent {
		name = "low"
	}
	if left := time.Until(until); left > 0 {
		if err := b.redis.client.Set(ctx, b.key(name), 1, min(left, time.Hour)).Err(); err != nil {
			b.warn(err)
		}
	}
}

// Turn is the answer to a request that asks to start.
type Turn int

const (
	TurnNow   Turn = iota // it may start
	TurnLater             // it is in the queue, and is enqueued when its turn comes
	TurnOver              // its person has too many in the queue
)

// Turns are the order in which requests that share a budget start: between projects in turn,
// between the people of a project in turn, each person's own requests in the order of their
// arrival. A waiting request does not poll: Next returns it when there is room. If Redis loses
// its data, the sweep fills the queue again.
type Turns struct {
	redis   *Redis
	windows []Window
}

// NewTurns makes the turns; each start takes one from every window.
func NewTurns(r *Redis, windows []Window) *Turns { return &Turns{r, windows} }

const (
	turnPrefix = prefix + "turn:"
	// MaxWaiting is how many requests of one person in one project may be in the queue.
	MaxWaiting = 60
	// TurnLasts is how long a turn may be used.
	TurnLasts = 2 * time.Minute
	nextMost  = 30
)

const turnLua = windowLua + `
local P = ARGV[1]
local windows = tonumber(ARGV[2])
local function free()
  for i = 0, windows - 1 do
    if room(P .. 'window:' .. ARGV[3 + i * 3], tonumber(ARGV[4 + i * 3]), tonumber(ARGV[5 + i * 3]), 1) > 0 then return false end
  end
  return true
end
local function start(id)
  for i = 0, windows - 1 do take(P .. 'window:' .. ARGV[3 + i * 3], tonumber(ARGV[4 + i * 3]), 1) end
  redis.call('SET', P .. 'now:' .. id, 1, 'PX', 120000)
end
local function least(key) -- the smallest share, which a newcomer gets
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  return tonumber(first[2]) or 0
end
local first = 3 + windows * 3
`

// askTurn: 0 now, 1 later, 2 over. ARGV after the windows: id, project, person, most.
var askTurn = redis.NewScript(turnLua + `
local id, project, person, most = ARGV[first], ARGV[first + 1], ARGV[first + 2], tonumber(ARGV[first + 3])
if redis.call('EXISTS', P .. 'now:' .. id) == 1 then return 0 end
local mine = P .. 'of:' .. project .. ':' .. person
if redis.call('ZCARD', P .. 'projects') == 0 and free() then start(id) return 0 end
if redis.call('ZSCORE', mine, id) then return 1 end
if redis.call('ZCARD', mine) >= most then return 2 end
redis.call('ZADD', mine, now, id)
redis.call('ZADD', P .. 'people:' .. project, 'NX', least(P .. 'people:' .. project), person)
redis.call('ZADD', P .. 'projects', 'NX', least(P .. 'projects'), project)
redis.call('SADD', P .. 'all', id)
return 1`)

// nextTurns gives the requests whose turn it is. ARGV after the windows: how many.
var nextTurns = redis.NewScript(turnLua + `
local out = {}
for _ = 1, 1000 do
  local project = redis.call('ZRANGE', P .. 'projects', 0, 0)[1]
  if not project or #out >= tonumber(ARGV[first]) or not free() then break end
  local people = P .. 'people:' .. project
  local person = redis.call('ZRANGE', people, 0, 0)[1]
  if not person then
    redis.call('ZREM', P .. 'projects', project)
  else
    local mine = P .. 'of:' .. project .. ':' .. person
    local id = redis.call('ZRANGE', mine, 0, 0)[1]
    if id then
      redis.call('ZREM', mine, id)
      redis.call('SREM', P .. 'all', id)
      start(id)
      out[#out + 1] = id
      redis.call('ZINCRBY', people, 1, person)
      redis.call('ZINCRBY', P .. 'projects', 1, project)
    end
    if redis.call('ZCARD', mine) == 0 then redis.call('ZREM', people, person) end
    if redis.call('ZCARD', people) == 0 then redis.call('ZREM', P .. 'projects', project) end
  end
end
return out`)

func (q *Turns) args(more ...any) []any {
	args := []any{turnPrefix, len(q.windows)}
	for _, w := range q.windows {
		args = append(args, w.Name, w.Span.Milliseconds(), w.Most)
	}
	return append(args, more...)
}

// Ask asks whether a request may start. Asking again does not move it.
func (q *Turns) Ask(ctx context.Context, id, project, person string) (Turn, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	got, err := askTurn.Run(ctx, q.redis.client, []string{turnPrefix + "projects"},
		q.args(id, project, lifecycle.FoldLogin(person), MaxWaiting)...).Int()
	if err != nil {
		return TurnNow, fmt.Errorf("ask for a turn: %w", err)
	}
	return Turn(got), nil
}

// Waiting are the requests in the queue.
func (q *Turns) Waiting(ctx context.Context) (map[string]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	ids, err := q.redis.client.SMembers(ctx, turnPrefix+"all").Result()
	if err != nil {
		return nil, fmt.Errorf("ask who waits: %w", err)
	}
	waiting := make(map[string]bool, len(ids))
	for _, id := range ids {
		waiting[id] = true
	}
	return waiting, nil
}

// Next returns the requests whose turn it is now; each is returned once.
func (q *Turns) Next(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	ids, err := nextTurns.Run(ctx, q.redis.client, []string{turnPrefix + "projects"}, q.args(nextMost)...).StringSlice()
	if err != nil {
		return nil, fmt.Errorf("ask whose turn it is: %w", err)
	}
	return ids, nil
}
