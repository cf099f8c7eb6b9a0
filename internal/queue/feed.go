package queue

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"

	"github.com/redis/go-redis/v9"
)

const (
	feedKeep   = 50 // changes kept for whoever comes back
	feedBuffer = 64 // of one subscriber
	feedTopic  = prefix + "feed"
)

// Change says that a request has a new version. Seq rises by one within an epoch;
// a Redis that lost its data starts another epoch. Reset means that changes may
// have been missed: read everything again.
type Change struct {
	Epoch   string `json:"epoch"`
	Seq     int64  `json:"seq"`
	ID      string `json:"id"`
	Version int64  `json:"version"`
	Reset   bool   `json:"-"`
}

// Feed tells who wants to know which requests changed.
type Feed struct{ redis *Redis }

// NewFeed makes a feed.
func NewFeed(r *Redis) *Feed { return &Feed{r} }

// publishChange numbers a change, keeps it and tells the subscribers.
// KEYS: epoch, sequence, recent. ARGV: a new epoch, id, version, topic, kept.
var publishChange = redis.NewScript(`
redis.call('SET', KEYS[1], ARGV[1], 'NX')
local epoch = redis.call('GET', KEYS[1])
local seq = redis.call('INCR', KEYS[2])
local change = cjson.encode({epoch = epoch, seq = seq, id = ARGV[2], version = tonumber(ARGV[3])})
redis.call('LPUSH', KEYS[3], change)
redis.call('LTRIM', KEYS[3], 0, ARGV[5] - 1)
redis.call('PUBLISH', ARGV[4], change)
return seq`)

// Publish tells that request id is at version.
func (f *Feed) Publish(ctx context.Context, id string, version int64) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	keys := []string{feedTopic + ":epoch", feedTopic + ":seq", feedTopic + ":recent"}
	err := publishChange.Run(ctx, f.redis.client, keys, rand.Text(), id, version, feedTopic, feedKeep).Err()
	if err != nil {
		return fmt.Errorf("publish %s: %w", id, err)
	}
	return nil
}

// Recent gives the last changes, oldest first.
func (f *Feed) Recent(ctx context.Context) ([]Change, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	texts, err := f.redis.client.LRange(ctx, feedTopic+":recent", 0, feedKeep-1).Result()
	if err != nil {
		return nil, fmt.Errorf("recent changes: %w", err)
	}
	var found []Change
	for i := len(texts) - 1; i >= 0; i-- {
		var c Change
		if json.Unmarshal([]byte(texts[i]), &c) == nil {
			found = append(found, c)
		}
	}
	return found, nil
}

// Subscribe gives changes until ctx ends; then the channel is closed. The first change
// after a gap, or after the subscriber did not keep up, has Reset set.
func (f *Feed) Subscribe(ctx context.Context) (<-chan Change, error) {
	sub := f.redis.client.Subscribe(ctx, feedTopic)
	opening, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	if _, err := sub.Receive(opening); err != nil {
		_ = sub.Close()
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	out := make(chan Change, feedBuffer)
	go func() {
		defer close(out)
		defer func() { _ = sub.Close() }()
		relay(ctx, sub.Channel(), out)
	}()
	return out, nil
}

// relay passes changes on and watches their numbers.
func relay(ctx context.Context, in <-chan *redis.Message, out chan<- Change) {
	var last Change
	missed := false
	for {
		select {
		case <-ctx.Done():
			return
		case m, ok := <-in:
			if !ok {
				return
			}
			var c Change
			if json.Unmarshal([]byte(m.Payload), &c) != nil {
				missed = true
				continue
			}
			c.Reset = missed || last.Seq != 0 && (c.Epoch != last.Epoch || c.Seq != last.Seq+1)
			last = c
			select {
			case out <- c:
				missed = false
			default:
				missed = true
			}
		}
	}
}
