package github

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Rename renames a repository. As on GitHub, the old name redirects until another repository takes it.
// After a restart the simulator uses the configured names again.
func (s *Server) Rename(from, owner, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repoByFull(from)
	if r == nil || s.repo(owner, name) != nil {
		return fmt.Errorf("rename %s to %s/%s: %w", from, owner, name, errNotFound)
	}
	delete(s.state.Repos, strings.ToLower(from))
	r.Owner, r.Name = owner, name
	s.state.Repos[strings.ToLower(r.full())] = r
	s.moved[strings.ToLower(from)] = r.ID
	return nil
}

// redirect answers a request for an old name of a repository.
func (s *Server) redirect(c *call) (reply, error) {
	id := s.moved[strings.ToLower(c.path("owner")+"/"+c.path("repo"))]
	if id == 0 {
		return reply{}, errNotFound
	}
	rest := strings.SplitN(c.r.URL.EscapedPath(), "/", 5) // "", repos, owner, name, rest
	to := s.apiURL("/repositories/" + itoa(id))
	if len(rest) == 5 {
		to += "/" + rest[4]
	}
	if c.r.URL.RawQuery != "" {
		to += "?" + c.r.URL.RawQuery
	}
	status := http.StatusMovedPermanently
	if c.r.Method != http.MethodGet {
		status = http.StatusTemporaryRedirect
	}
	return reply{status: status, body: obj{"message": "Moved Permanently", "url": to, "documentation_url": docs},
		header: http.Header{"Location": {to}}}, nil
}

// named replaces /repositories/{id} in a path by the name of the repository.
func (s *Server) named(path string) string {
	id, rest, _ := strings.Cut(strings.TrimPrefix(path, "/repositories/"), "/")
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || !strings.HasPrefix(path, "/repositories/") {
		return path
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.state.Repos {
		if r.ID == n {
			return strings.TrimSuffix(repoPath(r)+"/"+rest, "/")
		}
	}
	return path
}
