// Package github simulates GitHub over HTTP for the real clients: go-github, ghinstallation and git
// itself. It owns repositories, pull requests, reviews, workflow runs with their concurrency groups,
// App authentication, permissions, rate limits, signed webhooks and their delivery log, a few HTML
// pages, injected faults and counters of effects. Package actions executes jobs, package gitrepo owns
// git's rules, and package workflow owns the rules of workflow files. It knows nothing of TfPilot.
//
// Without a data directory it opens no file, socket or process, and all time comes from package time,
// so that it runs inside a testing/synctest bubble.
package github

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tfpilot/tfpilot/internal/sim/github/gitrepo"
)

// Server is one simulated GitHub. One lock serializes all reads and changes of its state, so that
// every handler sees a consistent state. Jobs and deliveries run outside the lock.
type Server struct {
	cfg Config
	api *http.ServeMux
	web *http.ServeMux

	mu      sync.Mutex
	state   *storedState
	baseURL string
	faults  []*activeFault
	limits  map[string]*bucket
	hooks   *hooks
	closed  bool

	suspended bool             // the App's installation
	moved     map[string]int64 // repositories by their former names

	inFlight atomic.Int64 // REST calls
	clock    atomic.Int64 // how far GitHub's clock is ahead of this machine's, in nanoseconds

	jobs   sync.WaitGroup
	saver  *saver
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
}

// New returns a simulator with the state of its configuration and of its data directory, if there is
// one.
func New(cfg Config) (*Server, error) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		cfg: cfg.withDefaults(), baseURL: strings.TrimSuffix(cfg.BaseURL, "/"),
		limits: map[string]*bucket{}, moved: map[string]int64{}, ctx: ctx, cancel: cancel,
	}
	if err := s.load(); err != nil {
		cancel()
		return nil, fmt.Errorf("load state: %w", err)
	}
	for _, rc := range s.cfg.Repos {
		if err := s.addRepo(rc); err != nil {
			cancel()
			return nil, fmt.Errorf("repository %s/%s: %w", rc.Owner, rc.Name, err)
		}
	}
	s.api, s.web = s.apiRoutes(), s.webRoutes()
	s.hooks.start(s)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resume()
	return s, nil
}

// Handler serves REST (at / and at /api/v3/), git and the pages.
func (s *Server) Handler() http.Handler { return s }

var apiRoots = map[string]bool{
	"repos": true, "app": true, "user": true, "users": true, "orgs": true,
	"installation": true, "rate_limit": true, "meta": true, "repositories": true,
}

// ServeHTTP routes a request to REST, git or the pages.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if rest, found := strings.CutPrefix(r.URL.EscapedPath(), "/api/v3/"); found {
		r = r.Clone(r.Context())
		r.URL.Path = strings.TrimPrefix(r.URL.Path, "/api/v3")
		r.URL.RawPath = "/" + rest
		s.serveAPI(w, r)
		return
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if apiRoots[first] {
		s.serveAPI(w, r)
		return
	}
	s.web.ServeHTTP(w, r)
}

// SetBaseURL changes the address in links, for a port that is only known after listening.
func (s *Server) SetBaseURL(u string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.baseURL = strings.TrimSuffix(u, "/")
}

// Close cancels all runs as GitHub would, waits for them and for the webhooks in progress, and saves
// the state. Deliveries that are not finished when ctx ends are logged as failed.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	for _, r := range s.state.Repos {
		for _, v := range r.Runs {
			if v.last().Status != statusCompleted {
				s.cancelRun(r, v)
			}
		}
	}
	s.mu.Unlock()
	err := waitFor(ctx, s.jobs.Wait)
	if hookErr := s.hooks.drain(ctx, s); err == nil {
		err = hookErr
	}
	s.cancel()
	if saveErr := s.saver.close(); err == nil {
		err = saveErr
	}
	return err
}

func waitFor(ctx context.Context, wait func()) error {
	done := make(chan struct{})
	go func() { defer close(done); wait() }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// addRepo opens or creates a repository, and gives a new one its first commit.
func (s *Server) addRepo(rc Repo) error {
	key := strings.ToLower(rc.Owner + "/" + rc.Name)
	r := s.state.Repos[key]
	if r == nil {
		r = &repository{
			ID: s.newID(), Owner: rc.Owner, Name: rc.Name, CreatedAt: time.Now(), PushedAt: time.Now(),
			Pulls: map[int]*pull{}, Runs: map[int64]*run{},
		}
		s.state.Repos[key] = r
	}
	if r.Variables == nil {
		r.Variables = newVariables(rc.Vars, r.CreatedAt)
	}
	r.Config, r.merge = rc, map[string]string{}
	var err error
	if r.git, err = s.openGit(rc); err != nil {
		return err
	}
	if _, err := r.git.Resolve("refs/heads/main"); err == nil {
		return nil
	}
	return seed(r.git, rc)
}

func seed(g *gitrepo.Repo, rc Repo) error {
	who := gitrepo.Signature{Name: rc.Owner, Email: "platform@" + rc.Owner + ".example", When: time.Now()}
	commit, err := commitFiles(g, "", rc.Files, gitrepo.Commit{Message: "Start the infrastructure repository", Author: who,
		Committer: who})
	if err != nil {
		return fmt.Errorf("first commit: %w", err)
	}
	return g.SetRef("refs/heads/main", commit)
}

// commitFiles writes files on top of a tree, and the commit that holds them.
func commitFiles(g *gitrepo.Repo, base string, files map[string][]byte, c gitrepo.Commit) (string, error) {
	var changes []gitrepo.Change
	for path, data := range files {
		blob, err := g.WriteBlob(data)
		if err != nil {
			return "", err
		}
		changes = append(changes, gitrepo.Change{Path: path, Mode: "100644", Hash: blob})
	}
	var err error
	if c.Tree, err = g.WriteTree(base, changes); err != nil {
		return "", err
	}
	return g.WriteCommit(c)
}

// Push commits files to main as a person.
func (s *Server) Push(repo, login, message string, files map[string][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.saver.mark()
	r := s.repoByFull(repo)
	if r == nil {
		return errNotFound
	}
	tip, err := r.git.Resolve("refs/heads/main")
	if err != nil {
		return err
	}
	who := s.signature(login)
	who.When = time.Now()
	commit, err := commitFiles(r.git, tip, files, gitrepo.Commit{Message: message, Author: who, Committer: who,
		Parents: []string{tip}})
	if err != nil {
		return err
	}
	return s.moveRef(r, principal{kind: "user", login: login}, "refs/heads/main", commit)
}

// firstID needs more than 32 bits, like run ids on GitHub.
const firstID = 12_000_000_000

func (s *Server) newID() int64 {
	s.state.NextID++
	return firstID + s.state.NextID
}

// repo finds a repository by name, in any case.
func (s *Server) repo(owner, name string) *repository {
	return s.state.Repos[strings.ToLower(owner+"/"+strings.TrimSuffix(name, ".git"))]
}
