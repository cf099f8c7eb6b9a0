package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/intake"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/web"
	"github.com/tfpilot/tfpilot/slackapp"
	"github.com/tfpilot/tfpilot/worker"
)

// parts is what the processes are put together from.
type parts struct {
	cfg      *config.Config
	log      *slog.Logger
	store    *store.Store
	redis    *queue.Redis
	notifier *queue.Notifier
	index    *queue.Index
	catalog  *catalog.Catalog
}

// credentials are S3 credentials from outside the AWS SDK's own chain.
type credentials struct{ accessKey, secret string }

// assemble opens what a long-running process needs. It checks that the bucket enforces
// conditional writes before anything is written.
func assemble(ctx context.Context, cfg *config.Config, cred credentials, log *slog.Logger) (*parts, error) {
	p, err := open(ctx, cfg, cred, log)
	if err != nil {
		return nil, err
	}
	if err := p.probe(ctx); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// probe asks the bucket whether it keeps its promises.
func (p *parts) probe(ctx context.Context) error {
	if err := p.store.Probe(ctx); err != nil {
		return fmt.Errorf(
			"bucket %s: %w; check TFPILOT_REQUESTS_BUCKET, AWS_REGION, the AWS credentials and the rights of manifests/iam/app.json",
			p.cfg.Store.Bucket,
			err,
		)
	}
	return nil
}

// open opens the parts and asks none of them.
func open(ctx context.Context, cfg *config.Config, cred credentials, log *slog.Logger) (*parts, error) {
	p := &parts{cfg: cfg, log: log}
	for _, w := range cfg.Warnings {
		log.Warn(w)
	}
	var err error
	if p.catalog, err = loadCatalog(cfg.Catalog); err != nil {
		return nil, err
	}
	if p.redis, err = queue.Open(cfg.Redis.URL.Reveal(), nil); err != nil {
		return nil, err
	}
	p.store, err = store.Open(ctx, store.Config{
		Bucket: cfg.Store.Bucket, Region: cfg.Store.Region, Endpoint: cfg.Store.Endpoint,
		AccessKey: cred.accessKey, Secret: cred.secret, Cache: p.cache(),
	})
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	p.notifier, p.index = queue.NewNotifier(p.redis, log), queue.NewIndex(p.redis)
	return p, nil
}

func loadCatalog(c config.Catalog) (*catalog.Catalog, error) {
	if c.Dir == "" {
		return catalog.Builtin()
	}
	from := []fs.FS{os.DirFS(c.Dir)}
	if !c.Replace {
		from = slices.Insert(from, 0, catalog.BuiltinFS())
	}
	loaded, err := catalog.Load(from...)
	return loaded, withHint(
		err,
		"fix the directory of catalog.dir, "+c.Dir+", or remove catalog.dir from tfpilot.yaml",
	)
}

func (p *parts) close() error { return p.redis.Close() }

// github opens GitHub; it makes no call, so that a worker starts without it.
func (p *parts) github() (*github.Client, error) { return p.githubWithin(nil) }

// githubWithin opens GitHub for calls that keep to a budget.
func (p *parts) githubWithin(b github.Budget) (*github.Client, error) {
	g := p.cfg.GitHub
	return github.New(github.Config{
		AppID: g.AppID, InstallationID: g.InstallationID, PrivateKey: []byte(g.PrivateKey.Reveal()),
		Token: g.Token.Reveal(), APIURL: g.APIURL, Budget: b,
	})
}

// cache shares documents between the processes through Redis, under a key that they derive
// from the webhook's secret. Without that secret there is none.
func (p *parts) cache() store.Cache {
	secret := p.cfg.GitHub.WebhookSecret
	if !secret.Set() {
		return nil
	}
	key := sha256.Sum256([]byte("tfpilot document cache key\n" + secret.Reveal()))
	return queue.NewCache(p.redis, key[:])
}

// hintKey seals webhook hints between the endpoint and the workers. Both derive it
// from the webhook's secret, so that there is nothing else to hand out.
func (p *parts) hintKey() []byte {
	sum := sha256.Sum256([]byte("tfpilot hint key\n" + p.cfg.GitHub.WebhookSecret.Reveal()))
	return sum[:]
}

func (p *parts) access() slackapp.Access {
	s := p.cfg.Slack
	return slackapp.Access{BotToken: s.BotToken.Reveal(), AppToken: s.AppToken.Reveal(), APIURL: s.APIURL}
}

func (p *parts) cards() (*slackapp.Cards, error) {
	api, err := slackapp.NewClient(p.access())
	if err != nil {
		return nil, err
	}
	return &slackapp.Cards{
		API: api, Documents: p.store, Notes: queue.NewNotes(p.redis), Policy: p.cfg.Policy(),
		Catalog: p.catalog, Projects: slackapp.Directory(p.cfg.Projects), Log: p.log,
	}, nil
}

// signedIn are the health checks about GitHub: it accepts TfPilot's credentials, and the clocks agree.
func signedIn(githubClient *github.Client) []web.Check {
	return []web.Check{
		{Name: "github", Run: func(context.Context) error {
			if out := githubClient.SignedOut(); out != nil {
				return out
			}
			return nil
		}},
		{Name: "clock", Run: func(context.Context) error {
			if skew, ok := githubClient.Skew(); ok && skew.Abs() > github.MaxSkew {
				return errors.New(github.SkewInWords(skew))
			}
			return nil
		}},
	}
}

// worker assembles a worker: the steps, and the tasks that enqueue them.
func (p *parts) worker() (*worker.Worker, *queue.Server, error) {
	githubClient, err := p.githubWithin(worker.SharedBudget{Budget: queue.NewBudget(p.redis, "github", p.log)})
	if err != nil {
		return nil, nil, err
	}
	cards, err := p.cards()
	if err != nil {
		return nil, nil, err
	}
	w := &worker.Worker{
		Store: p.store, GitHub: githubClient, Notifier: p.notifier, Index: p.index, Turns: queue.NewTurns(p.redis, worker.Starts), Catalog: p.catalog, Structure: p.cfg.Structure,
		Policy: p.cfg.Policy(), HintKey: p.hintKey(), Log: p.log,
		FingerprintSecret: []byte(p.cfg.GitHub.WebhookSecret.Reveal()),
	}
	tasks := w.Handlers()
	tasks.Card = func(ctx context.Context, c queue.Card) error { return cards.Refresh(ctx, c.RequestID) }
	return w, queue.NewServer(p.redis, tasks, p.log, queue.ServerOptions{Concurrency: p.cfg.Worker.Concurrency}), nil
}

// service is the use cases, which all surfaces share.
func (p *parts) service() *request.Service {
	return &request.Service{
		Documents: p.store, People: p.store, Plans: p.store, Index: p.index, Notifier: p.notifier,
		Policy: p.cfg.Policy(), Catalog: p.catalog, Projects: p.cfg.Projects, Log: p.log,
		LinkHelp: "Ask your platform team to link your GitHub account (tfpilot identities link).",
	}
}

// app puts the Slack app together.
func (p *parts) app() (*slackapp.Socket, error) {
	cards, err := p.cards()
	if err != nil {
		return nil, err
	}
	a := &slackapp.App{
		API: cards.API, HTTP: slackapp.HTTPClient(p.access()), Requests: p.service(), Cards: cards,
		Slash: p.cfg.Command, Intake: p.intake(), Log: p.log,
	}
	return &slackapp.Socket{API: cards.API, Handler: a, Notes: queue.NewNotes(p.redis), Log: p.log}, nil
}

// intake is the model, nil without a key: the form works without it.
func (p *parts) intake() *intake.Model {
	m := p.cfg.Model
	if !m.Key.Set() {
		return nil
	}
	return intake.New(intake.Config{
		Key: m.Key.Reveal(), BaseURL: m.BaseURL, Model: m.Name, Timeout: p.cfg.Asking.Timeout,
	})
}

// newLog writes one line for each event to standard error: text for a person at a
// terminal, JSON for a machine.
func newLog(level slog.Level, json bool) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if json {
		return slog.New(slog.NewJSONHandler(visible{os.Stderr}, o))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, o))
}

// settings reads the configuration of a process; every fault is said at once.
func settings(process config.Process) (*config.Config, error) {
	return config.Load(process, config.OS())
}
