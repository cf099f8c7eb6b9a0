package store

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// lateWrites lets the next hold writes arrive only after their client gave up and
// the client's next request has begun.
type lateWrites struct {
	next http.Handler

	mu     sync.Mutex
	hold   int
	queued []*http.Request
}

func (l *lateWrites) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	if r.Method == http.MethodPut && l.hold > 0 {
		l.hold--
		body, _ := io.ReadAll(r.Body)
		held := r.Clone(context.Background())
		held.Body = io.NopCloser(bytes.NewReader(body))
		l.queued = append(l.queued, held)
		l.mu.Unlock()
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
	var arrive []*http.Request
	if r.Method == http.MethodPut { // just before the second try
		arrive, l.queued = l.queued, nil
	}
	l.mu.Unlock()
	for _, held := range arrive {
		l.next.ServeHTTP(httptest.NewRecorder(), held)
		time.Sleep(time.Millisecond)
	}
	l.next.ServeHTTP(w, r)
}
