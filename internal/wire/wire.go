// Package wire puts the product's processes together: it opens what app, worker and commands share, hands
// each part the settings and credentials it needs, and runs app and worker. It decides nothing about
// requests; the packages that it connects do. The commands and the sandbox use it, so that both run the
// same product.
package wire

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
	"github.com/tfpilot/tfpilot/internal/terminal"
	"github.com/tfpilot/tfpilot/internal/web"
	"github.com/tfpilot/tfpilot/slackapp"
	"github.com/tfpilot/tfpilot/worker"
)

// Parts is what the processes are put together from.
type Parts struct {
	Config   *config.Config
	Log      *slog.Logger
	Store    *store.Store
	Redis    *queue.Redis
	Notifier *queue.Notifier
	Index    *queue.Index
	Catalog  *catalog.Catalog

	cache *queue.Cache // shares documents and answers with the other processes
}

// Credentials are S3 credentials from outside the AWS SDK's own chain.
type Credentials struct{ AccessKey, Secret string }

// Assemble opens what a long-running process needs. It checks that the bucket enforces
// conditional writes before anything is written.
func Assemble(ctx context.Context, cfg *config.Config, cred Credentials, log *slog.Logger) (*Parts, error) {
	p, err := Open(ctx, cfg, cred, log)
	if err != nil {
		return nil, err
	}
	if err := p.Probe(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// Probe asks the bucket whether it keeps its promises.
func (p *Parts) Probe(ctx context.Context) error {
	if err := p.Store.Probe(ctx); err != nil {
		return fmt.Errorf(
			"bucket %s: %w; check TFPILOT_REQUESTS_BUCKET, AWS_REGION, the AWS credentials and the rights of "+
				"manifests/iam/app.json",
			p.Config.Store.Bucket,
			err,
		)
	}
	return nil
}

// Open opens the parts and asks none of them.
func Open(ctx context.Context, cfg *config.Config, cred Credentials, log *slog.Logger) (*Parts, error) {
	p := &Parts{Config: cfg, Log: log}
	for _, w := range cfg.Warnings {
		log.Warn(w)
	}
	var err error
	if p.Catalog, err = LoadCatalog(cfg.Catalog); err != nil {
		return nil, err
	}
	if p.Redis, err = queue.Open(cfg.Redis.URL.Reveal(), nil); err != nil {
		return nil, err
	}
	p.cache = newCache(p.Redis, cfg.GitHub.WebhookSecret)
	p.Store, err = store.Open(ctx, store.Config{
		Bucket: cfg.Store.Bucket, Region: cfg.Store.Region, Endpoint: cfg.Store.Endpoint,
		AccessKey: cred.AccessKey, Secret: cred.Secret, Cache: p.cache,
	})
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	p.Notifier, p.Index = queue.NewNotifier(p.Redis, log), queue.NewIndex(p.Redis)
	return p, nil
}

// LoadCatalog loads the modules that can be requested: those of this TfPilot, and the operator's own.
func LoadCatalog(c config.Catalog) (*catalog.Catalog, error) {
	if c.Dir == "" {
		return catalog.Builtin()
	}
	from := []fs.FS{os.DirFS(c.Dir)}
	if !c.Replace {
		from = slices.Insert(from, 0, catalog.BuiltinFS())
	}
	loaded, err := catalog.Load(from...)
	return loaded, Hint(
		err,
		"fix the directory of catalog.dir, "+c.Dir+", or remove catalog.dir from tfpilot.yaml",
	)
}

// Close closes what is open.
func (p *Parts) Close() error { return p.Redis.Close() }

// GitHub opens GitHub; it makes no call, so that a worker starts without it.
func (p *Parts) GitHub() (*github.Client, error) { return p.githubWithin(nil) }

// githubWithin opens GitHub for calls that keep to a budget.
func (p *Parts) githubWithin(b github.Budget) (*github.Client, error) {
	g := p.Config.GitHub
	return github.New(github.Config{
		AppID: g.AppID, InstallationID: g.InstallationID, PrivateKey: []byte(g.PrivateKey.Reveal()),
		Token: g.Token.Reveal(), APIURL: g.APIURL, Budget: b,
	})
}

// newCache shares documents between the processes through Redis, under a key that they derive
// from the webhook's secret. Without that secret there is none: a nil cache keeps nothing.
func newCache(redis *queue.Redis, secret config.Secret) *queue.Cache {
	if !secret.Set() {
		return nil
	}
	key := sha256.Sum256([]byte("tfpilot document cache key\n" + secret.Reveal()))
	return queue.NewCache(redis, key[:])
}

// hintKey seals webhook hints between the endpoint and the workers. Both derive it
// from the webhook's secret, so that there is nothing else to hand out.
func (p *Parts) hintKey() []byte {
	sum := sha256.Sum256([]byte("tfpilot hint key\n" + p.Config.GitHub.WebhookSecret.Reveal()))
	return sum[:]
}

// Slack is how the Slack app signs in.
func (p *Parts) Slack() slackapp.Access {
	s := p.Config.Slack
	return slackapp.Access{BotToken: s.BotToken.Reveal(), AppToken: s.AppToken.Reveal(), APIURL: s.APIURL}
}

func (p *Parts) cards() (*slackapp.Cards, error) {
	api, err := slackapp.NewClient(p.Slack())
	if err != nil {
		return nil, err
	}
	return &slackapp.Cards{
		API: api, Documents: p.Store, Notes: queue.NewNotes(p.Redis), Rights: request.Rights{Policy: p.Config.Policy()},
		Catalog: p.Catalog, Projects: slackapp.Directory(p.Config.Projects), Log: p.Log,
	}, nil
}

// SignedIn are the health checks about GitHub: it accepts TfPilot's credentials, and the clocks agree.
func SignedIn(githubClient *github.Client) []web.Check {
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
func (p *Parts) worker() (*worker.Worker, *queue.Server, error) {
	githubClient, err := p.githubWithin(worker.SharedBudget{Budget: queue.NewBudget(p.Redis, "github", p.Log)})
	if err != nil {
		return nil, nil, err
	}
	cards, err := p.cards()
	if err != nil {
		return nil, nil, err
	}
	cards.Shown = p.cache
	w := &worker.Worker{
		Owes:  cards.Owes,
		Store: p.Store, GitHub: githubClient, Notifier: p.Notifier, Index: p.Index,
		Turns: queue.NewTurns(p.Redis, worker.Starts), Catalog: p.Catalog, Structure: p.Config.Structure,
		Policy: p.Config.Policy(), HintKey: p.hintKey(), Answers: p.cache, Log: p.Log,
		FingerprintSecret: []byte(p.Config.GitHub.WebhookSecret.Reveal()),
	}
	tasks := w.Handlers()
	tasks.Card = cards.Draw
	return w, queue.NewServer(p.Redis, tasks, p.Log, queue.ServerOptions{Concurrency: p.Config.Worker.Concurrency}), nil
}

// Service is the use cases, which all surfaces share.
func (p *Parts) Service() *request.Service {
	return &request.Service{
		Documents: p.Store, People: p.Store, Plans: p.Store, Index: p.Index, Notifier: p.Notifier,
		Policy: p.Config.Policy(), Catalog: p.Catalog, Projects: p.Config.Projects, Log: p.Log,
		LinkHelp: "Ask your platform team to link your GitHub account (tfpilot identities link).",
	}
}

// app puts the Slack app together.
func (p *Parts) app() (*slackapp.Socket, error) {
	cards, err := p.cards()
	if err != nil {
		return nil, err
	}
	a := &slackapp.App{
		API: cards.API, HTTP: slackapp.HTTPClient(p.Slack()), Requests: p.Service(), Cards: cards,
		Drafts: p.Store, Slash: p.Config.Command, Intake: p.Model(), Log: p.Log,
	}
	return &slackapp.Socket{API: cards.API, Handler: a, Notes: queue.NewNotes(p.Redis), Log: p.Log}, nil
}

// Model is the language model, nil without a key: the form works without it.
func (p *Parts) Model() *intake.Model {
	m := p.Config.Model
	if !m.Key.Set() {
		return nil
	}
	return intake.New(intake.Config{
		Key: m.Key.Reveal(), BaseURL: m.BaseURL, Model: m.Name, Timeout: p.Config.Asking.Timeout,
	})
}

// NewLog writes one line for each event to standard error: text for a person at a
// terminal, JSON for a machine.
func NewLog(level slog.Level, json bool) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if json {
		return slog.New(slog.NewJSONHandler(terminal.Visible(os.Stderr), o))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, o))
}

// Hint adds to an error how to fix it.
func Hint(err error, what string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w; %s", err, what)
}
