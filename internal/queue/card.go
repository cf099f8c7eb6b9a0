package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// The cards that must be drawn again wait in one list, which all processes of a workspace share,
// because Slack allows fifty edits a minute for the whole workspace. The list holds a card once, however
// often its request changed, and the process that draws it reads the newest facts.
//
// The order is what people need first. A card that Slack does not show yet needs no edit and never
// waits for one. A card that a person has to act on, or has just clicked on, comes next. Progress comes
// after it, the newest first; each third edit goes to progress that has waited for 30 s, so that nothing
// starves. After a release, the drawing of all cards may have changed: they use edits that are left.
//
// A card leaves the list when a process begins to draw it. The roll then holds it, so that another
// process draws it when that one dies.

// Urgency says how soon people need a card; a smaller one comes first.
type Urgency int

// The urgencies of a card.
const (
	UrgencyFirst    Urgency = iota // Slack shows nothing of the request yet
	UrgencyPerson                  // a person has to act, has just clicked, or the request is over
	UrgencyProgress                // TfPilot or a run is at work
	UrgencySpare                   // the facts are the same, only the drawing may differ
)

// Delays let changes that follow each other become one edit. A card that a person has to act on has none.
const (
	delayFirst    = time.Second     // the app posts the first card itself, and this is for when it ends before
	delayClick    = time.Second     // after a click that waits for other work, or that changed nothing
	delayOutcome  = 3 * time.Second // a worker carries out the click; its outcome comes sooner and is drawn then
	delayProgress = 3 * time.Second // what lasts shorter, people do not see
)

// urgencyOf derives from a request how soon its card must be drawn, and after which delay.
func urgencyOf(r lifecycle.Request, archived bool, now time.Time) (Urgency, time.Duration) {
	if len(r.Slack.Messages) == 0 {
		return UrgencyFirst, delayFirst
	}
	if archived || r.Problem != nil {
		return UrgencyPerson, 0
	}
	if len(r.Wanted) > 0 {
		return UrgencyPerson, delayOfIntents(r, now)
	}
	switch lifecycle.DeriveLifecycleStatus(r, now) {
	case lifecycle.StatusRequestCreated, lifecycle.StatusPlanning, lifecycle.StatusApplying, lifecycle.StatusDestroying:
		return UrgencyProgress, delayProgress
	case lifecycle.StatusApproved, lifecycle.StatusMerged:
		if lifecycle.IsDue(r, now) { // the next step follows without a person
			return UrgencyProgress, delayProgress
		}
	}
	return UrgencyPerson, 0
}

// delayOfIntents is how long a card with intents waits. A person who clicked has the answer to the click itself at
// once, so the card need not show an intent that a worker is about to carry out: the click and its outcome are one
// edit. An intent with a correlation id waits for its turn in the environment, and one that is not due for a person.
func delayOfIntents(r lifecycle.Request, now time.Time) time.Duration {
	queued := slices.ContainsFunc(r.Wanted, func(w lifecycle.Intent) bool { return w.CorrelationID != "" })
	switch {
	case lifecycle.DeriveLifecycleStatus(r, now) == lifecycle.StatusPlanning: // the plan of a destroy
		return delayProgress
	case lifecycle.IsDue(r, now) && !queued:
		return delayOutcome
	}
	return delayClick
}

// The workspace's budget of edits, below Slack's fifty a minute. Progress leaves most of what may be
// edited at once to the cards that people need first.
const (
	editBudget    = "slack:chat.update"
	editPerSecond = 0.8
	editBurst     = 10
	editReserve   = 8
	overdueAfter  = 30 * time.Second // progress that waited for so long gets each third edit
	overdueShare  = 3
)

// CardClicked enqueues the card of a request after a click on it that changed nothing: the card
// may be outdated.
func (n *Notes) CardClicked(ctx context.Context, id string) error {
	return cards{n.redis}.add(ctx, listedCard{RequestID: id, Urgency: UrgencyPerson}, delayClick)
}

// AllowEdit takes one edit from the workspace's budget. It returns 0 if the edit may be made,
// else how long to wait before the next try.
func (n *Notes) AllowEdit(ctx context.Context) (time.Duration, error) {
	return n.Allow(ctx, editBudget, editPerSecond, editBurst)
}

const (
	cardsPrefix = prefix + "cards:"
	cardsMove   = 200 // cards that become ready in one call
)

// listedCard is a card with its position in the list.
type listedCard struct {
	RequestID string  `json:"requestId"`
	Version   int64   `json:"version"` // of the document, at least; 0 when it is not known
	Urgency   Urgency `json:"urgency"`
	Since     int64   `json:"since"` // when it began to wait, in Unix milliseconds; 0: now
	Tries     int     `json:"tries"` // that failed
}

func (c listedCard) check() error {
	if c.Urgency < UrgencyFirst || c.Urgency > UrgencySpare || c.Tries < 0 || c.Tries > maxRetry || c.Version < 0 {
		return fmt.Errorf("card with urgency %d and %d tries: %w", c.Urgency, c.Tries, errPayload)
	}
	return Card{RequestID: c.RequestID}.check()
}

const cardsLua = `
local P = ARGV[1]
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function facts(id)
  local held = redis.call('HGET', P .. 'waits', id) or ''
  local u, since, tries, version = string.match(held, '^(%d) (%d+) (%d+) (%d+)$')
  return tonumber(u), tonumber(since), tonumber(tries), tonumber(version)
end
`

// addCard puts a card into the list, or moves it to the front of where it is.
// KEYS: waits. ARGV: prefix, id, urgency, delay, since, tries, version.
var addCard = redis.NewScript(cardsLua + `
local id, u, at = ARGV[2], tonumber(ARGV[3]), now + tonumber(ARGV[4])
local since, tries, version = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
if since <= 0 or since > now then since = now end
local hadU, hadSince, _, had = facts(id)
if hadU and hadU <= 3 then
  u, since = math.min(u, hadU), math.min(since, hadSince)
  if had == 0 or version > 0 and had > version then version = had end
  for i = 0, 3 do
    if redis.call('ZREM', P .. 'ready:' .. i, id) == 1 then at = now end
  end
  at = math.min(at, tonumber(redis.call('ZSCORE', P .. 'at', id) or at) or at)
end
redis.call('HSET', P .. 'waits', id, string.format('%.0f %.0f %.0f %.0f', u, since, tries, version))
redis.call('ZADD', P .. 'at', at, id)
return 1`)

// nextCard takes the card that comes next out of the list and notes it on the roll of this process.
// KEYS: waits, budget, roll. ARGV: prefix, least urgency, interval, burst, reserve, overdue, share, move,
// time that the roll lasts.
var nextCard = redis.NewScript(cardsLua + `
local least, interval, burst = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local reserve, overdue, share = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'at', '-inf', now, 'LIMIT', 0, ARGV[8])) do
  local u, since = facts(id)
  redis.call('ZREM', P .. 'at', id)
  if u and u <= 3 then redis.call('ZADD', P .. 'ready:' .. u, since, id) else redis.call('HDEL', P .. 'waits', id) end
end
local full = tonumber(redis.call('GET', KEYS[2]) or now) or now
local edits = math.floor((now + burst * interval - math.max(full, now)) / interval)
local function head(u, command)
  if u > least then return nil end
  local found = redis.call(command, P .. 'ready:' .. u, 0, 0, 'WITHSCORES')
  return found[1], tonumber(found[2])
end
local function choose()
  local first = head(0, 'ZRANGE')
  if first then return 0, first end
  local person = head(1, 'ZRANGE')
  local old, since = head(2, 'ZRANGE')
  if edits >= 1 and person and old and now - since >= overdue and redis.call('INCR', P .. 'turn') % share == 0 then
    return 2, old
  end
  if edits >= 1 and person then return 1, person end
  if edits > reserve and old then
    if now - since >= overdue then return 2, old end
    return 2, head(2, 'ZREVRANGE')
  end
  local spare = head(3, 'ZRANGE')
  if edits >= burst and spare then return 3, spare end
end
local u, id = choose()
if not id then return '' end
local _, since, tries, version = facts(id)
redis.call('ZREM', P .. 'ready:' .. u, id)
redis.call('HDEL', P .. 'waits', id)
local card = {requestId = id, urgency = u, since = since or now, tries = tries or 0, version = version or 0}
redis.call('HSET', KEYS[3], 'card:' .. id .. ':', cjson.encode({kind = 'card', card = card}))
redis.call('PEXPIRE', KEYS[3], ARGV[9])
return cjson.encode(card)`)

// cards is the list.
type cards struct{ redis *Redis }

// add puts a card into the list for after a delay. One that waits already keeps what is better for it.
func (l cards) add(ctx context.Context, c listedCard, delay time.Duration) error {
	if err := c.check(); err != nil {
		return fmt.Errorf("enqueue card: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	err := addCard.Run(ctx, l.redis.client, []string{cardsPrefix + "waits"}, cardsPrefix, c.RequestID, int(c.Urgency),
		delay.Milliseconds(), c.Since, c.Tries, c.Version).Err()
	if err != nil {
		return fmt.Errorf("enqueue card: %w", err)
	}
	return nil
}

// next takes the card that comes next, none less urgent than least. The caller calls drawn when it has
// drawn it or put it back.
func (l cards) next(ctx context.Context, least Urgency) (c listedCard, ok bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	data, err := nextCard.Run(ctx, l.redis.client,
		[]string{cardsPrefix + "waits", prefix + "budget:" + editBudget, rollTasks + l.redis.self},
		cardsPrefix, int(least), math.Ceil(1000/editPerSecond), editBurst, editReserve, overdueAfter.Milliseconds(),
		overdueShare, cardsMove, rollLasts.Milliseconds()).Text()
	if err != nil || data == "" {
		return c, false, err
	}
	if c, err = readWaiting(data); err != nil {
		return c, false, errors.Join(err, l.drawn(ctx, c.RequestID))
	}
	return c, true, nil
}

// readWaiting decodes an entry of the list, which anyone with access to Redis can write.
func readWaiting(data string) (c listedCard, err error) {
	if err := json.Unmarshal([]byte(data), &c); err != nil {
		return c, fmt.Errorf("%w: %w", errPayload, err)
	}
	return c, c.check()
}

// drawn takes a card off the roll of this process.
func (l cards) drawn(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	return l.redis.client.HDel(ctx, rollTasks+l.redis.self, "card:"+id+":").Err()
}
