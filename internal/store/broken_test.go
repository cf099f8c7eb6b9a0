package store

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"testing/iotest"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/testing/inprocess"
)

// brokenBodies lets the bodies of the next answers to reads break off.
type brokenBodies struct {
	next http.RoundTripper
	left int
}

func (b *brokenBodies) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err == nil && r.Method == http.MethodGet && b.left > 0 {
		b.left--
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader([]byte("{")), iotest.ErrReader(io.ErrUnexpectedEOF)))
	}
	return resp, err
}

// An answer that breaks off says nothing, like one that never came: the call is repeated.
func TestAnswerBreaksOff(t *testing.T) {
	srv := newBucket(t)
	if mine, _, err := openAs(t, srv, "run-plan-core").PutClaim(t.Context(), testProject, testCID,
		lifecycle.Claim{RunID: 7}); err != nil || !mine {
		t.Fatal(mine, err)
	}
	breaking := &brokenBodies{next: inprocess.To(srv), left: 2}
	s, err := Open(t.Context(), Config{
		Bucket: requestsBucket, Region: "eu-central-1", Endpoint: "http://s3.test",
		AccessKey: "run-plan-core", Secret: "secret-of-run-plan-core", HTTPClient: &http.Client{Transport: breaking},
	})
	if err != nil {
		t.Fatal(err)
	}
	mine, stored, err := s.PutClaim(t.Context(), testProject, testCID, lifecycle.Claim{RunID: 8})
	if err != nil || mine || stored.RunID != 7 || breaking.left != 0 {
		t.Errorf("mine %v, stored %d, %d left, %v", mine, stored.RunID, breaking.left, err)
	}
}
