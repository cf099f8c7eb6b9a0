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

// Anybody can send a body; only its signature, which needs all of it, tells GitHub's
// from others. So memory is taken as bytes arrive, never as they are announced; a body
// has to keep a pace; and when there is no room, the one that is unfinished longest
// gives way. A signed delivery, which arrives in milliseconds, passes beside any number
// of slow ones.
const (
	maxDelivery = 25 << 20 // what GitHub sends at most
	maxSmall    = 1 << 20
	// smallMemory and largeMemory bound the bodies in flight. Small ones have a share of
	// their own, so that a few large ones do not stand in their way.
	smallMemory = 32 << 20
	largeMemory = 64 << 20
	firstBuffer = 8 << 10

	slowStart = 5 * time.Second // before a body must have begun to arrive
	pace      = 64 << 10        // bytes that must arrive in each second after that
	patience  = time.Second     // nobody has to give way before
	makeRoom  = 2 * time.Second // for those that give way
)

var (
	errNoRoom = errors.New("too many deliveries at the same time")
	errSlow   = errors.New("the delivery arrives too slowly")
)

// pool is the memory for some bodies.
type pool struct {
	mu    sync.Mutex
	free  int64
	open  []*body       // oldest first
	freed chan struct{} // closed when memory was given back
}

func newPool(size int64) *pool { return &pool{free: size, freed: make(chan struct{})} }

// body is one delivery while it is in memory.
type body struct {
	began time.Time
	stop  func() // ends its reading
	pool  *pool
	held  int64
	gone  bool // had to give way
}

// take gives memory to a body, if others must give way for it.
func (p *pool) take(b *body, n int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.open, b) {
		p.open = append(p.open, b)
	}
	if p.free < n && !p.displace(b, n) {
		return errNoRoom
	}
	deadline := time.NewTimer(makeRoom)
	defer deadline.Stop()
	for p.free < n {
		freed := p.freed
		p.mu.Unlock()
		late := false
		select {
		case <-freed:
		case <-deadline.C:
			late = true
		}
		p.mu.Lock()
		if late && p.free < n {
			return errNoRoom
		}
	}
	p.free -= n
	return nil
}

// displace ends the oldest bodies until n bytes will be free. It reports whether they
// will be.
func (p *pool) displace(b *body, n int64) bool {
	coming := p.free
	var victims []*body
	for _, other := range p.open {
		if coming >= n {
			break
		}
		if other == b || time.Since(other.began) < patience {
			continue
		}
		coming += other.held
		if !other.gone {
			victims = append(victims, other)
		}
	}
	if coming < n {
		return false
	}
	for _, v := range victims {
		v.gone = true
		v.stop()
	}
	return true
}

// give takes memory back; all of it when the body is done.
func (p *pool) give(b *body, n int64, done bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free += n
	if done {
		p.open = slices.DeleteFunc(p.open, func(o *body) bool { return o == b })
	}
	close(p.freed)
	p.freed = make(chan struct{})
}

// hold makes the body hold n bytes of the pool for that size. What it held before is
// given back by the returned function, after the bytes were copied.
func (h *webhook) hold(b *body, n int64) (release func(), err error) {
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

// done gives all memory of a body back.
func (h *webhook) done(b *body) {
	if b.pool != nil {
		b.pool.give(b, b.held, true)
	}
}

// read takes a body in. The memory stays held until done.
func (h *webhook) read(w http.ResponseWriter, r *http.Request, b *body) ([]byte, error) {
	conn := http.NewResponseController(w)
	b.began = time.Now()
	b.stop = func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) } // without deadlines nothing arrives late either
	limited := http.MaxBytesReader(w, r.Body, maxDelivery)
	most := int64(maxDelivery)
	if r.ContentLength >= 0 {
		most = r.ContentLength
	}
	var buf []byte
	for {
		if len(buf) == cap(buf) {
			grown, err := h.grow(b, buf, most+1) // one more, to see the end
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

func (h *webhook) grow(b *body, buf []byte, most int64) ([]byte, error) {
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

// await sets until when more bytes must arrive. The pool's lock keeps it from undoing a
// stop.
func (h *webhook) await(conn *http.ResponseController, b *body, have int) error {
	b.pool.mu.Lock()
	defer b.pool.mu.Unlock()
	if b.gone {
		return errNoRoom
	}
	until := slowStart + time.Duration(have)*time.Second/pace
	_ = conn.SetReadDeadline(b.began.Add(min(until, readTimeout)))
	return nil
}

// late says why reading ended: the body had to give way, or was too slow by itself.
func (h *webhook) late(b *body) error {
	b.pool.mu.Lock()
	defer b.pool.mu.Unlock()
	if b.gone {
		return errNoRoom
	}
	return errSlow
}
