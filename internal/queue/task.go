package queue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"time"

	"github.com/hibiken/asynq"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Task kinds, each with one payload, one maker and one handler.
const (
	kindReconcile   = "look" // the name in Redis
	kindCard        = "card" // of processes before the list of cards; also on the roll
	kindWebhook     = "webhook"
	kindSync        = "sync"
	kindEnvironment = "environment"
)

// Queues. What people wait for goes first.
const (
	queueFast = "tfpilot"
	queueSlow = "tfpilot-slow"
)

const (
	maxRetry    = 1000
	taskTimeout = 25 * time.Second // below asynq's lease of 30 s
	maxPayload  = 8 << 10
	// MaxHint bounds the hint of a webhook, in bytes.
	MaxHint = 2 << 10
)

// Time buckets at the end of task ids. A task that waits for its retry blocks its
// id for at most one bucket, so a later wake-up is not lost for long.
const (
	bucketDocument    = 5 * time.Minute // the version in the id tells changes apart
	bucketEnvironment = time.Minute
	bucketSync        = 5 * time.Second
	bucketLater       = 10 * time.Second // of the time at which a delayed task is due
)

// Reconcile runs one pass over a request: it does what is due.
type Reconcile struct {
	RequestID string `json:"requestId"`
	Version   int64  `json:"version"` // of the document, at least; none when not positive
}

// Card asks to render a request's messages again.
type Card struct {
	RequestID string        `json:"requestId"`
	Version   int64         `json:"version,omitempty"` // of the document, at least; 0 when it is not known
	Waited    time.Duration `json:"-"`                 // since the first change that is not drawn
}

// Webhook carries what a delivery hinted at.
type Webhook struct {
	DeliveryID string `json:"deliveryId"`
	Hint       []byte `json:"hint"`
}

// Sync asks to read one repository, "owner/name".
type Sync struct {
	Repo string `json:"repo"`
}

// Environment runs one pass over the lease of one Terraform root.
type Environment struct {
	Project string `json:"project"`
	Key     string `json:"key"`
	Slug    string `json:"slug"`
}

var deliveryID = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// errPayload marks a task that no retry will make readable.
var errPayload = errors.New("unreadable task")

func (t Reconcile) check() error { return checkName(lifecycle.NameRequest.Valid, t.RequestID) }
func (t Card) check() error      { return checkName(lifecycle.NameRequest.Valid, t.RequestID) }
func (t Sync) check() error      { return checkName(lifecycle.ValidRepository, t.Repo) }
func (t Environment) check() error {
	return errors.Join(checkName(lifecycle.NameProject.Valid, t.Project),
		checkName(lifecycle.NameEnvironment.Valid, t.Key), checkName(lifecycle.NameSlug.Valid, t.Slug))
}

func (t Webhook) check() error {
	if len(t.Hint) > MaxHint {
		return fmt.Errorf("hint of %d bytes: %w", len(t.Hint), errPayload)
	}
	return checkName(deliveryID.MatchString, t.DeliveryID)
}

func checkName(valid func(string) bool, s string) error {
	if !valid(s) {
		return fmt.Errorf("%.40q is not valid: %w", s, errPayload)
	}
	return nil
}

// payload is what every task carries.
type payload interface{ check() error }

// newTask makes a task whose id is kind:key:bucket.
func newTask(kind, queue, key string, p payload, opts ...asynq.Option) (*asynq.Task, error) {
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("task %s: %w", kind, err)
	}
	data, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("task %s: %w", kind, err)
	}
	opts = append(opts, asynq.Queue(queue), asynq.MaxRetry(maxRetry), asynq.Timeout(taskTimeout),
		asynq.TaskID(kind+":"+key))
	return asynq.NewTask(kind, data, opts...), nil
}

func reconcileTask(t Reconcile, now time.Time, delay time.Duration) (*asynq.Task, error) {
	key := t.RequestID + ":" + strconv.FormatInt(t.Version, 10) + ":"
	if delay > 0 {
		return newTask(kindReconcile, queueFast, key+"t"+bucket(now.Add(delay), bucketLater), t, asynq.ProcessIn(delay))
	}
	return newTask(kindReconcile, queueFast, key+bucket(now, bucketDocument), t)
}

// webhookTask has no bucket: its key is the delivery's own.
func webhookTask(t Webhook) (*asynq.Task, error) {
	return newTask(kindWebhook, queueFast, t.DeliveryID, t)
}

func syncTask(t Sync, now time.Time) (*asynq.Task, error) {
	return newTask(kindSync, queueSlow, t.Repo+":"+bucket(now, bucketSync), t)
}

func environmentTask(t Environment, version int64, now time.Time) (*asynq.Task, error) {
	key := t.Project + "/" + t.Key + "/" + t.Slug + ":" + strconv.FormatInt(version, 10)
	return newTask(kindEnvironment, queueSlow, key+":"+bucket(now, bucketEnvironment), t)
}

func bucket(at time.Time, width time.Duration) string {
	return strconv.FormatInt(at.Unix()/int64(width/time.Second), 10)
}

// decode reads a payload. Anyone may have written the tasks in Redis.
func decode[T payload](data []byte) (T, error) {
	var t T
	if len(data) > maxPayload {
		return t, fmt.Errorf("%d bytes: %w", len(data), errPayload)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&t); err != nil {
		return t, fmt.Errorf("%w: %w", errPayload, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return t, fmt.Errorf("more than one value: %w", errPayload)
	}
	return t, t.check()
}
