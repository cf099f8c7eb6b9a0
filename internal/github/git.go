package github

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha1" // the hash that git names objects by
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Commits are made of git objects through the REST API, without a clone: a tree with one changed
// file on top of the base, a commit of that tree, and at last a reference. Objects have the hash
// of their content as a name, so all calls but the last can be repeated without effect, and
// nothing is visible before the last one. A process that dies in between leaves no half-made
// branch.

const (
	modeFile = "100644"
	// The contents API returns larger files without their content.
	maxFile = 1 << 20
)

// Tip reads the commit that a branch points to.
func (c *Client) Tip(ctx context.Context, repo Repo, branch string) (string, error) {
	if err := checkRef(branch); err != nil {
		return "", err
	}
	path, err := repo.path("/git/ref/heads/%s", escape(branch))
	if err != nil {
		return "", err
	}
	var out struct {
		Object struct {
			SHA string `json:"sha"`
		} `json:"object"`
	}
	if _, err := c.call(ctx, http.MethodGet, path, nil, &out); err != nil {
		return "", fmt.Errorf("tip of %s: %w", branch, err)
	}
	return out.Object.SHA, checkSHA(out.Object.SHA)
}

// Tree is the content of a commit: the blob id of each file by its path.
type Tree struct {
	Commit    string            // requested
	SHA       string            // of the root tree; empty when Truncated
	Entries   map[string]string // path → blob
	Truncated bool              // GitHub left some entries out
}

type treeEntry struct {
	Path    string  `json:"path"`
	Mode    string  `json:"mode"`
	Type    string  `json:"type"`
	SHA     string  `json:"sha,omitempty"`
	Content *string `json:"content,omitempty"`
}

// Tree reads all paths of a commit.
func (c *Client) Tree(ctx context.Context, repo Repo, commit string) (Tree, error) {
	if err := checkSHA(commit); err != nil {
		return Tree{}, err
	}
	path, err := repo.path("/git/trees/%s?recursive=1", commit)
	if err != nil {
		return Tree{}, err
	}
	var out struct {
		Tree      []treeEntry `json:"tree"`
		Truncated bool        `json:"truncated"`
	}
	if _, err := c.call(ctx, http.MethodGet, path, nil, &out); err != nil {
		return Tree{}, fmt.Errorf("tree of %s: %w", commit, err)
	}
	t := Tree{Commit: commit, Entries: make(map[string]string, len(out.Tree)), Truncated: out.Truncated}
	for _, e := range out.Tree {
		if e.Type == "blob" {
			t.Entries[e.Path] = e.SHA
		}
	}
	if !t.Truncated {
		t.SHA, err = rootTree(out.Tree)
	}
	return t, err
}

// rootTree computes the id of the root tree from its entries. GitHub's response repeats the
// requested id, which may be the commit's.
func rootTree(all []treeEntry) (string, error) {
	var top []treeEntry
	for _, e := range all {
		if !strings.Contains(e.Path, "/") {
			top = append(top, e)
		}
	}
	// git sorts a directory as if its name ended with a slash
	name := func(e treeEntry) string {
		if e.Type == "tree" {
			return e.Path + "/"
		}
		return e.Path
	}
	slices.SortFunc(top, func(a, b treeEntry) int { return cmp.Compare(name(a), name(b)) })
	var body bytes.Buffer
	for _, e := range top {
		id, err := hex.DecodeString(e.SHA)
		if err != nil || len(id) != sha1.Size {
			return "", fmt.Errorf("tree entry %q: id %q: %w", e.Path, e.SHA, errName)
		}
		fmt.Fprintf(&body, "%s %s\x00%s", strings.TrimLeft(e.Mode, "0"), e.Path, id)
	}
	return objectID("tree", body.Bytes()), nil
}

// BlobID returns the id that git gives to a file's content.
func BlobID(content []byte) string { return objectID("blob", content) }

func objectID(kind string, content []byte) string {
	h := sha1.New()
	fmt.Fprintf(h, "%s %d\x00", kind, len(content))
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}

// File is one file at a commit.
type File struct {
	Content []byte
	Blob    string
}

// File reads a file of at most 1 MiB at a commit or branch.
func (c *Client) File(ctx context.Context, repo Repo, ref, name string) (File, error) {
	if err := errors.Join(checkRef(ref), checkRef(name)); err != nil {
		return File{}, err
	}
	path, err := repo.path("/contents/%s?ref=%s", escape(name), queryEscape(ref))
	if err != nil {
		return File{}, err
	}
	var out struct {
		Type     string `json:"type"`
		Encoding string `json:"encoding"`
		Content  string `json:"content"`
		SHA      string `json:"sha"`
	}
	if _, err := c.call(ctx, http.MethodGet, path, nil, &out); err != nil {
		return File{}, fmt.Errorf("file %s at %s: %w", name, ref, err)
	}
	// base64 makes four characters of three bytes, and GitHub adds line breaks.
	if out.Type != "file" || out.Encoding != "base64" || base64.StdEncoding.DecodedLen(len(out.Content)) > 2*maxFile {
		return File{}, fmt.Errorf("file %s at %s: %s with encoding %q: %w", name, ref, out.Type, out.Encoding, ErrTooLarge)
	}
	content, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(out.Content, "\n", ""))
	if err != nil {
		return File{}, fmt.Errorf("file %s at %s: %w", name, ref, err)
	}
	return File{Content: content, Blob: out.SHA}, nil
}

// CommitInput is one file on top of a commit.
type CommitInput struct {
	Repo     Repo      // required
	BaseSHA  string    // required; the parent
	BaseTree string    // its root tree (Tree.SHA); empty costs a call
	Branch   string    // required for CommitFile
	Path     string    // required
	Content  []byte    // required, or Blob
	Blob     string    // id of content that the repository holds already
	Message  string    // required
	When     time.Time // required; from the document; the date where a token and no App commits
}

// Commit is one made commit and the id of the file in it.
type Commit struct{ SHA, Blob string }

// CommitFile makes a commit with one file and a branch that points to it; the branch appears
// once and complete. If the branch exists and contains exactly this file under this message,
// CommitFile adopts it at whatever commit it is, and created is false. Any other content is
// ErrForeign.
func (c *Client) CommitFile(ctx context.Context, in CommitInput) (commit Commit, created bool, err error) {
	if err := checkRef(in.Branch); err != nil {
		return Commit{}, false, err
	}
	commit, err = c.MakeCommit(ctx, in)
	if err != nil {
		return Commit{}, false, err
	}
	path, err := in.Repo.path("/git/refs")
	if err != nil {
		return Commit{}, false, err
	}
	body := map[string]string{"ref": "refs/heads/" + in.Branch, "sha": commit.SHA}
	_, err = c.call(ctx, http.MethodPost, path, body, nil)
	var refused *Refused
	// GitHub answers 422 if the reference exists. An earlier try, whose answer was lost, may have
	// created it.
	if errors.As(err, &refused) && refused.Status == http.StatusUnprocessableEntity {
		commit, err = c.adoptBranch(ctx, in, commit, err)
		return commit, false, err
	}
	if err != nil {
		return commit, false, fmt.Errorf("create branch %s: %w", in.Branch, err)
	}
	return commit, true, nil
}

// adoptBranch checks a branch that already exists, and adopts it if it is ours.
func (c *Client) adoptBranch(ctx context.Context, in CommitInput, ours Commit, refusal error) (Commit, error) {
	tip, err := c.Tip(ctx, in.Repo, in.Branch)
	if errors.Is(err, ErrNotFound) {
		return Commit{}, fmt.Errorf("create branch %s: %w", in.Branch, refusal)
	}
	if err != nil {
		return Commit{}, err
	}
	if tip == ours.SHA {
		return ours, nil
	}
	diff, err := c.Compare(ctx, in.Repo, in.BaseSHA, tip)
	if err != nil {
		return Commit{}, err
	}
	if !diff.Only(in.Path, ours.Blob) || !diff.WrittenAs(in.Message) {
		return Commit{}, fmt.Errorf("branch %s at %s: %w", in.Branch, tip, ErrForeign)
	}
	return Commit{SHA: tip, Blob: ours.Blob}, nil
}

// MakeCommit makes the commit without a branch: nothing is visible yet.
func (c *Client) MakeCommit(ctx context.Context, in CommitInput) (Commit, error) {
	if err := errors.Join(checkSHA(in.BaseSHA), checkRef(in.Path)); err != nil {
		return Commit{}, err
	}
	base := in.BaseTree
	if base == "" {
		var err error
		if base, err = c.treeOf(ctx, in.Repo, in.BaseSHA); err != nil {
			return Commit{}, err
		}
	}
	tree, err := c.makeTree(ctx, in, base)
	if err != nil {
		return Commit{}, err
	}
	path, err := in.Repo.path("/git/commits")
	if err != nil {
		return Commit{}, err
	}
	body := map[string]any{"message": in.Message, "tree": tree, "parents": []string{in.BaseSHA}}
	if c.app == nil { // GitHub signs what an App commits, and only when it names neither author nor committer
		who := map[string]string{
			"name": c.author.Name, "email": c.author.Email,
			"date": in.When.UTC().Truncate(time.Second).Format(time.RFC3339),
		}
		body["author"], body["committer"] = who, who
	}
	sha, err := c.makeObject(ctx, path, body)
	if err != nil {
		return Commit{}, fmt.Errorf("make commit: %w", err)
	}
	return Commit{SHA: sha, Blob: in.blob()}, nil
}

func (in CommitInput) blob() string {
	if in.Blob != "" {
		return in.Blob
	}
	return BlobID(in.Content)
}

func (c *Client) makeTree(ctx context.Context, in CommitInput, base string) (string, error) {
	path, err := in.Repo.path("/git/trees")
	if err != nil {
		return "", err
	}
	entry := treeEntry{Path: in.Path, Mode: modeFile, Type: "blob", SHA: in.Blob}
	if in.Blob == "" {
		content := string(in.Content)
		entry.Content = &content
	}
	body := map[string]any{"base_tree": base, "tree": []treeEntry{entry}}
	sha, err := c.makeObject(ctx, path, body)
	if err != nil {
		return "", fmt.Errorf("make tree: %w", err)
	}
	return sha, nil
}

// makeObject creates a git object. Its name is the hash of its content, so creating it again
// changes nothing.
func (c *Client) makeObject(ctx context.Context, path string, body any) (string, error) {
	var out struct {
		SHA string `json:"sha"`
	}
	if _, err := c.call(ctx, http.MethodPost, path, body, &out); err != nil {
		return "", err
	}
	return out.SHA, checkSHA(out.SHA)
}

func (c *Client) treeOf(ctx context.Context, repo Repo, commit string) (string, error) {
	path, err := repo.path("/git/commits/%s", commit)
	if err != nil {
		return "", err
	}
	var out struct {
		Tree struct {
			SHA string `json:"sha"`
		} `json:"tree"`
	}
	if _, err := c.call(ctx, http.MethodGet, path, nil, &out); err != nil {
		return "", fmt.Errorf("tree of %s: %w", commit, err)
	}
	return out.Tree.SHA, checkSHA(out.Tree.SHA)
}

// UpdateBranchRef points a branch at a commit. With force it can discard commits: Restore uses
// that to put the generated file back.
func (c *Client) UpdateBranchRef(ctx context.Context, repo Repo, branch, sha string, force bool) error {
	if err := errors.Join(checkRef(branch), checkSHA(sha)); err != nil {
		return err
	}
	path, err := repo.path("/git/refs/heads/%s", escape(branch))
	if err != nil {
		return err
	}
	body := map[string]any{"sha": sha, "force": force}
	if _, err := c.call(ctx, http.MethodPatch, path, body, nil); err != nil {
		return fmt.Errorf("point branch %s at %s: %w", branch, sha, err)
	}
	return nil
}

// DeleteBranch deletes a branch; one that is gone is a success.
func (c *Client) DeleteBranch(ctx context.Context, repo Repo, branch string) error {
	if err := checkRef(branch); err != nil {
		return err
	}
	path, err := repo.path("/git/refs/heads/%s", escape(branch))
	if err != nil {
		return err
	}
	_, err = c.call(ctx, http.MethodDelete, path, nil, nil)
	var refused *Refused
	if errors.As(err, &refused) && (refused.Status == http.StatusNotFound ||
		refused.Status == http.StatusUnprocessableEntity && strings.Contains(refused.Message, "does not exist")) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("delete branch %s: %w", branch, err)
	}
	return nil
}

// ChangedFile is one file that differs between two commits.
type ChangedFile struct {
	Path     string
	Blob     string // in the head; of a removed file, in the base
	Status   string // added, modified, changed (its mode alone), removed, renamed …
	Previous string // path before a rename
}

// Comparison is what a head changes against its merge base.
type Comparison struct {
	MergeBase string
	Ahead     int
	Behind    int
	Files     []ChangedFile
	Truncated bool     // there may be more files
	Messages  []string // of the head's own commits; some are missing where there are more than comparedCommits
}

// comparedCommits is how many commits of the head a comparison reads.
const comparedCommits = 30

// maxCompared is GitHub's limit of files in a comparison.
const maxCompared = 300

// Only reports whether the head changes exactly one file, to this content.
func (d Comparison) Only(path, blob string) bool {
	return !d.Truncated && len(d.Files) == 1 && d.Files[0].Path == path && d.Files[0].Blob == blob &&
		(d.Files[0].Status == "added" || d.Files[0].Status == "modified")
}

// WrittenAs reports whether each of the head's own commits has one of these messages. A merge
// adds the commits of a branch to the base with their messages, even if their combined content
// is unchanged.
func (d Comparison) WrittenAs(messages ...string) bool {
	return d.Ahead == len(d.Messages) && !slices.ContainsFunc(d.Messages, func(m string) bool {
		return !slices.Contains(messages, m)
	})
}

// UpdateMessage returns the message of the commit with which GitHub updates a branch from its
// base.
func UpdateMessage(branch, base string) string {
	return fmt.Sprintf("Merge branch '%s' into %s", base, branch)
}

// Compare returns what head changed since it left base.
func (c *Client) Compare(ctx context.Context, repo Repo, base, head string) (Comparison, error) {
	if err := errors.Join(checkRef(base), checkRef(head)); err != nil {
		return Comparison{}, err
	}
	// Files come on the first page, whatever its size.
	path, err := repo.path("/compare/%s...%s?per_page=%d", escape(base), escape(head), comparedCommits)
	if err != nil {
		return Comparison{}, err
	}
	var out struct {
		MergeBase struct {
			SHA string `json:"sha"`
		} `json:"merge_base_commit"`
		Ahead   int `json:"ahead_by"`
		Behind  int `json:"behind_by"`
		Commits []struct {
			Commit struct {
				Message string `json:"message"`
			} `json:"commit"`
		} `json:"commits"`
		Files []struct {
			Filename string `json:"filename"`
			SHA      string `json:"sha"`
			Status   string `json:"status"`
			Previous string `json:"previous_filename"`
		} `json:"files"`
	}
	if _, err := c.call(ctx, http.MethodGet, path, nil, &out); err != nil {
		return Comparison{}, fmt.Errorf("compare %s with %s: %w", base, head, err)
	}
	d := Comparison{
		MergeBase: out.MergeBase.SHA, Ahead: out.Ahead, Behind: out.Behind,
		// GitHub does not report that it left files out; a full list means that it may have.
		Truncated: len(out.Files) >= maxCompared,
	}
	for _, one := range out.Commits {
		d.Messages = append(d.Messages, strings.TrimRight(one.Commit.Message, "\n"))
	}
	for _, f := range out.Files {
		d.Files = append(d.Files, ChangedFile{Path: f.Filename, Blob: f.SHA, Status: f.Status, Previous: f.Previous})
	}
	return d, nil
}
