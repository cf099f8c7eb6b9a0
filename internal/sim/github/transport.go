package github

import (
	"io"
	"net/http"
	"net/http/httptest"
)

// Transport passes requests to a handler without a socket, for tests in virtual time. A handler that
// aborts looks like a connection that closed without an answer. A caller that gives up gets the error
// of its context at once.
func Transport(h http.Handler) http.RoundTripper { return transport{h} }

type transport struct{ handler http.Handler }

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	in := req.Clone(req.Context())
	in.RequestURI = req.URL.RequestURI()
	if in.Host == "" {
		in.Host = req.URL.Host
	}
	in.RemoteAddr = "127.0.0.1:1"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	type outcome struct {
		rec     *httptest.ResponseRecorder
		aborted bool
	}
	done := make(chan outcome, 1)
	go func() {
		o := outcome{rec: httptest.NewRecorder(), aborted: true}
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				panic(p)
			}
			done <- o
		}()
		t.handler.ServeHTTP(o.rec, in)
		o.aborted = false
	}()
	select {
	case o := <-done:
		if o.aborted {
			return nil, io.ErrUnexpectedEOF
		}
		resp := o.rec.Result()
		resp.Request = req
		return resp, nil
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
}
