package web

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener of connections in this process.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.conns <- server
	return client
}

// announce begins a delivery of size bytes, sends some of them, and no more. What the
// server answers comes out of the channel, with the time that it took.
func (p *pipes) announce(size, sent int) <-chan answered {
	conn := p.dial()
	out := make(chan answered, 1)
	began := time.Now()
	go func() {
		defer conn.Close()
		go func() {
			_, _ = fmt.Fprintf(conn, "POST /api/github/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", size,
				strings.Repeat("x", sent))
		}()
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		a := answered{took: time.Since(began), err: err}
		if err == nil {
			a.status = resp.StatusCode
		}
		out <- a
	}()
	return out
}

type answered struct {
	status int
	took   time.Duration
	err    error
}

// signed sends a whole delivery of GitHub's.
func (p *pipes) signed(pad int) answered {
	conn := p.dial()
	defer conn.Close()
	began := time.Now()
	r := delivery("pull_request", pullRequest("acme/infra-core", pad))
	go func() { _ = r.Write(conn) }()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return answered{took: time.Since(began), err: err}
	}
	return answered{status: resp.StatusCode, took: time.Since(began)}
}

func serving(t *testing.T, story func(p *pipes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- Serve(ctx, p, app(&box{}), quiet()) }()
		story(p)
		cancel()
		<-ended
	})
}

// Deliveries that announce much and send nothing take no memory, and end soon.
func TestAnnouncedBytesTakeNoMemory(t *testing.T) {
	serving(t, func(p *pipes) {
		var all []<-chan answered
		for range 300 {
			all = append(all, p.announce(maxSmall, 0))
		}
		synctest.Wait()
		for range 20 {
			if a := p.signed(50 << 10); a.status != http.StatusAccepted || a.took > time.Second {
				t.Fatalf("a signed delivery beside them: %+v", a)
			}
		}
		for _, ch := range all {
			if a := <-ch; a.status != http.StatusRequestTimeout || a.took > slowStart+time.Second {
				t.Fatalf("one that sends nothing: %+v", a)
			}
		}
	})
}

// Deliveries that fill the memory and do not end make room for signed ones.
func TestUnfinishedDeliveriesAreDropped(t *testing.T) {
	for name, size := range map[string]int{"small": maxSmall, "large": maxDelivery} {
		t.Run(name, func(t *testing.T) {
			serving(t, func(p *pipes) {
				var all []<-chan answered
				for range 70 {
					all = append(all, p.announce(size, size/2))
				}
				time.Sleep(2 * time.Second)
				synctest.Wait()
				for _, pad := range []int{1, 50 << 10, maxSmall - 1000, 3 << 20} {
					if a := p.signed(pad); a.status != http.StatusAccepted || a.took > 5*time.Second {
						t.Errorf("a signed delivery of %d bytes: %+v", pad, a)
					}
				}
				for _, ch := range all {
					if a := <-ch; a.err == nil && a.status != http.StatusServiceUnavailable && a.status != http.StatusRequestTimeout {
						t.Fatalf("one that does not end: %+v", a)
					}
				}
			})
		})
	}
}

// One byte now and then keeps no memory either.
func TestDrippingDeliveryEnds(t *testing.T) {
	serving(t, func(p *pipes) {
		conn := p.dial()
		began, over := time.Now(), make(chan struct{})
		go func() {
			defer close(over)
			_, err := fmt.Fprintf(conn, "POST /api/github/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", maxSmall)
			for err == nil {
				time.Sleep(time.Second)
				_, err = conn.Write([]byte("x"))
			}
		}()
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != http.StatusRequestTimeout || time.Since(began) > slowStart+2*time.Second {
			t.Errorf("%v, %v after %s", resp, err, time.Since(began))
		}
		_ = conn.Close()
		<-over
	})
}

// All memory is given back, however a delivery ended.
func TestMemoryIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &webhook{log: quiet(), large: newPool(largeMemory), small: newPool(smallMemory), enqueue: (&box{}).enqueue,
			verify: Verifier(testSecret, []string{"acme/infra-core"}, nil)}
		p := newPipes()
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- Serve(ctx, p, h, quiet()) }()
		var all []<-chan answered
		for i := range 60 {
			all = append(all, p.announce(1<<(i%26), 1<<(i%25)))
		}
		p.signed(3 << 20)
		for _, ch := range all {
			<-ch
		}
		cancel()
		<-ended
		synctest.Wait()
		if h.small.free != smallMemory || h.large.free != largeMemory || len(h.small.open)+len(h.large.open) != 0 {
			t.Errorf("small %d, large %d, %d open", h.small.free, h.large.free, len(h.small.open)+len(h.large.open))
		}
	})
}
