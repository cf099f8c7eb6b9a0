// Package inprocess owns the way of an HTTP request to a handler without a socket, so that simulators
// answer inside a testing/synctest bubble. It is only for tests.
package inprocess

import (
	"io"
	"net/http"
	"net/http/httptest"
)

// To returns a transport that passes each request directly to a handler. A handler that aborts is a
// connection that broke; a request whose context has ended gets no answer.
func To(h http.Handler) http.RoundTripper { return transport{h} }

type transport struct{ handler http.Handler }

func (t transport) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	defer func() {
		if e := recover(); e != nil {
			if e != http.ErrAbortHandler {
				panic(e)
			}
			resp, err = nil, io.ErrUnexpectedEOF
		}
	}()
	rec := httptest.NewRecorder()
	t.handler.ServeHTTP(rec, r)
	return rec.Result(), r.Context().Err()
}
