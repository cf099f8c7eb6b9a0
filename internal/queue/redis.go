// Package queue owns what TfPilot keeps in Redis: the tasks that wake a worker,
// the index that lists are read from, short leases and budgets. Everything here may be lost
// at any time without losing a fact: the documents in the store are the truth, and the sweep
// rebuilds the queue and the index from them. It is the only user of asynq and go-redis.
// Package worker owns what a task does.
package queue

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	dialTimeout = 2 * time.Second
	callTimeout = 3 * time.Second // of one command on the wire
	opTimeout   = 5 * time.Second // of one operation of this package, retries included
	poolSize    = 32
)

// Dialer opens a connection to Redis; nil means the network.
type Dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// Redis is a pool of connections that everything in this package shares.
type Redis struct {
	client redis.UniversalClient
	self   string // names this process among those that share the Redis
}

// Open prepares connections to the address, a redis:// or rediss:// URL. It does
// not connect; Ping does. The error never shows the URL, which holds a password.
func Open(url string, dial Dialer) (*Redis, error) {
	opt, err := redis.ParseURL(url)
	if err != nil {
		return nil, errors.New("redis address: not a redis:// or rediss:// URL")
	}
	if dial != nil {
		opt.Dialer = dial
	}
	opt.DialTimeout = dialTimeout
	opt.DialerRetries = 2
	opt.ReadTimeout = callTimeout
	opt.WriteTimeout = callTimeout
	opt.PoolTimeout = callTimeout
	opt.PoolSize = poolSize
	opt.ContextTimeoutEnabled = true
	opt.DisableIdentity = true
	opt.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return &Redis{redis.NewClient(opt), rand.Text()}, nil
}

// Quiet keeps the client library from writing to standard error on its own; what
// matters reaches the callers as errors. It is for main, since it is global.
func Quiet() { logging.Disable() }

// Ping reports whether Redis answers.
func (r *Redis) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	if err := r.client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("ping redis: %w", err)
	}
	return nil
}

// KeepsEntries is the maxmemory-policy under which Redis throws no entry away.
const KeepsEntries = "noeviction"

// EvictionPolicy reads the maxmemory-policy. Services that do not allow CONFIG name it in
// INFO; the policy is empty when Redis answers neither.
func (r *Redis) EvictionPolicy(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	got, err := r.client.ConfigGet(ctx, "maxmemory-policy").Result()
	if policy := got["maxmemory-policy"]; err == nil && policy != "" {
		return policy, nil
	}
	info, err := r.client.Info(ctx, "memory").Result()
	for line := range strings.Lines(info) {
		if policy, ok := strings.CutPrefix(strings.TrimSpace(line), "maxmemory_policy:"); ok && err == nil {
			return policy, nil
		}
	}
	var refused redis.Error
	if err != nil && !errors.As(err, &refused) {
		return "", fmt.Errorf("read maxmemory-policy: %w", err)
	}
	return "", nil
}

// CheckEviction warns when Redis may throw entries away: a task without its hash
// blocks its id forever.
func (r *Redis) CheckEviction(ctx context.Context, log *slog.Logger) {
	policy, err := r.EvictionPolicy(ctx)
	if err == nil && policy != "" && policy != KeepsEntries {
		log.WarnContext(ctx, "redis may evict entries; set maxmemory-policy to noeviction", "policy", policy)
	}
}

// Close ends all connections.
func (r *Redis) Close() error { return r.client.Close() }
