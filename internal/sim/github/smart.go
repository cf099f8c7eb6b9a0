package github

import (
	"bytes"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/tfpilot/tfpilot/internal/sim/github/gitrepo"
)

// serveGit serves git's smart HTTP protocol for repositories on disk. Anyone can read; a push requires
// a token that can write contents.
func (s *Server) serveGit(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	repo := s.repo(r.PathValue("owner"), r.PathValue("repo"))
	p, err := s.authenticate(r)
	s.mu.Unlock()
	push := r.URL.Query().Get("service") == "git-receive-pack" || strings.HasSuffix(r.URL.Path, "/git-receive-pack")
	switch {
	case repo == nil:
		http.Error(w, "Repository not found.", http.StatusNotFound)
	case repo.git.Dir() == "":
		http.Error(w, "This repository lives in memory and cannot be cloned.", http.StatusNotImplemented)
	case err != nil || push && p.kind == "anonymous":
		w.Header().Set("WWW-Authenticate", `Basic realm="GitHub"`)
		http.Error(w, "Authentication required.", http.StatusUnauthorized)
	case push && !s.mayPush(p, repo):
		http.Error(w, "Permission to "+repo.full()+".git denied to "+p.login+".", http.StatusForbidden)
	case push && r.Method == http.MethodPost:
		s.receive(w, r, repo, p)
	default:
		backend(r, repo, principal{}).ServeHTTP(w, r)
	}
}

func (s *Server) mayPush(p principal, r *repository) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.allows(p, r, "contents", "write")
}

// receive runs a push under the lock, so that API and git never change a repository at the same time,
// and then emits the events of the changed refs. It reads the body first: a slow client must not hold
// the lock.
func (s *Server) receive(w http.ResponseWriter, r *http.Request, repo *repository, p principal) {
	body, err := readBody(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	in := r.Clone(r.Context())
	in.Body, in.ContentLength = http.NoBody, int64(len(body))
	in.Body = noClose{bytes.NewReader(body)}
	rec := httptest.NewRecorder()
	s.mu.Lock()
	before := branches(repo)
	backend(r, repo, p).ServeHTTP(rec, in)
	s.tellMoves(repo, p, before)
	s.mu.Unlock()
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes()) // the client may be disconnected
}

type noClose struct{ *bytes.Reader }

func (noClose) Close() error { return nil }

func branches(r *repository) map[string]string {
	out := map[string]string{}
	refs, _ := r.git.Refs("refs/heads/") // an unreadable repository has no branches
	for _, ref := range refs {
		out[ref.Name] = ref.Hash
	}
	return out
}

func (s *Server) tellMoves(r *repository, p principal, before map[string]string) {
	after := branches(r)
	for name, hash := range after {
		if before[name] != hash {
			s.refMoved(r, p, name, before[name], hash)
		}
	}
	for name, hash := range before {
		if after[name] == "" {
			s.refMoved(r, p, name, hash, "")
		}
	}
}

// backend returns git's own server program for one repository.
func backend(r *http.Request, repo *repository, p principal) http.Handler {
	root := "/" + r.PathValue("owner") + "/" + r.PathValue("repo")
	env := []string{
		"GIT_PROJECT_ROOT=" + repo.git.Dir(), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
	}
	if proto := r.Header.Get("Git-Protocol"); proto != "" {
		env = append(env, "GIT_PROTOCOL="+proto)
	}
	if p.login != "" {
		env = append(env, "REMOTE_USER="+p.login)
	}
	if p.bot() {
		env = append(env, gitrepo.ForbidWorkflows+"=1")
	}
	if repo.Config.RequiredReviews > 0 {
		env = append(env, gitrepo.ProtectedRef+"=refs/heads/main")
	}
	return &cgi.Handler{Path: gitHTTPBackend(), Root: root, Dir: repo.git.Dir(), Env: env,
		InheritEnv: []string{"PATH", "HOME", "TMPDIR"}}
}

// gitHTTPBackend finds the program in git's own directory, which is not on PATH.
var gitHTTPBackend = sync.OnceValue(func() string {
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		return "git-http-backend" // fails with a clear message when it starts
	}
	return filepath.Join(strings.TrimSpace(string(out)), "git-http-backend")
})
