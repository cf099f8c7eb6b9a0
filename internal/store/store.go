// Package store keeps TfPilot's objects in one S3 bucket. It owns the keys, the
// conditional writes that make a change certain (compare and swap with a nonce in
// the body), the bounds of what is read and written, and which principal may touch
// which prefix. It is the only user of the AWS SDK. It does not own what the
// objects mean: how a document changes is lifecycle's, when is the worker's.
//
// The store trusts only a success. After a refused precondition, a conflict or a lost answer it
// reads again and looks for its own nonce or bytes.
package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	callTimeout = 10 * time.Second

	readAttempts = 3 // by the SDK itself, inside callTimeout

	// Readers is how many objects a process that reads all of them reads at once.
	Readers = 32

	maxPause   = 400 * time.Millisecond
	firstPause = 10 * time.Millisecond
)

// Named errors; everything else is a fault of the network or the service, after
// which the operation may be repeated.
var (
	ErrNotFound   = errors.New("object not found")
	ErrExists     = errors.New("object exists with other content")
	ErrArchived   = errors.New("document is archived and read-only")
	ErrConflict   = errors.New("object was changed by someone else")
	ErrDenied     = errors.New("access denied")
	ErrTooLarge   = errors.New("object is too large")
	ErrKey        = errors.New("not a valid object name")
	ErrSchema     = errors.New("written by a newer version of TfPilot")
	ErrUnreadable = errors.New("not what should be stored here")
)

// Config locates the bucket and the credentials for it.
type Config struct {
	Bucket   string // required
	Region   string // empty: what the SDK's default chain finds
	Endpoint string // empty: AWS; otherwise path-style addressing

	// AccessKey and Secret are optional; without them the SDK's default chain
	// looks for credentials.
	AccessKey    string
	Secret       string
	SessionToken string

	// Profile names credentials in the AWS configuration files, instead of those that the
	// default chain finds first.
	Profile string

	HTTPClient *http.Client // nil: one with a connection for each reader
	Cache      Cache        // nil: none
}

// Store is the bucket.
type Store struct {
	bucket string
	client *s3.Client
	cache  Cache

	mu        sync.Mutex
	linked    map[string]Linked // as listed last; never changed, only replaced
	summaries []recentSummary   // the newest last; their bytes never change
}

// Open returns the store; it reads configuration but does not talk to the bucket.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.Bucket == "" {
		return nil, errors.New("open store: bucket is not set")
	}
	conf, err := loadConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if conf.Region == "" {
		return nil, errors.New("open store: region is not set")
	}
	client := s3.NewFromConfig(conf, func(o *s3.Options) {
		o.DisableLogOutputChecksumValidationSkipped = true
		o.Retryer = retryer(readAttempts)
		if cfg.Endpoint != "" {
			o.BaseEndpoint = aws.String(cfg.Endpoint)
			o.UsePathStyle = true
		}
	})
	return &Store{bucket: cfg.Bucket, client: client, cache: cfg.Cache}, nil
}

func loadConfig(ctx context.Context, cfg Config) (aws.Config, error) {
	if cfg.AccessKey != "" {
		return aws.Config{
			Region:      cfg.Region,
			Credentials: credentials.NewStaticCredentialsProvider(cfg.AccessKey, cfg.Secret, cfg.SessionToken),
			HTTPClient:  httpClient(cfg),
		}, nil
	}
	options := []func(*awsconfig.LoadOptions) error{awsconfig.WithHTTPClient(httpClient(cfg))}
	if cfg.Region != "" {
		options = append(options, awsconfig.WithRegion(cfg.Region))
	}
	if cfg.Profile != "" {
		options = append(options, awsconfig.WithSharedConfigProfile(cfg.Profile))
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return awsconfig.LoadDefaultConfig(ctx, options...)
}

// httpClient keeps a connection for each reader open; the SDK's own client would dial most of them
// again for each call.
func httpClient(cfg Config) aws.HTTPClient {
	if cfg.HTTPClient != nil {
		return cfg.HTTPClient
	}
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = Readers })
}

// retryer bounds the SDK's own retries. Its token bucket is off: it is shared by
// all calls of a process and would let one outage turn later reads into failures.
func retryer(attempts int) aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.MaxBackoff = time.Second
		o.RateLimiter = ratelimit.None
	})
}

// noRetries switches the SDK's retries off for writes: the SDK would report its own
// write that succeeded as a refused precondition.
func noRetries(o *s3.Options) { o.Retryer = retryer(1) }

// newNonce marks one write, so that the writer recognizes it.
func newNonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// pause waits before the next try of a write: exponential with full jitter, so
// that many writers of one object do not meet again.
func pause(ctx context.Context, try int) error {
	limit := maxPause
	if try < 6 {
		limit = min(maxPause, firstPause<<try)
	}
	n, err := rand.Int(rand.Reader, big.NewInt(int64(limit)))
	if err != nil {
		return fmt.Errorf("draw jitter: %w", err)
	}
	timer := time.NewTimer(time.Millisecond + time.Duration(n.Int64()))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
