package store

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
	"github.com/tfpilot/tfpilot/internal/testing/inprocess"
)

const (
	requestsBucket = "tfpilot-requests"
	stateBucket    = "tfpilot-terraform-state"
	testID         = "req_0123456789abc"
	testProject    = "core"
)

var testCID = "apply-" + strings.Repeat("0a", 16)

// principals are the shipped policies as rules of the simulator.
func principals() []s3.Principal {
	var all []s3.Principal
	for _, p := range Policies(testProject, "other") {
		sp := s3.Principal{Name: p.Name, AccessKey: p.Name, Secret: "secret-of-" + p.Name}
		for _, r := range p.Rules {
			bucket := requestsBucket
			if r.Bucket == BucketState {
				bucket = stateBucket
			}
			sp.Allow = append(sp.Allow, s3.Rule{
				Actions: r.Actions, Bucket: bucket, Prefixes: r.Prefixes, Suffix: r.Suffix,
				Conditional: r.Conditional, CreateOnly: r.CreateOnly,
			})
		}
		all = append(all, sp)
	}
	return all
}

func newBucket(t testing.TB) *s3.Server {
	t.Helper()
	srv, err := s3.New(s3.Config{Buckets: []string{requestsBucket, stateBucket}, Principals: principals()})
	if err != nil {
		t.Fatal(err)
	}
	return srv
}

func openAs(t testing.TB, h http.Handler, principal string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{
		Bucket: requestsBucket, Region: "eu-central-1", Endpoint: "http://s3.test",
		AccessKey: principal, Secret: "secret-of-" + principal,
		HTTPClient: &http.Client{Transport: inprocess.To(h)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newRequest(id string) lifecycle.Request {
	return lifecycle.New(lifecycle.NewRequest{
		ID: id, Title: "s3-bucket builds in dev/app", Requester: lifecycle.Person{Login: "dana", GithubID: 1001},
		Project: "core", Environment: lifecycle.Environment{Key: "dev", Slug: "app"}, Module: "s3-bucket",
		Config: map[string]any{"name": "builds"},
	}, lifecycle.Actor{Login: "dana", Source: "slack"}, time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC))
}

func mustCreate(t testing.TB, s *Store, id string) Doc {
	t.Helper()
	doc, err := s.Create(t.Context(), newRequest(id))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// message adds one Slack message, once; the kind of fact that many writers add.
func message(ts string) lifecycle.Patch {
	return func(r lifecycle.Request) (lifecycle.Request, error) {
		for _, m := range r.Slack.Messages {
			if m.TS == ts {
				return r, nil
			}
		}
		r.Slack.Messages = append(r.Slack.Messages, lifecycle.Message{Role: lifecycle.RoleThread, Channel: "C1", TS: ts})
		return r, nil
	}
}

var worker = lifecycle.System("worker")

func calls(srv *s3.Server, verb string) int {
	n := 0
	for _, c := range srv.Counts() {
		if c.Verb == verb {
			n += c.Calls
		}
	}
	return n
}

func inject(t *testing.T, srv *s3.Server, f s3.Fault) {
	t.Helper()
	if err := srv.Inject(f); err != nil {
		t.Fatal(err)
	}
}

// rawPut writes behind the store's back.
func rawPut(t *testing.T, s *Store, key string, data []byte) string {
	t.Helper()
	if err := s.overwrite(context.Background(), key, data, maxDocument); err != nil {
		t.Fatal(err)
	}
	o, err := s.get(context.Background(), key, maxDocument)
	if err != nil {
		t.Fatal(err)
	}
	return o.etag
}
