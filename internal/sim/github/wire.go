package github

import (
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"strings"
	"sync"

	"github.com/tfpilot/tfpilot/internal/sim/github/gitrepo"
)

// objects.json holds the fields of GitHub's objects that are addresses or never differ.
//
//go:embed objects.json
var objectsFile []byte

var objectFields = sync.OnceValue(func() map[string]obj {
	var all map[string]obj
	if err := json.Unmarshal(objectsFile, &all); err != nil {
		panic(err) // the file is part of the program
	}
	return all
})

// object returns these fields of one object, with the values of the names in its addresses.
func (s *Server) object(kind string, values ...string) obj {
	to := strings.NewReplacer(append(values, "$api", s.apiURL(""), "$web", s.baseURL)...)
	return filled(objectFields()[kind], to)
}

func filled(fields obj, to *strings.Replacer) obj {
	out := make(obj, len(fields))
	for name, v := range fields {
		switch v := v.(type) {
		case string:
			out[name] = to.Replace(v)
		case obj:
			out[name] = filled(v, to)
		default:
			out[name] = v
		}
	}
	return out
}

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
	out := s.object("user", "$name", slug)
	out["login"], out["id"], out["node_id"], out["type"] = u.Login, u.ID, nodeID("User", u.ID), kind
	out["html_url"], out["url"] = html, s.apiURL("/users/"+escape(u.Login))
	return out
}

// minimalRepoJSON renders a repository inside a run object.
func (s *Server) minimalRepoJSON(r *repository) obj {
	out := s.object("minimal repository", "$name", r.full())
	out["id"], out["node_id"], out["name"], out["full_name"] = r.ID, nodeID("Repository", r.ID), r.Name, r.full()
	out["owner"] = s.userJSON(r.Owner)
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
	maps.Copy(out, s.object("repository", "$name", r.full()))
	out["created_at"], out["updated_at"], out["pushed_at"] = stamp(r.CreatedAt), stamp(r.PushedAt), stamp(r.PushedAt)
	out["open_issues_count"], out["open_issues"] = open, open
	return out
}

// fullRepoJSON adds the fields of GET on the repository itself.
func (s *Server) fullRepoJSON(r *repository, p principal) obj {
	out := s.repoJSON(r)
	role := s.role(r, p.login)
	if p.bot() {
		role = "write"
	}
	maps.Copy(out, s.object("whole repository"))
	out["permissions"] = permissionsOf(role)
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
