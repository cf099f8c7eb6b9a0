package github

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

var appRoutes = []route{
	{pattern: "GET /app", scope: "app", handle: (*Server).getApp},
	{pattern: "GET /app/installations/{id}", scope: "app", handle: (*Server).getInstallation},
	{pattern: "POST /app/installations/{id}/access_tokens", scope: "app", handle: (*Server).createToken},
	{pattern: "GET /app/hook/config", scope: "app", handle: (*Server).getHookConfig},
	{pattern: "GET /app/hook/deliveries", scope: "app", handle: (*Server).listDeliveries},
	{pattern: "POST /app/hook/deliveries/{id}/attempts", scope: "app", handle: (*Server).redeliver},
	{pattern: "GET /user", scope: "user", handle: (*Server).getSelf},
	{pattern: "GET /users/{login}", handle: (*Server).getUser},
}

func (s *Server) appPermissions() map[string]string {
	perms := maps.Clone(s.cfg.App.Permissions)
	perms["metadata"] = "read"
	return perms
}

func (s *Server) getApp(*call) (reply, error) {
	a := s.cfg.App
	return ok(obj{
		"id": a.ID, "slug": a.Slug, "node_id": nodeID("App", a.ID), "client_id": "Iv1.sandbox", "name": a.Name,
		"owner":       s.userJSON(a.Owner),
		"description": nil, "external_url": s.baseURL, "html_url": s.htmlURL("/apps/" + a.Slug),
		"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
		"permissions": s.appPermissions(), "events": s.cfg.WebhookEvents, "installations_count": 1,
	})
}

func (s *Server) installationJSON() obj {
	a := s.cfg.App
	out := obj{
		"id": a.InstallationID, "account": s.userJSON(a.Owner), "app_id": a.ID, "app_slug": a.Slug,
		"client_id": "Iv1.sandbox",
		"target_id": ownerID(a.Owner), "target_type": "Organization", "repository_selection": "all",
		"permissions": s.appPermissions(), "events": s.cfg.WebhookEvents, "single_file_name": nil,
		"access_tokens_url": s.apiURL("/app/installations/" + itoa(a.InstallationID) + "/access_tokens"),
		"repositories_url":  s.apiURL("/installation/repositories"), "html_url": s.htmlURL("/organizations/" + a.Owner),
		"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "suspended_at": nil, "suspended_by": nil,
	}
	if s.suspended {
		out["suspended_at"], out["suspended_by"] = "2026-01-02T00:00:00Z", s.userJSON(a.Owner)
	}
	return out
}

var errSuspended = fail(http.StatusForbidden, "This installation has been suspended")

// Suspend suspends the App's installation, or ends the suspension.
func (s *Server) Suspend(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.suspended = on
}

// RevokeTokens revokes all tokens of the installation early.
func (s *Server) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.state.Tokens, func(_ string, t *accessToken) bool { return t.Kind == "installation" })
}

// SetClock sets GitHub's clock ahead of this machine's, for a client whose own clock is slow. The
// clock decides about the tokens that an App signs, and every answer contains it.
func (s *Server) SetClock(ahead time.Duration) { s.clock.Store(int64(ahead)) }

func (s *Server) now() time.Time { return time.Now().Add(time.Duration(s.clock.Load())) }

func (s *Server) getInstallation(c *call) (reply, error) {
	if c.number("id") != s.cfg.App.InstallationID {
		return reply{}, errNotFound
	}
	return ok(s.installationJSON())
}

// tokenLife is how long an installation token is valid.
const tokenLife = time.Hour

func (s *Server) createToken(c *call) (reply, error) {
	if c.number("id") != s.cfg.App.InstallationID {
		return reply{}, errNotFound
	}
	if s.suspended {
		return reply{}, errSuspended
	}
	var in struct {
		Repositories  []string          `json:"repositories"`
		RepositoryIDs []int64           `json:"repository_ids"`
		Permissions   map[string]string `json:"permissions"`
	}
	if err := decode(c.body, &in); err != nil {
		return reply{}, err
	}
	perms, err := narrow(s.appPermissions(), in.Permissions)
	if err != nil {
		return reply{}, err
	}
	repos, err := s.selectRepos(in.Repositories, in.RepositoryIDs)
	if err != nil {
		return reply{}, err
	}
	t := &accessToken{Kind: "installation", Permissions: perms, Repos: repos,
		ExpiresAt: time.Now().Add(tokenLife).Truncate(time.Second)}
	selection := "all"
	if len(repos) > 0 {
		selection = "selected"
	}
	return created(obj{
		"token": s.newToken(t), "expires_at": stamp(t.ExpiresAt), "permissions": perms, "repository_selection": selection,
	})
}

// narrow returns the permissions of a token: those that are requested, and never more than the App
// has.
func narrow(have, want map[string]string) (map[string]string, error) {
	if len(want) == 0 {
		return have, nil
	}
	out := map[string]string{"metadata": "read"}
	for scope, level := range want {
		if have[scope] != "write" && have[scope] != level {
			return nil, fail(http.StatusUnprocessableEntity, "The permissions requested are not granted to this installation.")
		}
		out[scope] = level
	}
	return out, nil
}

func (s *Server) selectRepos(names []string, ids []int64) ([]string, error) {
	var out []string
	for key, r := range s.state.Repos {
		named := slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, r.Name) })
		if named || slices.Contains(ids, r.ID) {
			out = append(out, key)
		}
	}
	if len(out) < len(names) {
		return nil, fail(http.StatusUnprocessableEntity,
			"There is at least one repository that does not exist or is not accessible to the parent installation.")
	}
	slices.Sort(out)
	return out, nil
}

func (s *Server) getSelf(c *call) (reply, error) {
	if c.p.kind != "user" {
		return reply{}, refuse(c.p, "")
	}
	return ok(s.profileJSON(c.p.login))
}

func (s *Server) profileJSON(login string) obj {
	out := s.userJSON(login).(obj)
	u, _, _ := s.findUser(login)
	out["name"], out["email"], out["company"], out["blog"], out["location"], out["bio"] = orNil(u.Name), nil, nil, "",
		nil, nil
	out["hireable"], out["public_repos"], out["public_gists"], out["followers"], out["following"] = nil, 0, 0, 0, 0
	out["created_at"], out["updated_at"] = "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"
	return out
}

func (s *Server) getUser(c *call) (reply, error) {
	if _, _, found := s.findUser(c.path("login")); !found {
		return reply{}, errNotFound
	}
	return ok(s.profileJSON(c.path("login")))
}
