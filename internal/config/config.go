// Package config owns the settings of an operator: the environment variables and
// tfpilot.yaml, read once at the start of a process. All faults are reported
// together, each with the name of the key and what to do. It hands out plain
// values and opens no connection. Of app, worker and command line nothing else
// reads the environment; a workflow run's is internal/ci's.
package config

import (
	"log/slog"
	"os"
	"time"

	"github.com/tfpilot/tfpilot/internal/rbac"
)

// Process is the process to start. It decides which variables are required.
type Process string

// The processes.
const (
	App       Process = "app"
	Worker    Process = "worker"
	CLI       Process = "cli"       // tfpilot requests …, identities …, reindex
	Bootstrap Process = "bootstrap" // only writes files, so it needs few settings
	Doctor    Process = "doctor"    // needs everything that app or worker needs
)

// words returns the name of the process in a sentence.
func (p Process) words() string {
	switch p {
	case CLI:
		return "the command line"
	case Bootstrap:
		return "tfpilot bootstrap"
	default:
		return "the " + string(p)
	}
}

// Config is the checked settings of an operator.
type Config struct {
	Slack    Slack
	GitHub   GitHub
	Store    Store
	Redis    Redis
	Model    Model
	HTTP     HTTP
	LogLevel slog.Level
	People   rbac.Policy
	Structure
	Warnings []string // what is allowed but should be known; said at start-up
}

// Slack is the workspace's app.
type Slack struct {
	BotToken Secret
	AppToken Secret
	APIURL   string
}

// GitHub is either an App installation or a token.
type GitHub struct {
	AppID          int64
	InstallationID int64
	PrivateKey     Secret
	Token          Secret
	APIURL         string
	WebhookSecret  Secret
}

// Store is the bucket of the documents. Credentials come from the AWS SDK's own
// chain.
type Store struct {
	Bucket, Region, Endpoint string
}

// Redis holds the queue and the index.
type Redis struct{ URL Secret }

// Model is the language model that reads free text. Without a key there is none.
type Model struct {
	Key           Secret
	BaseURL, Name string
}

// HTTP is the listen address of the app process and its public address.
type HTTP struct {
	Addr, AdminAddr, PublicURL string
	SessionKey                 Secret
}

// Policy returns the lists that permissions come from.
func (c *Config) Policy() rbac.Policy { return c.People }

// Source is where the settings come from. Tests and the sandbox provide their own.
type Source struct {
	Lookup   func(name string) (string, bool)
	ReadFile func(path string) ([]byte, error)
}

// OS is the environment and the files of this process.
func OS() Source { return Source{Lookup: os.LookupEnv, ReadFile: os.ReadFile} }

// Load reads and checks all settings that p needs. The error is of type Faults and
// contains every fault.
func Load(p Process, src Source) (*Config, error) {
	env := reader{process: p, source: src}
	c := env.read()
	path := env.value(configFile)
	data, err := src.ReadFile(path)
	if err != nil {
		env.fault(configFile, "%v; set it to the path of your tfpilot.yaml", err)
		return nil, env.faults
	}
	structure, faults := Parse(data, path, Defaults{Region: c.Store.Region})
	if all := append(env.faults, faults...); len(all) > 0 {
		return nil, all
	}
	c.Structure = structure
	c.Warnings = warnings(c)
	return c, nil
}

// Structure is the content of tfpilot.yaml.
type Structure struct {
	Projects []Project
	Catalog  Catalog
	Command  string        // the slash command, "/tfpilot"
	Asking   ModelSettings // how the model is asked
	Worker   WorkerSettings
}

// Catalog says where modules come from besides the built-in ones.
type Catalog struct {
	Dir     string // "": only the built-in modules
	Replace bool   // the directory replaces the built-in modules instead of adding to them
}

// ModelSettings bound how the model is asked.
type ModelSettings struct{ Timeout time.Duration }

// WorkerSettings pace a worker.
type WorkerSettings struct {
	Concurrency int
	Sweep       time.Duration // how often a worker looks for what was not enqueued
	SyncQuick   time.Duration // per repository while something runs
	SyncSlow    time.Duration // while everything waits
}
