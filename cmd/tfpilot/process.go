package main

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/web"
	"github.com/tfpilot/tfpilot/worker"
)

func newApp() *cobra.Command {
	return &cobra.Command{
		Use: "app", Short: "Run the Slack app and the webhook endpoint", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return process(c.Context(), config.App, runApp)
		},
	}
}

func newWorker() *cobra.Command {
	return &cobra.Command{
		Use: "worker", Short: "Run a worker; any number of them share the work", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return process(c.Context(), config.Worker, serveWorker)
		},
	}
}

// process reads the settings, opens the parts and runs until ctx ends.
func process(ctx context.Context, kind config.Process, run func(context.Context, *parts) error) error {
	cfg, err := settings(kind)
	if err != nil {
		return err
	}
	queue.Quiet()
	p, err := assemble(ctx, cfg, credentials{}, newLog(cfg.LogLevel, true))
	if err != nil {
		return err
	}
	defer func() { _ = p.close() }()
	p.redis.CheckEviction(ctx, p.log)
	return run(ctx, p)
}

// runApp runs the socket to Slack and the HTTP endpoint until ctx ends.
func runApp(ctx context.Context, p *parts) error {
	socket, err := p.app()
	if err != nil {
		return err
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", p.cfg.HTTP.Addr)
	if err != nil {
		return fmt.Errorf("TFPILOT_HTTP_ADDR: %w", err)
	}
	var repos []string
	for _, r := range p.cfg.Repos() {
		repos = append(repos, r.Owner+"/"+r.Name)
	}
	names := &renames{store: p.store, log: p.log, known: map[int64]stranger{}}
	verify := web.Verifier(p.cfg.GitHub.WebhookSecret.Reveal(), repos, names.ours)
	handler := web.Handler(web.Options{
		Log: p.log, Enqueue: p.notifier.Webhook,
		Verify: func(h http.Header, body []byte) (string, []byte, error) {
			id, hint, err := verify(h, body)
			if err != nil {
				return "", nil, err
			}
			return id, worker.SealHint(p.hintKey(), hint), nil
		},
		Ready: []web.Check{
			{Name: "redis", Run: p.redis.Ping},
			{Name: "slack", Run: func(context.Context) error { return socket.Ready() }},
		},
	})
	p.log.Info("app started", "address", ln.Addr().String())
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return withHint(socket.Run(ctx), "check SLACK_BOT_TOKEN and SLACK_APP_TOKEN") })
	g.Go(func() error { return web.Serve(ctx, ln, handler, p.log) })
	return g.Wait()
}

// serveWorker runs a worker with its health endpoint.
func serveWorker(ctx context.Context, p *parts) error {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", p.cfg.HTTP.AdminAddr)
	if err != nil {
		return fmt.Errorf("TFPILOT_ADMIN_ADDR: %w", err)
	}
	w, tasks, err := p.worker()
	if err != nil {
		return err
	}
	health := web.Health(p.log, append(signedIn(w.GitHub), web.Check{Name: "redis", Run: p.redis.Ping}))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return work(ctx, p, w, tasks) })
	g.Go(func() error { return web.Serve(ctx, ln, health, p.log) })
	return g.Wait()
}

// runWorker runs tasks and sweeps until ctx ends.
func runWorker(ctx context.Context, p *parts) error {
	w, tasks, err := p.worker()
	if err != nil {
		return err
	}
	return work(ctx, p, w, tasks)
}

func work(ctx context.Context, p *parts, w *worker.Worker, tasks *queue.Server) error {
	p.log.Info("worker started")
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return tasks.Run(ctx) })
	g.Go(func() error { return w.Run(ctx) })
	return g.Wait()
}
