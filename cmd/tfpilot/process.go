package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/wire"
)

func newApp() *cobra.Command {
	return &cobra.Command{
		Use: "app", Short: "Run the Slack app and the webhook endpoint", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return process(c.Context(), config.App, (*wire.Parts).RunApp)
		},
	}
}

func newWorker() *cobra.Command {
	return &cobra.Command{
		Use: "worker", Short: "Run a worker; any number of them share the work", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return process(c.Context(), config.Worker, (*wire.Parts).ServeWorker)
		},
	}
}

// process reads the settings, opens the parts and runs until ctx ends.
func process(ctx context.Context, kind config.Process, run func(*wire.Parts, context.Context) error) error {
	cfg, err := settings(kind)
	if err != nil {
		return err
	}
	queue.Quiet()
	p, err := wire.Assemble(ctx, cfg, wire.Credentials{}, wire.NewLog(cfg.LogLevel, true))
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }()
	p.Redis.CheckEviction(ctx, p.Log)
	return run(p, ctx)
}

// settings reads the configuration of a process; every fault is said at once.
func settings(process config.Process) (*config.Config, error) {
	return config.Load(process, config.OS())
}
