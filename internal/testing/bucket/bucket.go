// Package bucket owns the S3 server of the tests: a simulator that holds the bucket of requests and the
// bucket of states, and gives each of TfPilot's identities the very rights that manifests/iam gives it.
// It is only for tests. The tests of internal/store cannot import it, since it opens stores.
package bucket

import (
	"net/http"
	"testing"

	"github.com/tfpilot/tfpilot/internal/sim/s3"
	"github.com/tfpilot/tfpilot/internal/store"
)

// What the server holds, and the identity of the app and its workers.
const (
	Requests = "tfpilot-requests"
	States   = "tfpilot-terraform-state"
	Region   = "eu-central-1"
	App      = "app"
)

// New starts a server for some projects.
func New(t testing.TB, projects ...string) *s3.Server {
	t.Helper()
	server, err := s3.New(s3.Config{Region: Region, Buckets: []string{Requests, States}, Principals: principals(projects)})
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// Secret is the secret key of an identity. Its access key is its name.
func Secret(identity string) string { return "secret-of-" + identity }

// principals are the shipped policies as rules of the simulator.
func principals(projects []string) []s3.Principal {
	names := map[string]string{store.BucketRequests: Requests, store.BucketState: States}
	var all []s3.Principal
	for _, p := range store.Policies(projects...) {
		identity := s3.Principal{Name: p.Name, AccessKey: p.Name, Secret: Secret(p.Name)}
		for _, r := range p.Rules {
			identity.Allow = append(identity.Allow, s3.Rule{
				Actions: r.Actions, Bucket: names[r.Bucket], Prefixes: r.Prefixes, Suffix: r.Suffix,
				Conditional: r.Conditional, CreateOnly: r.CreateOnly,
			})
		}
		all = append(all, identity)
	}
	return all
}

// Config is the store of the requests as one identity sees it, at an address.
func Config(identity, endpoint string) store.Config {
	return store.Config{Bucket: Requests, Region: Region, Endpoint: endpoint, AccessKey: identity, Secret: Secret(identity)}
}

// Open opens the store of the requests through a transport, as one identity. The cache may be nil.
func Open(t testing.TB, identity string, through http.RoundTripper, cache store.Cache) *store.Store {
	t.Helper()
	config := Config(identity, "http://s3.test")
	config.HTTPClient, config.Cache = &http.Client{Transport: through}, cache
	s, err := store.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
