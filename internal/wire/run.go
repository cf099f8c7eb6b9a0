package wire

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/web"
	"github.com/tfpilot/tfpilot/worker"
)

// RunApp runs the socket to Slack and the HTTP endpoint until ctx ends.
func (p *Parts) RunApp(ctx context.Context) error {
	socket, err := p.app()
	if err != nil {
		return err
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", p.Config.HTTP.Addr)
	if err != nil {
		return fmt.Errorf("TFPILOT_HTTP_ADDR: %w", err)
	}
	var repos []string
	for _, r := range p.Config.Repos() {
		repos = append(repos, r.Owner+"/"+r.Name)
	}
	names := web.NewRenames(p.Store, p.Log)
	verify := web.Verifier(p.Config.GitHub.WebhookSecret.Reveal(), repos, names.Ours)
	handler := web.Handler(web.Options{
		Log: p.Log, Enqueue: p.Notifier.Webhook,
		Verify: func(h http.Header, body []byte) (string, []byte, error) {
			id, hint, err := verify(h, body)
			if err != nil {
				return "", nil, err
			}
			return id, worker.SealHint(p.hintKey(), hint), nil
		},
		Ready: []web.Check{
			{Name: "redis", Run: p.Redis.Ping},
			{Name: "slack", Run: func(context.Context) error { return socket.Ready() }},
		},
	})
	p.Log.Info("app started", "address", ln.Addr().String())
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return Hint(socket.Run(ctx), "check SLACK_BOT_TOKEN and SLACK_APP_TOKEN") })
	g.Go(func() error { return web.Serve(ctx, ln, handler, p.Log) })
	return g.Wait()
}

// ServeWorker runs a worker with its health endpoint.
func (p *Parts) ServeWorker(ctx context.Context) error {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", p.Config.HTTP.AdminAddr)
	if err != nil {
		return fmt.Errorf("TFPILOT_ADMIN_ADDR: %w", err)
	}
	w, tasks, err := p.worker()
	if err != nil {
		return err
	}
	health := web.Health(p.Log, append(SignedIn(w.GitHub), web.Check{Name: "redis", Run: p.Redis.Ping}))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return p.work(ctx, w, tasks) })
	g.Go(func() error { return web.Serve(ctx, ln, health, p.Log) })
	return g.Wait()
}

// RunWorker runs tasks and sweeps until ctx ends.
func (p *Parts) RunWorker(ctx context.Context) error {
	w, tasks, err := p.worker()
	if err != nil {
		return err
	}
	return p.work(ctx, w, tasks)
}

func (p *Parts) work(ctx context.Context, w *worker.Worker, tasks *queue.Server) error {
	p.Log.Info("worker started")
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return tasks.Run(ctx) })
	g.Go(func() error { return w.Run(ctx) })
	return g.Wait()
}
