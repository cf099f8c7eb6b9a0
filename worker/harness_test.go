package worker_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/tfpilot/tfpilot/internal/bootstrap"
	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/rbac"
	hubsim "github.com/tfpilot/tfpilot/internal/sim/github"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/testing/bucket"
	"github.com/tfpilot/tfpilot/internal/testing/inprocess"
	"github.com/tfpilot/tfpilot/internal/web"
	"github.com/tfpilot/tfpilot/templates"
	"github.com/tfpilot/tfpilot/worker"
)

const (
	team       = "T0ACME0001"
	repoName   = "acme/infra-core"
	bot        = "tfpilot[bot]"
	hookSecret = "hook-secret"
)

var hintKey = []byte("a key that only the endpoint and the workers know")

// people of the tests: GitHub id and Slack user by login.
var people = map[string]struct {
	id    int64
	slack string
}{
	"dana": {1001, "U0DANA0001"}, "ana": {1002, "U0ANA00002"}, "omar": {1003, "U0OMAR0003"},
	"adam": {1004, "U0ADAM0004"}, "vic": {1005, "U0VIC00005"},
}

// What every harness shares is made once, outside of any bubble.
var (
	appKey = sync.OnceValue(func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		return key
	})
	builtin = sync.OnceValue(func() *catalog.Catalog {
		c, err := catalog.Builtin()
		if err != nil {
			panic(err)
		}
		return c
	})
	tree = sync.OnceValue(func() map[string][]byte {
		files, err := bootstrap.Render(bootstrap.Project{
			Name: "core", Repo: repoName, RequestsBucket: bucket.Requests, Region: bucket.Region,
			Backend:      bootstrap.Backend{Bucket: bucket.States, UseLockfile: true},
			Environments: []bootstrap.Environment{{Key: "dev", Slug: "app"}, {Key: "prod", Slug: "app"}},
			Release: bootstrap.Release{Version: "0.1.0",
				Checksums: map[string]string{"tfpilot-ci_0.1.0_Linux_X64": "0000000000000000000000000000000000000000000000000000000000000000"}},
			Terraform: "1.11.4", Modules: []string{"s3-bucket"},
			Runs: bootstrap.Runs{PlanRole: "arn:aws:iam::000000000000:role/plan",
				ApplyRole: "arn:aws:iam::000000000000:role/apply"},
		}, templates.FS)
		if err != nil {
			panic(err)
		}
		return files
	})
)

func defaultPolicy() rbac.Policy {
	return rbac.Policy{
		Admins: []string{"adam"}, Approvers: []string{"ana", "omar"}, Viewers: []string{"vic"},
		ProdAllowed: []string{"omar", "adam"}, DestroyProdAllowed: []string{"adam"},
	}
}

func structure() config.Structure {
	env := func(key string) config.Environment {
		return config.Environment{Project: "core", Key: key, Slug: "app", Channel: "C0INFRADEV", Protected: key == "prod",
			Apply: "approvers", Destroy: "admins"}
	}
	return config.Structure{
		Projects: []config.Project{{Name: "core", Title: "Core", Owner: "acme", Repo: "infra-core", Base: "main",
			Environments: []config.Environment{env("dev"), env("prod")}}},
		Worker: config.WorkerSettings{Concurrency: 4, Sweep: time.Minute, SyncQuick: 15 * time.Second,
			SyncSlow: 5 * time.Minute},
	}
}

// structure is the structure with the settings of this harness.
func (w *harness) structure() config.Structure {
	s := structure()
	for i := range s.Projects[0].Environments {
		s.Projects[0].Environments[i].Approvals.Patience = w.patient
	}
	return s
}

// harness runs workers with simulators of everything around them, in virtual time: no socket, no
// process, no file.
type harness struct {
	t         testing.TB
	github    *hubsim.Server
	bucket    *s3.Server
	redis     *miniredis.Miniredis
	deadRedis *miniredis.Miniredis // what killed processes are connected to
	gate      *gate
	ledger    *ledger
	policy    rbac.Policy
	patient   lifecycle.Patience // of each environment
	owes      func(lifecycle.Request) bool
	log       *journal
	cache     store.Cache   // nil: in Redis
	poll      time.Duration // how often workers poll the queue; each poll costs the tests more than the work

	store    *store.Store // as the surfaces use it: not through the gate
	notifier *queue.Notifier
	links    []*queue.Redis

	mu    sync.Mutex
	procs []*process
	cards map[string]int
	wait  background // restarts that are under way
}

// setup changes what a harness starts from.
type setup struct {
	workers int
	policy  rbac.Policy
	poll    time.Duration // 3 s when zero
	github  func(*hubsim.Config)
	cache   store.Cache // of documents; nil: in Redis
	plan    []fault     // to strike, see gate
	patient lifecycle.Patience
	owes    func(lifecycle.Request) bool // a message; nil: none ever is
	disturb func(*harness)               // runs during the story
}

// withHarness runs a story with a harness of its own.
func withHarness(t *testing.T, s setup, story func(*harness)) {
	t.Helper()
	key, files := appKey(), tree()
	builtin()
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t, s)
		defer w.stop()
		w.simulators(key, files, s)
		for range max(1, s.workers) {
			w.startWorker()
		}
		if s.disturb != nil {
			w.wait.Go(func() { s.disturb(w) })
		}
		story(w)
	})
}

func newHarness(t testing.TB, s setup) *harness {
	w := &harness{t: t, ledger: newLedger(), policy: s.policy, patient: s.patient, owes: s.owes, log: &journal{}, cache: s.cache,
		poll: cmp.Or(s.poll, 3*time.Second), cards: map[string]int{}}
	if len(w.policy.Admins) == 0 {
		w.policy = defaultPolicy()
	}
	w.gate = &gate{w: w, plan: s.plan, seen: map[string]int{}}
	return w
}

func (w *harness) simulators(key *rsa.PrivateKey, files map[string][]byte, s setup) {
	var err error
	w.bucket = bucket.New(w.t, "core")
	w.ledger.w = w
	w.redis = miniredis.NewMiniRedis()
	w.redis.ClockTTL(true)
	w.deadRedis = miniredis.NewMiniRedis()
	redis := w.redisLink(nil)
	w.notifier, w.store = queue.NewNotifier(redis, slog.New(slog.DiscardHandler)), w.cachedStore(inprocess.To(w.bucket),
		redis)
	cfg := hubsim.Config{
		BaseURL: "http://github.test",
		App: hubsim.App{ID: 77, Slug: "tfpilot", Name: "TfPilot", BotID: 9001, InstallationID: 2, Owner: "acme",
			PublicKey: &key.PublicKey},
		Repos: []hubsim.Repo{{
			Owner: "acme", Name: "infra-core", Files: maps.Clone(files),
			Roles: map[string]string{"dana": "write", "ana": "write", "omar": "write", "adam": "admin"},
		}},
		Runner: w.runner(), MaxJobs: 4, QueueDelay: time.Second, ListLag: 5 * time.Second,
		WebhookURL: "http://tfpilot.test/api/github/webhook", WebhookSecret: hookSecret,
		Transport: hubsim.Transport(w.endpoint()),
	}
	for login, p := range people {
		cfg.Users = append(cfg.Users, hubsim.User{Login: login, ID: p.id, Token: "ghp_" + login})
		w.must(w.store.PutIdentity(context.Background(), lifecycle.Identity{SlackTeam: team, SlackUser: p.slack,
			Login: login, GithubID: p.id}))
	}
	if s.github != nil {
		s.github(&cfg)
	}
	w.github, err = hubsim.New(cfg)
	w.must(err)
}

// endpoint is the app's: verify, seal, enqueue, answer.
func (w *harness) endpoint() http.Handler {
	verify := web.Verifier(hookSecret, []string{repoName}, nil)
	return web.Handler(web.Options{
		Log: slog.New(slog.DiscardHandler), Enqueue: func(ctx context.Context, id string, hint []byte) error {
			return w.notifier.Webhook(ctx, id, hint)
		},
		Verify: func(h http.Header, body []byte) (string, []byte, error) {
			id, hint, err := verify(h, body)
			if err != nil {
				return "", nil, err
			}
			return id, worker.SealHint(hintKey, hint), nil
		},
	})
}

// stop ends everything that lives in the bubble.
func (w *harness) stop() {
	if w.t.Failed() {
		w.t.Log(w.log.String())
	}
	w.gate.over.Store(true)
	for _, p := range w.running() {
		p.end()
	}
	w.wait.Wait()
	w.gate.late.Wait()
	for _, p := range w.running() {
		p.end()
	}
	w.mu.Lock()
	procs, links := w.procs, w.links
	w.mu.Unlock()
	for _, p := range procs {
		<-p.done
	}
	if w.github != nil {
		if err := w.github.Close(context.Background()); err != nil {
			w.t.Error(err)
		}
	}
	for _, l := range links {
		_ = l.Close()
	}
	w.redis.Close()
	w.deadRedis.Close()
	time.Sleep(time.Minute) // what still waits gives up
}

// background counts what runs during the story. A sync.WaitGroup may not grow from zero while a
// goroutine waits for it, and a fault may strike while the harness ends.
type background struct{ n atomic.Int64 }

func (b *background) Go(do func()) {
	b.n.Add(1)
	go func() {
		defer b.n.Add(-1)
		do()
	}()
}

func (b *background) Wait() {
	for b.n.Load() > 0 {
		time.Sleep(time.Second)
	}
}

func (w *harness) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// redisLink opens Redis without a socket; a killed process no longer reaches
// it.
func (w *harness) redisLink(p *process) *queue.Redis {
	r, err := queue.Open("redis://redis:6379/0", func(context.Context, string, string) (net.Conn, error) {
		if p == nil {
			return w.redis.Dial()
		}
		return p.dial()
	})
	w.must(err)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.links = append(w.links, r)
	return r
}

func (w *harness) storeAs(principal string, tr http.RoundTripper) *store.Store {
	return bucket.Open(w.t, principal, tr, nil)
}

// cachedStore is the store as app and workers use it, with the cache that they share.
func (w *harness) cachedStore(tr http.RoundTripper, redis *queue.Redis) *store.Store {
	cache := w.cache
	if cache == nil {
		cache = queue.NewCache(redis, hintKey)
	}
	return bucket.Open(w.t, bucket.App, tr, cache)
}

func appPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(appKey())})
}
