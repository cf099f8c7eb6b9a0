package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"
)

// Anyone can send a body, and its signature can be checked only once it is complete. So
// the endpoint reserves memory as bytes arrive, never by the announced length. A body must
// arrive at a minimum rate. When memory runs out, the oldest unfinished body is dropped.
// A signed delivery arrives in milliseconds, so slow bodies cannot block it.
const (
	maxDelivery = 25 << 20 // GitHub's limit
	maxSmall    = 1 << 20
	// smallMemory and largeMemory bound the bodies in flight. Small bodies have a pool of
	// their own, so that a few large ones cannot block them.
	smallMemory = 32 << 20
	largeMemory = 64 << 20
	firstBuffer = 8 << 10

	slowStart = 5 * time.Second // time until the first bytes must arrive
	minRate   = 64 << 10        // bytes per second after that
	minAge    = time.Second     // a younger body is never dropped
	freeWait  = 2 * time.Second // how long to wait for dropped bodies to free their memory
)

var (
	errNoRoom = errors.New("too many deliveries at the same time")
	errSlow   = errors.New("the delivery arrives too slowly")
)

// pool is the memory for the bodies of one size class.
type pool struct {
	mu    sync.Mutex
	free  int64
	open  []*incoming   // oldest first
	freed chan struct{} // closed when memory was given back; nil when no body needs it
}

func newPool(size int64) *pool { return &pool{free: size} }

// incoming is one delivery while it is in memory.
type incoming struct {
	began time.Time
	stop  func() // aborts reading
	pool  *pool
	held  int64
	lost  bool // was dropped to free memory
}

// take reserves memory for a body. If there is too little, it drops older bodies.
func (p *pool) take(b *incoming, n int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.open, b) {
		p.open = append(p.open, b)
	}
	if !p.displace(b, n) {
		return errNoRoom
	}
	if p.free < n && !p.await(n) {
		return errNoRoom
	}
	p.free -= n
	return nil
}

// await waits, with the pool unlocked, until n bytes are free. It reports whether they were free in time.
func (p *pool) await(n int64) bool {
	deadline := time.NewTimer(freeWait)
	defer deadline.Stop()
	for p.free < n {
		if p.freed == nil {
			p.freed = make(chan struct{})
		}
		freed := p.freed
		p.mu.Unlock()
		select {
		case <-freed:
			p.mu.Lock()
		case <-deadline.C:
			p.mu.Lock()
			return false
		}
	}
	return true
}

// displace drops the oldest bodies until n bytes will be free. It reports whether that is
// possible, and otherwise drops none.
func (p *pool) displace(b *incoming, n int64) bool {
	coming := p.free
	var victims []*incoming
	for _, other := range p.open {
		if coming >= n {
			break
		}
		if other == b || time.Since(other.began) < minAge {
			continue
		}
		coming += other.held
		if !other.lost {
			victims = append(victims, other)
		}
	}
	if coming < n {
		return false
	}
	for _, v := range victims {
		v.lost = true
		v.stop()
	}
	return true
}

// give returns memory to the pool. done removes the body from the pool.
func (p *pool) give(b *incoming, n int64, done bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free += n
	if done {
		p.open = slices.DeleteFunc(p.open, func(o *incoming) bool { return o == b })
	}
	if p.freed != nil {
		close(p.freed)
		p.freed = nil
	}
}

// hold reserves n bytes for a body in the pool for that size. The returned function
// releases the body's earlier memory. Call it after copying the bytes.
func (h *webhook) hold(b *incoming, n int64) (release func(), err error) {
	to := h.small
	if n > maxSmall {
		to = h.large
	}
	if err := to.take(b, n); err != nil {
		return nil, err
	}
	from, held := b.pool, b.held
	to.mu.Lock()
	b.pool, b.held = to, n
	to.mu.Unlock()
	return func() {
		if from != nil {
			from.give(b, held, from != to)
		}
	}, nil
}

// done releases all memory of a body.
func (h *webhook) done(b *incoming) {
	if b.pool != nil {
		b.pool.give(b, b.held, true)
	}
}

// read reads a body into memory. The memory stays reserved until done.
func (h *webhook) read(w http.ResponseWriter, r *http.Request, b *incoming) ([]byte, error) {
	conn := http.NewResponseController(w)
	b.began = time.Now()
	b.stop = func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) } // a connection without deadlines cannot be aborted
	limited := http.MaxBytesReader(w, r.Body, maxDelivery)
	most := int64(maxDelivery)
	if r.ContentLength >= 0 {
		most = r.ContentLength
	}
	var buf []byte
	for {
		if len(buf) == cap(buf) {
			grown, err := h.grow(b, buf, most+1) // one more byte, to detect the end
			if err != nil {
				return nil, err
			}
			buf = grown
		}
		if err := h.await(conn, b, len(buf)); err != nil {
			return nil, err
		}
		n, err := limited.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case errors.Is(err, io.EOF) && r.ContentLength >= 0 && int64(len(buf)) != r.ContentLength:
			return nil, fmt.Errorf("read delivery: %w", io.ErrUnexpectedEOF)
		case errors.Is(err, io.EOF):
			return buf, nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, h.late(b)
		case err != nil:
			return nil, fmt.Errorf("read delivery: %w", err)
		}
	}
}

func (h *webhook) grow(b *incoming, buf []byte, most int64) ([]byte, error) {
	size := min(max(firstBuffer, 2*int64(cap(buf))), most)
	if size <= int64(cap(buf)) {
		size = int64(cap(buf)) + 1
	}
	release, err := h.hold(b, size)
	if err != nil {
		return nil, err
	}
	grown := make([]byte, len(buf), size)
	copy(grown, buf)
	release()
	return grown, nil
}

// await sets the time by which more bytes must arrive. It takes the pool's lock so that it
// cannot overwrite the deadline of a stop.
func (h *webhook) await(conn *http.ResponseController, b *incoming, have int) error {
	b.pool.mu.Lock()
	defer b.pool.mu.Unlock()
	if b.lost {
		return errNoRoom
	}
	until := slowStart + time.Duration(have)*time.Second/minRate
	_ = conn.SetReadDeadline(b.began.Add(min(until, readTimeout)))
	return nil
}

// late returns why reading ended: the body was dropped, or it was too slow.
func (h *webhook) late(b *incoming) error {
	b.pool.mu.Lock()
	defer b.pool.mu.Unlock()
	if b.lost {
		return errNoRoom
	}
	return errSlow
}
