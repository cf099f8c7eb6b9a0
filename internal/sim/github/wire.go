package github

import (
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/tfpilot/tfpilot/internal/sim/github/gitrepo"
)

func nodeID(kind string, id int64) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%s:%d", kind, id))
}

// findUser finds people, the App's bot, the bot of runs, and the owners of repositories.
func (s *Server) findUser(login string) (User, string, bool) {
	for _, u := range s.cfg.Users {
		if strings.EqualFold(u.Login, login) {
			return u, "User", true
		}
	}
	switch {
	case strings.EqualFold(login, s.botLogin()):
		return User{Login: s.botLogin(), ID: s.cfg.App.BotID}, "Bot", true
	case login == actionsBot:
		return User{Login: actionsBot, ID: 41898282}, "Bot", true
	case login == webFlow.Name:
		return User{Login: webFlow.Name, ID: 19864447}, "User", true
	}
	for _, r := range s.state.Repos {
		if strings.EqualFold(r.Owner, login) {
			return User{Login: r.Owner, ID: ownerID(r.Owner)}, "Organization", true
		}
	}
	return User{Login: login}, "User", false
}

func ownerID(login string) int64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(strings.ToLower(login))) // never fails
	return int64(h.Sum32()%1_000_000) + 100_000
}

func (s *Server) userJSON(login string) any {
	if login == "" {
		return nil
	}
	u, kind, _ := s.findUser(login)
	slug := strings.TrimSuffix(u.Login, "[bot]")
	html := s.htmlURL("/" + slug)
	if kind == "Bot" {
		html = s.htmlURL("/apps/" + slug)
	}
	return obj{
		"login": u.Login, "id": u.ID, "node_id": nodeID("User", u.ID), "type": kind, "site_admin": false,
		"avatar_url": s.htmlURL("/avatars/" + slug), "gravatar_id": "", "html_url": html,
		"url": s.apiURL("/users/" + escape(u.Login)), "user_view_type": "public",
		"followers_url":       s.apiURL("/users/" + slug + "/followers"),
		"following_url":       s.apiURL("/users/" + slug + "/following{/other_user}"),
		"gists_url":           s.apiURL("/users/" + slug + "/gists{/gist_id}"),
		"starred_url":         s.apiURL("/users/" + slug + "/starred{/owner}{/repo}"),
		"subscriptions_url":   s.apiURL("/users/" + slug + "/subscriptions"),
		"organizations_url":   s.apiURL("/users/" + slug + "/orgs"),
		"repos_url":           s.apiURL("/users/" + slug + "/repos"),
		"events_url":          s.apiURL("/users/" + slug + "/events{/privacy}"),
		"received_events_url": s.apiURL("/users/" + slug + "/received_events"),
	}
}

// repoLinks are the address templates that every repository object contains.
var repoLinks = map[string]string{
	"archive_url": "/{archive_format}{/ref}", "assignees_url": "/assignees{/user}", "blobs_url": "/git/blobs{/sha}",
	"branches_url": "/branches{/branch}", "collaborators_url": "/collaborators{/collaborator}",
	"comments_url": "/comments{/number}",
	"commits_url":  "/commits{/sha}", "compare_url": "/compare/{base}...{head}", "contents_url": "/contents/{+path}",
	"contributors_url": "/contributors", "deployments_url": "/deployments", "downloads_url": "/downloads",
	"events_url": "/events",
	"forks_url":  "/forks", "git_commits_url": "/git/commits{/sha}", "git_refs_url": "/git/refs{/sha}",
	"git_tags_url": "/git/tags{/sha}",
	"hooks_url":    "/hooks", "issue_comment_url": "/issues/comments{/number}",
	"issue_events_url": "/issues/events{/number}",
	"issues_url":       "/issues{/number}", "keys_url": "/keys{/key_id}", "labels_url": "/labels{/name}",
	"languages_url": "/languages",
	"merges_url":    "/merges", "milestones_url": "/milestones{/number}",
	"notifications_url": "/notifications{?since,all,participating}",
	"pulls_url":         "/pulls{/number}", "releases_url": "/releases{/id}", "stargazers_url": "/stargazers",
	"statuses_url":    "/statuses/{sha}",
	"subscribers_url": "/subscribers", "subscription_url": "/subscription", "tags_url": "/tags", "teams_url": "/teams",
	"trees_url": "/git/trees{/sha}",
}

// minimalRepoJSON renders a repository inside a run object.
func (s *Server) minimalRepoJSON(r *repository) obj {
	out := obj{
		"id": r.ID, "node_id": nodeID("Repository", r.ID), "name": r.Name, "full_name": r.full(), "private": false,
		"owner": s.userJSON(r.Owner), "html_url": s.htmlURL("/" + r.full()), "description": nil, "fork": false,
		"url": s.apiURL(repoPath(r)),
	}
	for name, suffix := range repoLinks {
		out[name] = s.apiURL(repoPath(r) + suffix)
	}
	return out
}

func (s *Server) repoJSON(r *repository) obj {
	open := 0
	for _, p := range r.Pulls {
		if !p.Closed {
			open++
		}
	}
	out := s.minimalRepoJSON(r)
	for k, v := range (obj{
		"default_branch": "main", "visibility": "public", "archived": false, "disabled": false, "is_template": false,
		"clone_url": s.htmlURL("/" + r.full() + ".git"), "git_url": s.htmlURL("/" + r.full() + ".git"),
		"ssh_url": s.htmlURL("/" + r.full() + ".git"), "svn_url": s.htmlURL("/" + r.full()), "mirror_url": nil,
		"homepage":   nil,
		"created_at": stamp(r.CreatedAt), "updated_at": stamp(r.PushedAt), "pushed_at": stamp(r.PushedAt),
		"size": 1, "stargazers_count": 0, "watchers_count": 0, "watchers": 0, "forks_count": 0, "forks": 0, "language": "HCL",
		"open_issues_count": open, "open_issues": open, "has_issues": true, "has_projects": false, "has_wiki": false,
		"has_pages": false, "has_downloads": false, "has_discussions": false, "allow_forking": true,
		"web_commit_signoff_required": false,
		"topics":                      []string{}, "license": nil,
	}) {
		out[k] = v
	}
	return out
}

// fullRepoJSON adds the fields of GET on the repository itself.
func (s *Server) fullRepoJSON(r *repository, p principal) obj {
	out := s.repoJSON(r)
	role := s.role(r, p.login)
	if p.bot() {
		role = "write"
	}
	out["permissions"] = permissionsOf(role)
	out["allow_merge_commit"], out["allow_squash_merge"], out["allow_rebase_merge"] = true, true, false
	out["delete_branch_on_merge"], out["allow_auto_merge"] = false, false
	out["network_count"], out["subscribers_count"] = 0, 0
	return out
}

func signatureJSON(g gitrepo.Signature) obj {
	return obj{"name": g.Name, "email": g.Email, "date": stamp(g.When)}
}

// sign records that GitHub signed a commit. GitHub signs commits that its site or an App creates
// without an author or committer of their own.
func (r *repository) sign(hash string) {
	if r.Signed == nil {
		r.Signed = map[string]bool{}
	}
	r.Signed[hash] = true
}

// writeSigned writes a commit that GitHub signs.
func (r *repository) writeSigned(c gitrepo.Commit) (string, error) {
	hash, err := r.git.WriteCommit(c)
	if err == nil {
		r.sign(hash)
	}
	return hash, err
}

func verificationJSON(r *repository, hash string) obj {
	if r.Signed[hash] {
		return obj{"verified": true, "reason": "valid", "signature": "-----BEGIN PGP SIGNATURE-----", "payload": "",
			"verified_at": nil}
	}
	return obj{"verified": false, "reason": "unsigned", "signature": nil, "payload": nil, "verified_at": nil}
}

func (s *Server) parentsJSON(r *repository, parents []string, api string) []obj {
	out := make([]obj, 0, len(parents))
	for _, p := range parents {
		out = append(out, obj{"sha": p, "url": s.apiURL(repoPath(r) + api + p),
			"html_url": s.htmlURL("/" + r.full() + "/commit/" + p)})
	}
	return out
}

// gitCommitJSON renders a commit as the git database API does.
func (s *Server) gitCommitJSON(r *repository, c gitrepo.Commit) obj {
	return obj{
		"sha": c.Hash, "node_id": nodeID("Commit", ownerID(c.Hash)), "url": s.apiURL(repoPath(r) + "/git/commits/" + c.Hash),
		"html_url": s.htmlURL("/" + r.full() + "/commit/" + c.Hash),
		"author":   signatureJSON(c.Author), "committer": signatureJSON(c.Committer), "message": c.Message,
		"tree":         obj{"sha": c.Tree, "url": s.apiURL(repoPath(r) + "/git/trees/" + c.Tree)},
		"parents":      s.parentsJSON(r, c.Parents, "/git/commits/"),
		"verification": verificationJSON(r, c.Hash),
	}
}

// commitJSON renders a commit as the repository API does.
func (s *Server) commitJSON(r *repository, c gitrepo.Commit) obj {
	return obj{
		"sha": c.Hash, "node_id": nodeID("Commit", ownerID(c.Hash)), "url": s.apiURL(repoPath(r) + "/commits/" + c.Hash),
		"html_url":     s.htmlURL("/" + r.full() + "/commit/" + c.Hash),
		"comments_url": s.apiURL(repoPath(r) + "/commits/" + c.Hash + "/comments"),
		"commit": obj{
			"author": signatureJSON(c.Author), "committer": signatureJSON(c.Committer), "message": c.Message, "comment_count": 0,
			"tree":         obj{"sha": c.Tree, "url": s.apiURL(repoPath(r) + "/git/trees/" + c.Tree)},
			"url":          s.apiURL(repoPath(r) + "/git/commits/" + c.Hash),
			"verification": verificationJSON(r, c.Hash),
		},
		"author": s.accountOf(c.Author), "committer": s.accountOf(c.Committer),
		"parents": s.parentsJSON(r, c.Parents, "/commits/"),
	}
}

// accountOf links a signature to an account by its noreply address.
func (s *Server) accountOf(g gitrepo.Signature) any {
	_, login, found := strings.Cut(strings.TrimSuffix(g.Email, noReply), "+")
	if !found || !strings.HasSuffix(g.Email, noReply) {
		return nil
	}
	return s.userJSON(login)
}

const noReply = "@users.noreply.github.com"

// webFlow is the committer of commits made through the API or the site.
var webFlow = gitrepo.Signature{Name: "web-flow", Email: "19864447+web-flow" + noReply}

func (s *Server) signature(login string) gitrepo.Signature {
	u, _, _ := s.findUser(login)
	name := u.Name
	if name == "" {
		name = u.Login
	}
	return gitrepo.Signature{Name: name, Email: fmt.Sprintf("%d+%s%s", u.ID, u.Login, noReply)}
}

func (s *Server) fileJSON(r *repository, head string, d gitrepo.FileDiff) obj {
	out := obj{
		"sha": d.Hash, "filename": d.Path, "status": d.Status,
		"additions": d.Additions, "deletions": d.Deletions, "changes": d.Additions + d.Deletions,
		"blob_url":     s.htmlURL("/" + r.full() + "/blob/" + head + "/" + escape(d.Path)),
		"raw_url":      s.htmlURL("/" + r.full() + "/raw/" + head + "/" + escape(d.Path)),
		"contents_url": s.apiURL(repoPath(r) + "/contents/" + escape(d.Path) + "?ref=" + head),
	}
	if d.Patch != "" {
		out["patch"] = d.Patch
	}
	if d.Previous != "" {
		out["previous_filename"] = d.Previous
	}
	return out
}
