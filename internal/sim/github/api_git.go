package github

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/sim/github/gitrepo"
)

var gitRoutes = []route{
	{pattern: "GET /repos/{owner}/{repo}/git/ref/{ref...}", scope: "contents", handle: (*Server).getRef},
	{pattern: "GET /repos/{owner}/{repo}/git/matching-refs/{ref...}", scope: "contents", handle: (*Server).matchingRefs},
	{pattern: "POST /repos/{owner}/{repo}/git/refs", scope: "contents", handle: (*Server).createRef},
	{pattern: "PATCH /repos/{owner}/{repo}/git/refs/{ref...}", scope: "contents", handle: (*Server).updateRef},
	{pattern: "DELETE /repos/{owner}/{repo}/git/refs/{ref...}", scope: "contents", handle: (*Server).deleteRef},
	{pattern: "GET /repos/{owner}/{repo}/git/trees/{sha...}", scope: "contents", handle: (*Server).getTree},
	{pattern: "POST /repos/{owner}/{repo}/git/trees", scope: "contents", handle: (*Server).createTree},
	{pattern: "GET /repos/{owner}/{repo}/git/commits/{sha}", scope: "contents", handle: (*Server).getGitCommit},
	{pattern: "POST /repos/{owner}/{repo}/git/commits", scope: "contents", handle: (*Server).createCommit},
}

func (s *Server) refJSON(r *repository, ref gitrepo.Ref) obj {
	return obj{
		"ref": ref.Name, "node_id": nodeID("Ref", ownerID(ref.Name)),
		"url":    s.apiURL(repoPath(r) + "/git/" + escape(ref.Name)),
		"object": obj{"sha": ref.Hash, "type": "commit", "url": s.apiURL(repoPath(r) + "/git/commits/" + ref.Hash)},
	}
}

func (s *Server) getRef(c *call) (reply, error) {
	name := "refs/" + c.path("ref")
	hash, err := c.repo.git.Resolve(name)
	if err != nil {
		return reply{}, err
	}
	return ok(s.refJSON(c.repo, gitrepo.Ref{Name: name, Hash: hash}))
}

func (s *Server) matchingRefs(c *call) (reply, error) {
	refs, err := c.repo.git.Refs("refs/" + c.path("ref"))
	if err != nil {
		return reply{}, err
	}
	return paginate(s, c, refs, func(ref gitrepo.Ref) obj { return s.refJSON(c.repo, ref) })
}

func (s *Server) createRef(c *call) (reply, error) {
	var in struct{ Ref, SHA string }
	if err := decode(c.body, &in); err != nil {
		return reply{}, err
	}
	if gitrepo.CheckRefName(in.Ref) != nil {
		return reply{}, fail(http.StatusUnprocessableEntity,
			"Reference name must start with 'refs' and have at least two slashes.")
	}
	if _, err := c.repo.git.Commit(in.SHA); err != nil {
		return reply{}, fail(http.StatusUnprocessableEntity, "Object does not exist")
	}
	if _, err := c.repo.git.Resolve(in.Ref); err == nil {
		return reply{}, fail(http.StatusUnprocessableEntity, "Reference already exists")
	}
	if err := s.moveRef(c.repo, c.p, in.Ref, in.SHA); err != nil {
		return reply{}, err
	}
	return created(s.refJSON(c.repo, gitrepo.Ref{Name: in.Ref, Hash: in.SHA}))
}

func (s *Server) updateRef(c *call) (reply, error) {
	var in struct {
		SHA   string
		Force bool
	}
	if err := decode(c.body, &in); err != nil {
		return reply{}, err
	}
	name := "refs/" + c.path("ref")
	old, err := c.repo.git.Resolve(name)
	if err != nil {
		return reply{}, fail(http.StatusUnprocessableEntity, "Reference does not exist")
	}
	if _, err := c.repo.git.Commit(in.SHA); err != nil {
		return reply{}, fail(http.StatusUnprocessableEntity, "Object does not exist")
	}
	if !in.Force && !c.repo.git.IsAncestor(old, in.SHA) {
		return reply{}, fail(http.StatusUnprocessableEntity, "Update is not a fast forward")
	}
	if err := s.moveRef(c.repo, c.p, name, in.SHA); err != nil {
		return reply{}, err
	}
	return ok(s.refJSON(c.repo, gitrepo.Ref{Name: name, Hash: in.SHA}))
}

func (s *Server) deleteRef(c *call) (reply, error) {
	name := "refs/" + c.path("ref")
	if _, err := c.repo.git.Resolve(name); err != nil {
		return reply{}, fail(http.StatusUnprocessableEntity, "Reference does not exist")
	}
	if name == "refs/heads/main" {
		return reply{}, fail(http.StatusUnprocessableEntity, "Cannot delete the default branch")
	}
	if err := s.moveRef(c.repo, c.p, name, ""); err != nil {
		return reply{}, err
	}
	return noContent()
}

// moveRef points a ref at a commit as the principal (empty deletes the ref) and updates pull requests.
func (s *Server) moveRef(r *repository, p principal, name, hash string) error {
	old, _ := r.git.Resolve(name) // empty if it is new
	if p.bot() && hash != "" {
		if path := s.newWorkflow(r, hash); path != "" {
			return fail(http.StatusForbidden,
				"refusing to allow a GitHub App to create or update workflow `%s` without `workflows` permission", path)
		}
	}
	if name == "refs/heads/main" && old != "" && r.Config.RequiredReviews > 0 {
		return fail(http.StatusUnprocessableEntity,
			"Repository rule violations found\n\nChanges must be made through a pull request.\n\n")
	}
	var err error
	if hash == "" {
		err = r.git.DeleteRef(name)
	} else {
		err = r.git.SetRef(name, hash)
	}
	if err == nil {
		s.refMoved(r, p, name, old, hash)
	}
	return err
}

// newWorkflow finds a workflow file at a commit with a content that no branch contains.
func (s *Server) newWorkflow(r *repository, commit string) string {
	files, err := r.git.Files(commit)
	if err != nil {
		return ""
	}
	refs, _ := r.git.Refs("refs/heads/")
	for path, e := range files {
		if !strings.HasPrefix(path, ".github/workflows/") {
			continue
		}
		known := false
		for _, ref := range refs {
			have, err := r.git.Lookup(ref.Hash, path)
			known = known || err == nil && have.Hash == e.Hash
		}
		if !known {
			return path
		}
	}
	return ""
}

func (s *Server) treeJSON(r *repository, hash string, entries []gitrepo.Entry) obj {
	out := make([]obj, 0, len(entries))
	for _, e := range entries {
		item := obj{"path": e.Path, "mode": e.Mode, "type": e.Type, "sha": e.Hash}
		if e.Type == "tree" {
			item["url"] = s.apiURL(repoPath(r) + "/git/trees/" + e.Hash)
		} else {
			item["size"], item["url"] = e.Size, s.apiURL(repoPath(r)+"/git/blobs/"+e.Hash)
		}
		out = append(out, item)
	}
	return obj{"sha": hash, "url": s.apiURL(repoPath(r) + "/git/trees/" + hash), "tree": out, "truncated": false}
}

func (s *Server) getTree(c *call) (reply, error) {
	name := c.path("sha")
	if tip, err := c.repo.git.Find(name); err == nil {
		name = tip
	}
	hash, entries, err := c.repo.git.Tree(name, c.query("recursive") != "")
	if err != nil {
		return reply{}, err
	}
	return ok(s.treeJSON(c.repo, hash, entries))
}

type treeItem struct {
	Path, Mode, Type string
	SHA              json.RawMessage
	Content          *string
}

func (s *Server) createTree(c *call) (reply, error) {
	var in struct {
		BaseTree string     `json:"base_tree"`
		Tree     []treeItem `json:"tree"`
	}
	if err := decode(c.body, &in); err != nil {
		return reply{}, err
	}
	if len(in.Tree) == 0 {
		return reply{}, fail(http.StatusUnprocessableEntity, "Invalid tree info")
	}
	changes := make([]gitrepo.Change, 0, len(in.Tree))
	for _, item := range in.Tree {
		change, err := s.treeChange(c, item)
		if err != nil {
			return reply{}, err
		}
		changes = append(changes, change)
	}
	hash, err := c.repo.git.WriteTree(in.BaseTree, changes)
	switch {
	case errors.Is(err, gitrepo.ErrBadTree):
		return reply{}, fail(http.StatusUnprocessableEntity, "GitRPC::BadObjectState")
	case errors.Is(err, gitrepo.ErrNotFound):
		return reply{}, fail(http.StatusUnprocessableEntity, "tree.sha %s is not a valid blob or tree", in.BaseTree)
	case err != nil:
		return reply{}, err
	}
	_, entries, err := c.repo.git.Tree(hash, false)
	if err != nil {
		return reply{}, err
	}
	return created(s.treeJSON(c.repo, hash, entries))
}

var treeModes = map[string]bool{"100644": true, "100755": true, "040000": true, "120000": true}

func (s *Server) treeChange(c *call, item treeItem) (gitrepo.Change, error) {
	change := gitrepo.Change{Path: item.Path, Mode: item.Mode}
	if c.p.bot() && strings.HasPrefix(item.Path, ".github/workflows/") {
		return change, refuse(c.p, "workflows")
	}
	sha := strings.Trim(string(item.SHA), `"`)
	switch {
	case sha == "null":
		return change, nil
	case !treeModes[item.Mode]:
		return change, fail(http.StatusUnprocessableEntity, "Must supply a valid tree.mode")
	case sha != "" && item.Content != nil:
		return change, fail(http.StatusUnprocessableEntity, "Must supply either tree.sha or tree.content, not both")
	case sha != "":
		change.Hash = sha
		return change, nil
	case item.Content == nil:
		return change, fail(http.StatusUnprocessableEntity, "Must supply tree.sha or tree.content")
	}
	var err error
	change.Hash, err = c.repo.git.WriteBlob([]byte(*item.Content))
	return change, err
}

func (s *Server) getGitCommit(c *call) (reply, error) {
	commit, err := c.repo.git.Commit(c.path("sha"))
	if err != nil {
		return reply{}, err
	}
	return ok(s.gitCommitJSON(c.repo, commit))
}

type identity struct {
	Name, Email string
	Date        time.Time
}

// or fills missing fields from a default signature.
func (w *identity) or(def gitrepo.Signature) gitrepo.Signature {
	def.When = time.Now()
	if w == nil || w.Name == "" {
		return def
	}
	if w.Date.IsZero() {
		w.Date = def.When
	}
	return gitrepo.Signature{Name: w.Name, Email: w.Email, When: w.Date}
}

func (s *Server) createCommit(c *call) (reply, error) {
	var in struct {
		Message, Tree     string
		Parents           []string
		Author, Committer *identity
	}
	if err := decode(c.body, &in); err != nil {
		return reply{}, err
	}
	if in.Message == "" || in.Tree == "" {
		return reply{}, fail(http.StatusUnprocessableEntity, "Invalid request.\n\n\"message\", \"tree\" weren't supplied.")
	}
	commit := gitrepo.Commit{Tree: in.Tree, Parents: in.Parents, Message: in.Message}
	commit.Author = in.Author.or(s.signature(c.p.login))
	commit.Committer = in.Committer.or(commit.Author)
	signed := in.Author == nil && in.Committer == nil && c.p.bot()
	switch {
	case signed:
		commit.Committer = webFlow
		commit.Committer.When = commit.Author.When
	case in.Committer == nil:
		commit.Committer = commit.Author
	}
	hash, err := c.repo.git.WriteCommit(commit)
	if errors.Is(err, gitrepo.ErrNotFound) {
		return reply{}, fail(http.StatusUnprocessableEntity, "Tree SHA does not exist")
	}
	if err != nil {
		return reply{}, err
	}
	if signed {
		c.repo.sign(hash)
	}
	if commit, err = c.repo.git.Commit(hash); err != nil {
		return reply{}, err
	}
	return created(s.gitCommitJSON(c.repo, commit))
}
