// Package sandbox assembles the simulators: one machine on which the whole product runs against
// simulated Slack, GitHub with Actions, S3, OpenAI and AWS. It owns the addresses, the credentials,
// the simulated company (its people and channels), the faults that can be injected, and the control
// API. It imports nothing of the product. The caller passes the files of the repositories, the
// principals and the path of tfpilot-ci, and gets back the settings for an app and a worker.
package sandbox

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/tfpilot/tfpilot/internal/sim/actions"
	"github.com/tfpilot/tfpilot/internal/sim/aws"
	"github.com/tfpilot/tfpilot/internal/sim/github"
	"github.com/tfpilot/tfpilot/internal/sim/openai"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
	"github.com/tfpilot/tfpilot/internal/sim/slack"
)

// Config configures the simulators.
type Config struct {
	Dir string // required; the data directory
	// Port of the page; the simulators use the next ones. 0: any free ports.
	Port       int
	Terraform  string                                // required; the CLI for the runs
	Act        string                                // required
	CLIConfig  string                                // required; TF_CLI_CONFIG_FILE of the runs
	Manifest   []byte                                // required; slack-manifest.yaml
	Repos      func(releases string) ([]Repo, error) // required; releases is the address from which runs download tfpilot
	Principals []s3.Principal                        // required; Start fills in the secrets
	Buckets    []string                              // required
	Assets     map[string]string
	Log        *slog.Logger
}

// Repo is an infra repository with its initial content.
type Repo struct {
	Owner, Name string
	Project     string // its runs use the principals run-plan-<project> and run-apply-<project>
	Files       map[string][]byte
}

// Sandbox is a set of running simulators.
type Sandbox struct {
	Access Access

	Slack  *slack.Server
	GitHub *github.Server
	S3     *s3.Server
	Cloud  *aws.Server
	Model  *openai.Server
	redis  *miniredis.Miniredis
	act    *actions.Act

	cfg       Config
	repos     []Repo
	listeners map[string]net.Listener
	servers   []*http.Server
	page      *http.ServeMux
}

// serviceNames lists the listeners in the order of their ports.
var serviceNames = []string{"page", "slack", "github", "s3", "cloud", "model", "redis", "app"}

// Start starts the simulators. Close stops them.
func Start(ctx context.Context, cfg Config) (*Sandbox, error) {
	s := &Sandbox{cfg: cfg, listeners: map[string]net.Listener{}}
	if err := s.listen(ctx); err != nil {
		return nil, err
	}
	var err error
	if s.repos, err = cfg.Repos(s.url("github") + "/tfpilot/tfpilot/releases/download"); err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	sec, err := loadSecrets(filepath.Join(cfg.Dir, "secrets.json"), cfg.Principals)
	if err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	s.Access = s.access(sec)
	key, err := sec.key()
	if err == nil {
		err = s.simulate(sec, &key.PublicKey)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	s.serve()
	return s, nil
}

// Repos returns the infra repositories as this start rendered them.
func (s *Sandbox) Repos() []Repo { return s.repos }

// ErrPort means that another program uses a port.
var ErrPort = errors.New("port in use")

func (s *Sandbox) listen(ctx context.Context) error {
	for i, name := range serviceNames {
		port := 0
		if s.cfg.Port != 0 {
			port = s.cfg.Port + i
		}
		ln, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			s.closeListeners()
			return fmt.Errorf("%w: 127.0.0.1:%d is taken (%v). Stop the program that has it, or choose others with --port",
				ErrPort, port, err)
		}
		s.listeners[name] = ln
	}
	return s.freeAppPort()
}

// freeAppPort closes the listener of the app's port, so that the app can listen there.
func (s *Sandbox) freeAppPort() error {
	return s.listeners["app"].Close()
}

func (s *Sandbox) addr(service string) string { return s.listeners[service].Addr().String() }
func (s *Sandbox) url(service string) string  { return "http://" + s.addr(service) }

func (s *Sandbox) simulate(sec secrets, public *rsa.PublicKey) error {
	dir := func(name string) string { return filepath.Join(s.cfg.Dir, name) }
	if err := private(dir("runs"), dir("github"), dir("slack"), dir("s3"), dir("cloud")); err != nil {
		return err
	}
	err := actions.Sweep(dir("runs")) // the sandbox that starts has the directory to itself
	if err != nil {
		return err
	}
	if s.Slack, err = slack.New(s.workspace(sec)); err != nil {
		return fmt.Errorf("simulate Slack: %w", err)
	}
	if s.S3, err = s3.New(s3.Config{Region: Region, Buckets: s.cfg.Buckets, Principals: sec.principals(s.cfg.Principals),
		Dir: dir("s3"), Log: s.cfg.Log}); err != nil {
		return fmt.Errorf("simulate S3: %w", err)
	}
	if s.Cloud, err = aws.New(aws.Config{Token: sec.CloudToken, Dir: dir("cloud"), Log: s.cfg.Log}); err != nil {
		return fmt.Errorf("simulate the cloud: %w", err)
	}
	s.Model = openai.New(openai.Config{Keys: []string{sec.ModelKey}, Log: s.cfg.Log})
	if s.GitHub, err = github.New(s.githubConfig(sec, public)); err != nil {
		return fmt.Errorf("simulate GitHub: %w", err)
	}
	s.redis = miniredis.NewMiniRedis()
	s.redis.RequireAuth(sec.RedisPassword)
	addr := s.addr("redis")
	if err := s.listeners["redis"].Close(); err != nil {
		return fmt.Errorf("free the port of Redis: %w", err)
	}
	if err := s.redis.StartAddr(addr); err != nil {
		return fmt.Errorf("start Redis: %w", err)
	}
	s.redis.ClockTTL(true) // keys expire by the clock, as in a real Redis
	return nil
}

// private creates directories that only this user can read, wherever the data directory is.
func private(dirs ...string) error {
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make %s: %w", dir, err)
		}
		if err := os.Chmod(dir, 0o700); err != nil {
			return fmt.Errorf("make %s private: %w", dir, err)
		}
	}
	return nil
}

func (s *Sandbox) serve() {
	handlers := map[string]http.Handler{
		"slack": s.Slack.Handler(), "github": s.GitHub.Handler(), "s3": s.S3, "cloud": s.Cloud, "model": s.Model,
		"page": s.pages(),
	}
	for name, h := range handlers {
		srv := &http.Server{Handler: ownHost(s.addr(name), h), ReadHeaderTimeout: 10 * time.Second,
			IdleTimeout: 2 * time.Minute, ErrorLog: slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug)}
		s.servers = append(s.servers, srv)
		go func() { _ = srv.Serve(s.listeners[name]) }()
	}
}

// Close stops everything that the simulators started. It cancels runs as GitHub does and waits for
// them.
func (s *Sandbox) Close(ctx context.Context) error {
	var err error
	if s.GitHub != nil {
		err = s.GitHub.Close(ctx)
	}
	for _, srv := range s.servers {
		_ = srv.Close()
	}
	if s.Slack != nil {
		err = errors.Join(err, s.Slack.Close())
	}
	if s.redis != nil {
		s.redis.Close()
	}
	s.closeListeners()
	return err
}

// Kill ends all runs at once, without letting them save anything. It is for a program that has no time
// to close.
func (s *Sandbox) Kill() { s.act.Kill() }

func (s *Sandbox) closeListeners() {
	for _, ln := range s.listeners {
		_ = ln.Close()
	}
}

// FlushRedis deletes everything in Redis, like a restart without persistence.
func (s *Sandbox) FlushRedis() { s.redis.FlushAll() }

func (s *Sandbox) runner(sec secrets) actions.Runner {
	roles := map[string]actions.Role{}
	for _, r := range s.repos {
		role := func(name string, workflows ...string) actions.Role {
			p := sec.Principals[name]
			return actions.Role{AccessKeyID: p.AccessKey, SecretAccessKey: p.Secret, Repo: r.Owner + "/" + r.Name,
				Workflows: workflows}
		}
		roles[PlanRole(r.Project)] = role("run-plan-"+r.Project, "plan.yml", "apply.yml", "destroy.yml", "cleanup.yml",
			"drift_plan.yml")
		roles[ApplyRole(r.Project)] = role("run-apply-"+r.Project, "apply.yml", "destroy.yml")
	}
	s.act = &actions.Act{
		Binary: s.cfg.Act, Dir: filepath.Join(s.cfg.Dir, "runs"), Terraform: s.cfg.Terraform,
		Roles: roles,
		Env: map[string]string{
			"AWS_ENDPOINT_URL_S3":         s.url("s3"),
			"AWS_REGION":                  Region,
			"TF_CLI_CONFIG_FILE":          s.cfg.CLIConfig,
			"TFPILOT_SANDBOX_CLOUD_URL":   s.url("cloud"),
			"TFPILOT_SANDBOX_CLOUD_TOKEN": sec.CloudToken,
			"TFPILOT_TERRAFORM_ENV":       "TFPILOT_SANDBOX_CLOUD_URL,TFPILOT_SANDBOX_CLOUD_TOKEN",
			"TF_CLI_ARGS_init":            pathStyle,
		},
	}
	return s.act
}

// pathStyle makes Terraform's backend address buckets by path, since the simulator has no host name
// for each bucket. The generated backend.tf does not need to know.
const pathStyle = "-backend-config=use_path_style=true -backend-config=skip_credentials_validation=true " +
	"-backend-config=skip_requesting_account_id=true -backend-config=skip_metadata_api_check=true -backend-config=skip_region_validation=true"
