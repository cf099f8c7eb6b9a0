package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/testing/bucket"
	"github.com/tfpilot/tfpilot/internal/testing/inprocess"
)

// desk is where an operator types commands: bucket and Redis are simulated, dana
// (developer), vic (viewer) and adam (admin) are linked, zoe is not.
type desk struct {
	t     *testing.T
	store *store.Store
	index *queue.Index
	redis *miniredis.Miniredis

	bucket *s3.Server
}

const deskYAML = `projects:
  - name: core
    owner: acme
    repo: infra-core
    environments:
      - {key: dev, slug: app, channel: C0INFRADEV, backend: {bucket: ` + bucket.States + `}}
`

func newDesk(t *testing.T) *desk {
	t.Helper()
	config := filepath.Join(t.TempDir(), "tfpilot.yaml")
	if err := os.WriteFile(config, []byte(deskYAML), 0o600); err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, redis: miniredis.RunT(t), bucket: bucket.New(t, "core")}
	address := d.serve(d.bucket)
	d.set(map[string]string{
		"TFPILOT_CONFIG": config, "TFPILOT_REQUESTS_BUCKET": bucket.Requests, "AWS_REGION": bucket.Region, "AWS_ENDPOINT_URL_S3": address,
		"AWS_ACCESS_KEY_ID": bucket.App, "AWS_SECRET_ACCESS_KEY": bucket.Secret(bucket.App), "REDIS_URL": "redis://" + d.redis.Addr(),
		"TFPILOT_ADMINS": "adam", "TFPILOT_VIEWERS": "vic",
	})
	d.store = d.as(bucket.App)
	redis, err := queue.Open("redis://"+d.redis.Addr(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = redis.Close() })
	d.index = queue.NewIndex(redis)
	for login, id := range map[string]int64{"dana": 1001, "vic": 1005, "adam": 1004} {
		who := lifecycle.Identity{SlackTeam: "T0ACME0001", SlackUser: "U0" + strings.ToUpper(login), Login: login, GithubID: id}
		if err := d.store.PutIdentity(t.Context(), who); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// as opens the store as one of the identities.
func (d *desk) as(identity string) *store.Store {
	d.t.Helper()
	return bucket.Open(d.t, identity, inprocess.To(d.bucket), nil)
}

// serve gives a simulator an address of its own.
func (d *desk) serve(h http.Handler) string {
	server := httptest.NewServer(h)
	d.t.Cleanup(server.Close)
	return server.URL
}

func (d *desk) set(env map[string]string) {
	for name, value := range env {
		d.t.Setenv(name, value)
	}
}

// says runs a command and looks for a word in what it prints.
func (d *desk) says(code int, word string, args ...string) (out string) {
	d.t.Helper()
	got, out, errs := call(d.t, "", args...)
	if got != code || !strings.Contains(out+errs, word) {
		d.t.Errorf("%v: exit %d, want %d and %q\nout: %.2000s\nerr: %.2000s", args, got, code, word, out, errs)
	}
	return out
}

// opened opens a request as dana and gives its id.
func (d *desk) opened() string {
	d.t.Helper()
	out := d.says(cli.Done, "req_", "requests", "open", "s3-bucket", "--project", "core", "--env", "dev/app", "--as", "dana", "--reason", "for the test", "name=acme-desk")
	_, rest, _ := strings.Cut(out, "\nID: ")
	id, _, _ := strings.Cut(rest, "\n")
	return id
}

// writeFile writes a file and the directories that it is in.
func writeFile(path string, content []byte) error {
	return errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o600))
}
