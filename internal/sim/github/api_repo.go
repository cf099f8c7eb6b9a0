package github

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/sim/github/gitrepo"
)

var repoRoutes = []route{
	{pattern: "GET /repos/{owner}/{repo}", scope: "metadata", handle: (*Server).getRepo},
	{pattern: "GET /repos/{owner}/{repo}/commits", scope: "contents", handle: (*Server).listCommits},
	{pattern: "GET /repos/{owner}/{repo}/compare/{basehead...}", scope: "contents", handle: (*Server).compare},
	{pattern: "GET /repos/{owner}/{repo}/contents/{path...}", scope: "contents", handle: (*Server).getContents},
	{pattern: "PUT /repos/{owner}/{repo}/contents/{path...}", scope: "contents", handle: (*Server).putContents},
	{pattern: "DELETE /repos/{owner}/{repo}/contents/{path...}", scope: "contents", handle: (*Server).deleteContents},
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func (s *Server) getRepo(c *call) (reply, error) { return ok(s.fullRepoJSON(c.repo, c.p)) }

// maxCommits bounds walks through history.
const maxCommits = 10000

func (s *Server) listCommits(c *call) (reply, error) {
	tip, err := c.repo.git.Find(c.query("sha"))
	if err != nil {
		return reply{}, err
	}
	commits, err := c.repo.git.Log(tip, "", maxCommits)
	if err != nil {
		return reply{}, err
	}
	return paginate(s, c, commits, func(g gitrepo.Commit) obj { return s.commitJSON(c.repo, g) })
}

// A comparison lists this many files, and this many commits without paging.
const (
	maxFiles    = 300
	maxCompared = 250
)

func (s *Server) filesJSON(r *repository, head string, files []gitrepo.FileDiff) ([]obj, obj) {
	out := make([]obj, 0, len(files))
	add, del := 0, 0
	for i, f := range files {
		add, del = add+f.Additions, del+f.Deletions
		if i < maxFiles {
			out = append(out, s.fileJSON(r, head, f))
		}
	}
	return out, obj{"additions": add, "deletions": del, "total": add + del}
}

func (s *Server) compare(c *call) (reply, error) {
	base, head, found := strings.Cut(c.path("basehead"), "...")
	if !found {
		return reply{}, errNotFound
	}
	g := c.repo.git
	baseSHA, err := s.findOwned(c.repo, base)
	if err != nil {
		return reply{}, err
	}
	headSHA, err := s.findOwned(c.repo, head)
	if err != nil {
		return reply{}, err
	}
	mergeBase, err := g.MergeBase(baseSHA, headSHA)
	if errors.Is(err, gitrepo.ErrUnrelated) {
		return reply{}, fail(http.StatusNotFound, "No common ancestor between %s and %s.", base, head)
	}
	if err != nil {
		return reply{}, err
	}
	out, err := s.comparison(c, baseSHA, headSHA, mergeBase)
	if err != nil {
		return reply{}, err
	}
	self := "/compare/" + escape(base) + "..." + escape(head)
	out["url"], out["html_url"] = s.apiURL(repoPath(c.repo)+self), s.htmlURL("/"+c.repo.full()+self)
	out["permalink_url"] = s.htmlURL("/" + c.repo.full() + "/compare/" + baseSHA + "..." + headSHA)
	out["diff_url"], out["patch_url"] = s.htmlURL("/"+c.repo.full()+self+".diff"),
		s.htmlURL("/"+c.repo.full()+self+".patch")
	return ok(out)
}

// findOwned accepts "branch" and "owner:branch".
func (s *Server) findOwned(r *repository, name string) (string, error) {
	if owner, branch, found := strings.Cut(name, ":"); found && strings.EqualFold(owner, r.Owner) {
		name = branch
	}
	return r.git.Find(name)
}

func (s *Server) comparison(c *call, base, head, mergeBase string) (obj, error) {
	g := c.repo.git
	ahead, err := g.Log(head, base, maxCommits)
	if err != nil {
		return nil, err
	}
	behind, err := g.Log(base, head, maxCommits)
	if err != nil {
		return nil, err
	}
	files, err := g.Diff(mergeBase, head)
	if err != nil {
		return nil, err
	}
	baseCommit, err := g.Commit(base)
	if err != nil {
		return nil, err
	}
	forkCommit, err := g.Commit(mergeBase)
	if err != nil {
		return nil, err
	}
	page := oldestFirst(ahead[:min(len(ahead), maxCompared)])
	if c.query("per_page") != "" {
		page, _ = paged(s, c, oldestFirst(ahead))
	}
	commits := make([]obj, 0, len(page))
	for _, one := range page {
		commits = append(commits, s.commitJSON(c.repo, one))
	}
	shown, _ := s.filesJSON(c.repo, head, files)
	return obj{
		"status": relation(len(ahead), len(behind)), "ahead_by": len(ahead), "behind_by": len(behind),
		"total_commits": len(ahead),
		"base_commit":   s.commitJSON(c.repo, baseCommit), "merge_base_commit": s.commitJSON(c.repo, forkCommit),
		"commits": commits, "files": shown,
	}, nil
}

func relation(ahead, behind int) string {
	switch {
	case ahead == 0 && behind == 0:
		return "identical"
	case behind == 0:
		return "ahead"
	case ahead == 0:
		return "behind"
	}
	return "diverged"
}

func oldestFirst(commits []gitrepo.Commit) []gitrepo.Commit {
	out := make([]gitrepo.Commit, 0, len(commits))
	for i := len(commits) - 1; i >= 0; i-- {
		out = append(out, commits[i])
	}
	return out
}

func (s *Server) getContents(c *call) (reply, error) {
	path := strings.Trim(c.path("path"), "/")
	tip, err := c.repo.git.Find(c.query("ref"))
	if err != nil {
		return reply{}, fail(http.StatusNotFound, "No commit found for the ref %s", c.query("ref"))
	}
	e, err := c.repo.git.Lookup(tip, path)
	if err != nil {
		return reply{}, err
	}
	if e.Type != "tree" {
		return s.fileContents(c, tip, e)
	}
	_, entries, err := c.repo.git.Tree(e.Hash, false)
	if err != nil {
		return reply{}, err
	}
	out := make([]obj, 0, len(entries))
	for _, child := range entries {
		child.Path = strings.TrimPrefix(path+"/"+child.Path, "/")
		out = append(out, s.contentJSON(c.repo, tip, child))
	}
	return ok(out)
}

func (s *Server) fileContents(c *call, tip string, e gitrepo.Entry) (reply, error) {
	data, err := c.repo.git.Blob(e.Hash)
	if err != nil {
		return reply{}, err
	}
	if strings.Contains(c.r.Header.Get("Accept"), ".raw") {
		return reply{status: http.StatusOK, raw: data,
			header: http.Header{"Content-Type": {"application/vnd.github.raw; charset=utf-8"}}}, nil
	}
	out := s.contentJSON(c.repo, tip, e)
	out["encoding"], out["content"] = "base64", wrap64(data)
	if len(data) > maxContent {
		out["encoding"], out["content"] = "none", ""
	}
	return ok(out)
}

// maxContent is the largest file that the answer contains.
const maxContent = 1 << 20

// wrap64 breaks base64 into lines of 60 characters, as GitHub does.
func wrap64(data []byte) string {
	text := base64.StdEncoding.EncodeToString(data)
	var out strings.Builder
	for len(text) > 60 {
		out.WriteString(text[:60] + "\n")
		text = text[60:]
	}
	if text != "" {
		out.WriteString(text + "\n")
	}
	return out.String()
}

func (s *Server) contentJSON(r *repository, tip string, e gitrepo.Entry) obj {
	kind, api := "file", "/git/blobs/"
	if e.Type == "tree" {
		kind, api = "dir", "/git/trees/"
	}
	self := s.apiURL(repoPath(r) + "/contents/" + escape(e.Path) + "?ref=" + tip)
	html := s.htmlURL("/" + r.full() + "/blob/" + tip + "/" + escape(e.Path))
	git := s.apiURL(repoPath(r) + api + e.Hash)
	out := obj{
		"type": kind, "name": e.Path[strings.LastIndex(e.Path, "/")+1:], "path": e.Path, "sha": e.Hash, "size": e.Size,
		"url": self, "html_url": html, "git_url": git, "download_url": nil,
		"_links": obj{"self": self, "html": html, "git": git},
	}
	if kind == "file" {
		out["download_url"] = s.htmlURL("/" + r.full() + "/raw/" + tip + "/" + escape(e.Path))
	}
	return out
}

type contentsBody struct {
	Message string `json:"message"`
	Content string `json:"content"`
	SHA     string `json:"sha"`
	Branch  string `json:"branch"`
}

func (s *Server) putContents(c *call) (reply, error) {
	return s.changeContents(c, func(in contentsBody) (string, error) {
		data, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(in.Content, "\n", ""))
		if err != nil {
			return "", fail(http.StatusUnprocessableEntity, "content is not valid Base64")
		}
		return c.repo.git.WriteBlob(data)
	})
}

func (s *Server) deleteContents(c *call) (reply, error) {
	return s.changeContents(c, func(in contentsBody) (string, error) {
		if in.SHA == "" {
			return "", fail(http.StatusUnprocessableEntity, "Invalid request.\n\n\"sha\" wasn't supplied.")
		}
		return "", nil
	})
}

// changeContents commits one file to the head of a branch.
func (s *Server) changeContents(c *call, blob func(contentsBody) (string, error)) (reply, error) {
	in := contentsBody{Branch: "main"}
	if err := decode(c.body, &in); err != nil {
		return reply{}, err
	}
	ref, path := "refs/heads/"+in.Branch, c.path("path")
	tip, err := c.repo.git.Resolve(ref)
	if err != nil {
		return reply{}, fail(http.StatusNotFound, "Branch %s not found", in.Branch)
	}
	old, lookErr := c.repo.git.Lookup(tip, path)
	if err := guardContents(path, in.SHA, old.Hash, lookErr == nil); err != nil {
		return reply{}, err
	}
	hash, err := blob(in)
	if err != nil {
		return reply{}, err
	}
	commit, err := s.commitChange(c, tip, in.Message, gitrepo.Change{Path: path, Mode: "100644", Hash: hash})
	if err != nil {
		return reply{}, err
	}
	if err := s.moveRef(c.repo, c.p, ref, commit.Hash); err != nil {
		return reply{}, err
	}
	out := obj{"commit": s.gitCommitJSON(c.repo, commit), "content": nil}
	if e, err := c.repo.git.Lookup(commit.Hash, path); err == nil {
		out["content"] = s.contentJSON(c.repo, commit.Hash, e)
	}
	if lookErr == nil {
		return ok(out)
	}
	return created(out)
}

func guardContents(path, sha, have string, exists bool) error {
	switch {
	case exists && sha == "":
		return fail(http.StatusUnprocessableEntity, "Invalid request.\n\n\"sha\" wasn't supplied.")
	case exists && sha != have:
		return fail(http.StatusConflict, "%s does not match %s", path, sha)
	}
	return nil
}

func (s *Server) commitChange(c *call, tip, message string, change gitrepo.Change) (gitrepo.Commit, error) {
	tree, err := c.repo.git.WriteTree(tip, []gitrepo.Change{change})
	if errors.Is(err, gitrepo.ErrBadTree) {
		return gitrepo.Commit{}, errNotFound
	}
	if err != nil {
		return gitrepo.Commit{}, err
	}
	author, committer := s.signature(c.p.login), webFlow
	author.When, committer.When = time.Now(), time.Now()
	commit := gitrepo.Commit{Tree: tree, Parents: []string{tip}, Message: message, Author: author, Committer: committer}
	commit.Hash, err = c.repo.writeSigned(commit)
	return commit, err
}

func permissionsOf(role string) obj {
	admin, write := role == "admin", role == "admin" || role == "write"
	return obj{"admin": admin, "maintain": admin, "push": write, "triage": write, "pull": true}
}
