package web

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// heldBody takes memory for a body that began some time ago.
func heldBody(t *testing.T, p *pool, n int64, ago time.Duration) (b *incoming, stopped *atomic.Int64) {
	t.Helper()
	stopped = new(atomic.Int64)
	b = &incoming{began: time.Now().Add(-ago), pool: p, stop: func() { stopped.Add(1) }}
	if err := p.take(b, n); err != nil {
		t.Fatal(err)
	}
	b.held = n
	return b, stopped
}

// The oldest bodies are dropped, as many as are needed, each once; none that began just now,
// and none when that is not enough.
func TestOldestBodiesAreDropped(t *testing.T) {
	for name, c := range map[string]struct {
		ages []time.Duration // of bodies that hold 4 of 10 each
		gone []bool          // dropped before
		n    int64
		stop []int64
		room bool
	}{
		"there is room":          {[]time.Duration{time.Hour, time.Hour}, nil, 2, []int64{0, 0}, true},
		"one is enough":          {[]time.Duration{time.Hour, time.Hour}, nil, 3, []int64{1, 0}, true},
		"just enough":            {[]time.Duration{time.Hour, time.Hour}, nil, 6, []int64{1, 0}, true},
		"two are needed":         {[]time.Duration{time.Hour, time.Hour}, nil, 7, []int64{1, 1}, true},
		"all of them":            {[]time.Duration{time.Hour, time.Hour}, nil, 10, []int64{1, 1}, true},
		"not even all":           {[]time.Duration{time.Hour, time.Hour}, nil, 11, []int64{0, 0}, false},
		"one began just now":     {[]time.Duration{0, time.Hour}, nil, 3, []int64{0, 1}, true},
		"at the end of its wait": {[]time.Duration{minAge, 0}, nil, 3, []int64{1, 0}, true},
		"a moment before":        {[]time.Duration{minAge - 1, 0}, nil, 3, []int64{0, 0}, false},
		"one is already dropped": {[]time.Duration{time.Hour, time.Hour}, []bool{true, false}, 3, []int64{0, 0}, true},
		"and another is needed":  {[]time.Duration{time.Hour, time.Hour}, []bool{true, false}, 7, []int64{0, 1}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPool(10)
				var all []*incoming
				var stopped []*atomic.Int64
				for i, age := range c.ages {
					b, n := heldBody(t, p, 4, age)
					b.lost = c.gone != nil && c.gone[i]
					all, stopped = append(all, b), append(stopped, n)
				}
				began := time.Now()
				fresh := &incoming{began: time.Now()}
				go func() { // those that were stopped give their memory back after a while
					time.Sleep(time.Second)
					for i, b := range all {
						if stopped[i].Load() > 0 || c.gone != nil && c.gone[i] {
							p.give(b, b.held, true)
						}
					}
				}()
				err := p.take(fresh, c.n)
				if (err == nil) != c.room || err != nil && !errors.Is(err, errNoRoom) {
					t.Errorf("%v", err)
				}
				for i := range all {
					if stopped[i].Load() != c.stop[i] || all[i].lost != (c.stop[i] > 0 || c.gone != nil && c.gone[i]) {
						t.Errorf("body %d was stopped %d times, gone %v", i, stopped[i].Load(), all[i].lost)
					}
				}
				if waits := c.room && c.n > 2; (time.Since(began) > 0) != waits {
					t.Errorf("took %s", time.Since(began))
				}
				time.Sleep(2 * time.Second)
				synctest.Wait()
			})
		})
	}
}

// A dropped body that does not end in time leaves no room, and what is given back
// is there for others.
func TestRoomComesInTimeOrNot(t *testing.T) {
	for _, after := range []time.Duration{freeWait - 1, freeWait + 1} {
		synctest.Test(t, func(t *testing.T) {
			p := newPool(10)
			old, _ := heldBody(t, p, 10, time.Hour)
			go func() {
				time.Sleep(after / 2)
				p.give(old, 4, false)
				time.Sleep(after - after/2)
				p.give(old, 6, true)
			}()
			began := time.Now()
			fresh := &incoming{began: began}
			err := p.take(fresh, 8)
			if took := time.Since(began); (err == nil) != (after < freeWait) || took != min(after, freeWait) {
				t.Errorf("given back after %s: %v after %s", after, err, took)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			want := int64(10)
			if after < freeWait {
				want = 2
			}
			if p.free != want || len(p.open) != 1 || p.open[0] != fresh {
				t.Errorf("%d free, %d open", p.free, len(p.open))
			}
			if err := p.take(fresh, 1); err != nil || len(p.open) != 1 {
				t.Errorf("more for the same: %v, %d open", err, len(p.open))
			}
		})
	}
}

// A body that grows is not dropped to make room for itself: it holds its memory until its bytes
// are copied.
func TestNoBodyIsDroppedForItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(10)
		b, stopped := heldBody(t, p, 4, time.Hour)
		other, _ := heldBody(t, p, 6, 0)
		if err := p.take(b, 4); !errors.Is(err, errNoRoom) || b.lost || stopped.Load() != 0 {
			t.Errorf("%v, dropped %v, stopped %d times", err, b.lost, stopped.Load())
		}
		if other.lost {
			t.Error("the one that began just now is dropped")
		}
	})
}

// A body grows from a small buffer by doubling, up to what was announced, in the memory for
// its size, and gives back what it held.
func TestBodiesGrow(t *testing.T) {
	h := &webhook{small: newPool(smallMemory), large: newPool(largeMemory)}
	b := &incoming{began: time.Now()}
	var buf []byte
	for _, want := range []int64{firstBuffer, 2 * firstBuffer, 4 * firstBuffer, 5 * firstBuffer, 5*firstBuffer + 1} {
		grown, err := h.grow(b, append(buf, 'x'), 5*firstBuffer)
		if err != nil || int64(cap(grown)) != want || len(grown) != len(buf)+1 || h.small.free != smallMemory-want {
			t.Fatalf("cap %d, want %d, len %d, %d free, %v", cap(grown), want, len(grown), h.small.free, err)
		}
		buf = grown[:cap(grown)-1]
	}
	if _, err := h.grow(b, make([]byte, maxSmall), maxDelivery); err != nil || b.pool != h.large ||
		h.small.free != smallMemory || len(h.small.open) != 0 || h.large.free != largeMemory-2*maxSmall {
		t.Errorf("a large one: %d and %d free, %d open, %v", h.small.free, h.large.free, len(h.small.open), err)
	}
	edge := &incoming{began: time.Now()}
	if _, err := h.grow(edge, make([]byte, maxSmall/2), maxDelivery); err != nil || edge.pool != h.small {
		t.Errorf("the largest small one is not small: %v", err)
	}
	h.done(b)
	h.done(edge)
	h.done(&incoming{})
	if h.small.free != smallMemory || h.large.free != largeMemory || len(h.small.open)+len(h.large.open) != 0 {
		t.Errorf("%d and %d free", h.small.free, h.large.free)
	}
	h.small.free = 0
	if _, err := h.grow(&incoming{began: time.Now()}, nil, 10); !errors.Is(err, errNoRoom) {
		t.Errorf("without room: %v", err)
	}
}

// What is read is all that was announced, or all that came, up to GitHub's bound.
func TestBodiesAreWhole(t *testing.T) {
	for name, c := range map[string]struct {
		text     string
		announce int64
		want     error
	}{
		"as announced":  {"hello", 5, nil},
		"nothing":       {"", 0, nil},
		"not announced": {"hello", -1, nil},
		"too short":     {"hell", 5, io.ErrUnexpectedEOF},
		"none of it":    {"", 5, io.ErrUnexpectedEOF},
		"too long":      {"hello!", 5, io.ErrUnexpectedEOF},
		"one too many":  {"x", 0, io.ErrUnexpectedEOF},
		"too large":     {strings.Repeat("x", maxDelivery+1), -1, &http.MaxBytesError{Limit: maxDelivery}},
		"just not":      {strings.Repeat("x", maxDelivery), -1, nil},
	} {
		h := &webhook{small: newPool(smallMemory), large: newPool(largeMemory)}
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(c.text))
		r.ContentLength = c.announce
		b := &incoming{}
		got, err := h.read(httptest.NewRecorder(), r, b)
		var tooLarge *http.MaxBytesError
		if c.want == nil && (err != nil || string(got) != c.text) || c.want != nil && !errors.Is(err, c.want) &&
			!(errors.As(err, &tooLarge) && errors.As(c.want, &tooLarge)) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if c.want == nil && c.announce >= 0 && int64(cap(got)) != c.announce+1 {
			t.Errorf("%s: %d bytes of memory for %d announced ones", name, cap(got), c.announce)
		}
		h.done(b)
	}
}

// deadlines notes until when a connection may be read.
type deadlines struct {
	http.ResponseWriter
	until []time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error { d.until = append(d.until, t); return nil }

// The more has come, the more time there is, up to the longest; and a body that is dropped or too
// slow hears which.
func TestBodiesKeepAPace(t *testing.T) {
	h := &webhook{}
	b := &incoming{began: time.Now(), pool: newPool(1)}
	d := &deadlines{}
	for _, have := range []int{0, minRate, 100 * minRate} {
		if err := h.await(http.NewResponseController(d), b, have); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []time.Duration{slowStart, slowStart + time.Second, readTimeout} {
		if got := d.until[i].Sub(b.began); got != want {
			t.Errorf("deadline %d: %s, want %s", i, got, want)
		}
	}
	if err := h.late(b); !errors.Is(err, errSlow) {
		t.Error(err)
	}
	b.lost = true
	if err := h.late(b); !errors.Is(err, errNoRoom) {
		t.Error(err)
	}
	if err := h.await(http.NewResponseController(d), b, 0); !errors.Is(err, errNoRoom) || len(d.until) != 3 {
		t.Errorf("after it was dropped: %v, %d deadlines", err, len(d.until))
	}
}
