package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	tfpilot "github.com/tfpilot/tfpilot"
	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/sandbox"
	"github.com/tfpilot/tfpilot/internal/sandbox/demo"
	"github.com/tfpilot/tfpilot/internal/sandbox/page"
	"github.com/tfpilot/tfpilot/internal/sandbox/toolchain"
	"github.com/tfpilot/tfpilot/internal/sim/aws/provider"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/wire"
)

//go:embed sandbox.yaml
var sandboxYAML []byte

// impatient are settings of the worker for the person who tries what happens when webhooks are lost. A
// measurement keeps the product's own.
const impatient = "  sweep: 5s\n  syncQuick: 3s\n  syncSlow: 5s\n"

const (
	sandboxBucket = "tfpilot-requests"
	stateBucket   = "tfpilot-terraform-state"
	sandboxPort   = 7390
	maxPort       = 1<<16 - 1 - 7
	closeTime     = time.Minute // a cancelled run has 10 s, and 30 more for what must always run
	connectTime   = time.Minute // of the app to Slack, on a busy machine
)

// sandboxRun is one start of the sandbox.
type sandboxRun struct {
	dir            string
	port           int
	simulatorsOnly bool
	json           bool
	verbose        bool
	attach         string
	ci             string
	measured       bool // by load: sweeps and syncs are as rare as in production

	out, errs io.Writer
	cfg       *config.Config
	box       *sandbox.Sandbox
}

func newSandbox() *cobra.Command {
	r := &sandboxRun{}
	c := &cobra.Command{
		Use: "sandbox", Version: version, Short: "Run the whole product on this machine, against simulators",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return r.main(c, r.serve) },
	}
	f := c.PersistentFlags()
	f.StringVar(&r.dir, "data", "",
		"data directory; it survives a restart (default: tfpilot/sandbox in the user's cache)")
	f.IntVar(&r.port, "port", sandboxPort, "port of the page; the seven after it are used too. 0: any free ones")
	f.BoolVar(&r.json, "json", false, "print one line of JSON with every address and credential when started")
	f.StringVar(&r.ci, "tfpilot-ci", "",
		"tfpilot-ci that runs download (default: built from the source tree, or the installed one)")
	f.BoolVar(&r.verbose, "verbose", false, "log what happens")
	c.Flags().BoolVar(&r.simulatorsOnly, "simulators-only", false, "start no app and no worker; print what they need")
	d := &cobra.Command{
		Use: "demo", Short: "Play a request's journey as its users would, and fail unless each step was seen",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if r.attach != "" {
				if err := checkAttach(r.attach); err != nil {
					return err
				}
				return demo.Run(c.Context(), demo.Config{Address: r.attach, Out: c.OutOrStdout()})
			}
			return r.main(c, r.demo)
		},
	}
	d.Flags().StringVar(&r.attach, "attach", "", "address of the page of a running sandbox; start nothing")
	c.AddCommand(d, newLoad(r))
	return c
}

// newLoad measures calls and latencies of one request and of several at once.
func newLoad(r *sandboxRun) *cobra.Command {
	cfg := demo.LoadConfig{}
	c := &cobra.Command{
		Use: "load", Short: "Measure calls and latencies, and print median, minimum and maximum", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if cfg.Runs < 1 || cfg.Requests < 0 {
				return cli.Usagef("--runs %d, --requests %d: give at least one run, and no negative number", cfg.Runs,
					cfg.Requests)
			}
			r.measured = true
			return r.main(c, func(ctx context.Context) error { return r.load(ctx, cfg) })
		},
	}
	c.Flags().IntVar(&cfg.Runs, "runs", 1, "how often to measure")
	c.Flags().IntVar(&cfg.Requests, "requests", 10, "how many requests at once; 0: skip this part")
	return c
}

func (r *sandboxRun) load(ctx context.Context, cfg demo.LoadConfig) error {
	return r.beside(ctx, func(ctx context.Context) error {
		cfg.Address, cfg.Out = r.box.Access.Page, r.errs
		report, err := demo.Load(ctx, cfg)
		switch {
		case err != nil:
			return err
		case r.json:
			return json.NewEncoder(r.out).Encode(report)
		}
		return report.Table(r.out)
	})
}

// checkAttach checks that the address has the form that the sandbox prints.
func checkAttach(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return cli.Usagef("--attach: %q is not the address of a sandbox; use one such as http://127.0.0.1:%d", address,
			sandboxPort)
	}
	return nil
}

// main starts the simulators, runs the body, and stops everything again.
func (r *sandboxRun) main(c *cobra.Command, body func(context.Context) error) error {
	r.out, r.errs = c.OutOrStdout(), c.ErrOrStderr()
	ctx := c.Context()
	if r.port < 0 || r.port > maxPort {
		return cli.Usagef("--port: %d; give a number from 1 to %d, or 0 for any that are free", r.port, maxPort)
	}
	if err := r.findDataDirectory(); err != nil {
		return err
	}
	unlock, err := lockDataDirectory(r.dir)
	if err != nil {
		return err
	}
	defer unlock()
	defer context.AfterFunc(ctx, func() {
		r.say("Stopping… Runs that are under way are cancelled first. Ctrl-C again ends them at once.")
	})()
	if err := r.start(ctx); err != nil {
		if ctx.Err() != nil { // an interrupted start is not an error of its own
			return errors.New("stopped before it was running")
		}
		return err
	}
	defer context.AfterFunc(ctx, r.hurry)()
	defer r.close(ctx)
	return body(ctx)
}

// hurry ends the program at the next signal: who asks twice does not want to wait. No
// process stays behind; what a run was about to save is lost.
func (r *sandboxRun) hurry() {
	again := make(chan os.Signal, 1)
	signal.Notify(again, cli.Signals()...)
	<-again
	r.box.Kill()
	os.Exit(cli.Hurried)
}

// close ends the simulators, and what of the runs does not end in time.
func (r *sandboxRun) close(ctx context.Context) {
	if ctx.Err() == nil {
		r.say("Stopping…")
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	if err := r.box.Close(end); err != nil {
		r.say("Not everything stopped in time: " + err.Error())
		r.box.Kill()
	}
}

// say prints progress for a person, on standard error: with --json, standard output is for machines.
func (r *sandboxRun) say(text string) { _, _ = fmt.Fprintln(r.errs, text) }

func (r *sandboxRun) findDataDirectory() error {
	if r.dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return fmt.Errorf("find the user's cache folder: %w; name one with --data", err)
		}
		r.dir = filepath.Join(cache, "tfpilot", "sandbox")
	}
	dir, err := filepath.Abs(r.dir)
	if err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	r.dir = dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	return nil
}

// start finds the tools, lays out what runs need, and starts the simulators.
func (r *sandboxRun) start(ctx context.Context) error {
	tools := toolchain.Finder{Note: r.say}
	git, err := tools.Git(ctx)
	if err != nil {
		return err
	}
	terraform, err := tools.Terraform(ctx)
	if err != nil {
		return err
	}
	root, _ := sourceRoot()
	act, err := tools.Act(ctx, root)
	if err != nil {
		return err
	}
	r.say(fmt.Sprintf("Using %s %s, act %s and git %s.", terraform.Name, terraform.Version, act.Version, git.Version))
	self, err := r.keepProgram()
	if err != nil {
		return err
	}
	asset, err := r.ciAsset(ctx, tools, root)
	if err != nil {
		return err
	}
	mirror, err := provider.Mirror(filepath.Join(r.dir, "mirror"), self)
	if err != nil {
		return err
	}
	structure, faults := config.Parse(sandboxYAML, "sandbox.yaml", config.Defaults{Region: sandbox.Region})
	if len(faults) > 0 {
		return faults
	}
	r.box, err = sandbox.Start(ctx, sandbox.Config{
		Dir: r.dir, Port: r.port, Terraform: terraform.Path, Act: act.Path, CLIConfig: mirror,
		Manifest:   tfpilot.SlackManifest,
		Principals: principals(structure), Buckets: []string{sandboxBucket, stateBucket},
		Repos:  func(releases string) ([]sandbox.Repo, error) { return sandboxRepos(structure, asset, self, releases) },
		Assets: map[string]string{"tfpilot/tfpilot/v" + version + "/" + asset.name: asset.path}, Log: r.log(),
	})
	if err != nil {
		return err
	}
	page.Mount(r.box)
	if err = r.upgrade(); err == nil {
		err = r.configure(ctx)
	}
	if err != nil {
		return errors.Join(err, r.box.Close(ctx))
	}
	return nil
}

// upgrade updates the repositories of an older data directory to what this tfpilot renders.
func (r *sandboxRun) upgrade() error {
	for _, repo := range r.box.Repos() {
		kept, err := r.box.Upgrade(repo)
		if err != nil {
			return err
		}
		if len(kept) > 0 {
			r.say(fmt.Sprintf("Kept files in %s/%s that were changed, although this version writes them differently: %s.",
				repo.Owner, repo.Name, strings.Join(kept, ", ")))
		}
	}
	return nil
}

func (r *sandboxRun) log() *slog.Logger {
	if r.verbose {
		return wire.NewLog(slog.LevelDebug, false)
	}
	return wire.NewLog(slog.LevelError, false)
}

// sourceRoot finds the source tree that act's version is pinned in.
func sourceRoot() (string, bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	return toolchain.SourceRoot(dir)
}

// configure writes tfpilot.yaml and links the people's accounts, as an admin of a
// real workspace does once.
func (r *sandboxRun) configure(ctx context.Context) error {
	path := filepath.Join(r.dir, "tfpilot.yaml")
	settings := sandboxYAML
	if !r.measured {
		settings = append(slices.Clone(settings), impatient...)
	}
	if err := os.WriteFile(path, settings, 0o600); err != nil {
		return fmt.Errorf("write tfpilot.yaml: %w", err)
	}
	r.box.Access.Env["TFPILOT_CONFIG"] = path
	cfg, err := config.Load(config.Doctor, config.Source{
		Lookup:   func(name string) (string, bool) { v, ok := r.box.Access.Env[name]; return v, ok },
		ReadFile: os.ReadFile,
	})
	if err != nil {
		return err
	}
	r.cfg = cfg
	s, err := store.Open(ctx, store.Config{Bucket: cfg.Store.Bucket, Region: cfg.Store.Region,
		Endpoint: cfg.Store.Endpoint, AccessKey: r.credentials().AccessKey, Secret: r.credentials().Secret})
	if err != nil {
		return err
	}
	for _, p := range r.box.Access.People {
		_, err := s.Identity(ctx, p.SlackTeam, p.SlackUser)
		if errors.Is(err, store.ErrNotFound) {
			err = s.PutIdentity(ctx, lifecycle.Identity{SlackTeam: p.SlackTeam, SlackUser: p.SlackUser, Login: p.Login,
				GithubID: p.GithubID, LinkedAt: time.Now().UTC(), LinkedBy: "sandbox"})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *sandboxRun) credentials() wire.Credentials {
	return wire.Credentials{AccessKey: r.box.Access.Env["AWS_ACCESS_KEY_ID"],
		Secret: r.box.Access.Env["AWS_SECRET_ACCESS_KEY"]}
}

// product runs the same app and worker as in production, until ctx ends.
func (r *sandboxRun) product(ctx context.Context) error {
	queue.Quiet()
	p, err := wire.Assemble(ctx, r.cfg, r.credentials(), r.log())
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return p.RunApp(ctx) })
	g.Go(func() error { return p.RunWorker(ctx) })
	return g.Wait()
}

func (r *sandboxRun) serve(ctx context.Context) error {
	if r.simulatorsOnly {
		if err := r.announce(); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	}
	return r.beside(ctx, func(ctx context.Context) error {
		if ctx.Err() != nil {
			return nil
		}
		if err := r.announce(); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	})
}

// beside runs body while the product runs, once its app is connected.
func (r *sandboxRun) beside(ctx context.Context, body func(context.Context) error) error {
	g, ctx := errgroup.WithContext(ctx)
	ctx, done := context.WithCancel(ctx)
	g.Go(func() error { return r.product(ctx) })
	g.Go(func() error {
		defer done()
		if err := r.connected(ctx); err != nil {
			return err
		}
		return body(ctx)
	})
	return g.Wait()
}

// connected waits until the app holds a connection to Slack, or ctx ends.
func (r *sandboxRun) connected(ctx context.Context) error {
	changes, stop := r.box.Slack.Changes()
	defer stop()
	limit := time.NewTimer(connectTime)
	defer limit.Stop()
	for r.box.Slack.Connections() == 0 {
		select {
		case <-changes:
		case <-ctx.Done():
			return nil
		case <-limit.C:
			return fmt.Errorf("the app did not connect to Slack within %s; --verbose shows why", connectTime)
		}
	}
	return nil
}

// announce says where everything is.
func (r *sandboxRun) announce() error {
	a := r.box.Access
	env := filepath.Join(r.dir, "env")
	if r.simulatorsOnly {
		if err := writeEnv(env, a.Env); err != nil {
			return err
		}
	}
	if r.json {
		return json.NewEncoder(r.out).Encode(a)
	}
	lines := []string{
		"", "TfPilot's sandbox is running.", "",
		"  Open    " + a.Page + "   the workspace: you are dana, type /tfpilot request",
		"  Clone   git clone " + a.Clone[0],
		"  Data    " + a.Data, "", "Ctrl-C ends it; the next start continues from the same state.",
	}
	if r.simulatorsOnly {
		lines = append(lines, "", "Only the simulators run. Start the product in other terminals:",
			"  set -a; . "+env+"; set +a; tfpilot app", "  set -a; . "+env+"; set +a; tfpilot worker")
	}
	_, err := fmt.Fprintln(r.out, strings.Join(lines, "\n"))
	return err
}

// demo plays the journey against the product, which runs beside it. With --json standard
// output holds the start-up line alone.
func (r *sandboxRun) demo(ctx context.Context) error {
	return r.beside(ctx, func(ctx context.Context) error {
		a, steps := r.box.Access, r.out
		if r.json {
			steps = r.errs
			if err := r.announce(); err != nil {
				return err
			}
		} else {
			_, _ = fmt.Fprintf(r.out, "\n  Open    %s\n  Clone   git clone %s\n", a.Page,
				strings.Join(a.Clone, "\n          git clone "))
		}
		return demo.Run(ctx, demo.Config{Address: a.Page, Out: steps})
	})
}
