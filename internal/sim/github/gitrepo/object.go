package gitrepo

import (
	"fmt"
	"io"
	"sort"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Signature is a person and a time.
type Signature struct {
	Name, Email string
	When        time.Time
}

// Commit is a commit as GitHub shows it.
type Commit struct {
	Hash, Tree        string
	Parents           []string
	Message           string
	Author, Committer Signature
}

// Entry is a file or a directory in a tree.
type Entry struct {
	Path string // relative to the requested tree
	Mode string // six digits as GitHub writes them, 040000 for a directory
	Type string // blob, tree, commit
	Hash string
	Size int64 // of a blob
}

// Change sets or deletes one path of a tree.
type Change struct {
	Path, Mode string
	Hash       string // blob or tree; empty deletes
}

// WriteBlob stores a file's content.
func (r *Repo) WriteBlob(data []byte) (string, error) {
	return r.put(plumbing.BlobObject, func(o plumbing.EncodedObject) error {
		w, err := o.Writer()
		if err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	})
}

// Blob reads a file's content.
func (r *Repo) Blob(hash string) ([]byte, error) {
	h, err := ParseHash(hash)
	if err != nil {
		return nil, fmt.Errorf("blob %s: %w", hash, ErrNotFound)
	}
	b, err := object.GetBlob(r.store, h)
	if err != nil {
		return nil, notFound("blob", hash, err)
	}
	rd, err := b.Reader()
	if err != nil {
		return nil, fmt.Errorf("blob %s: %w", hash, err)
	}
	defer rd.Close()
	return io.ReadAll(rd)
}

// Commit reads a commit.
func (r *Repo) Commit(hash string) (Commit, error) {
	c, err := r.commit(hash)
	if err != nil {
		return Commit{}, err
	}
	return fromObject(c), nil
}

func (r *Repo) commit(hash string) (*object.Commit, error) {
	h, err := ParseHash(hash)
	if err != nil {
		return nil, fmt.Errorf("commit %s: %w", hash, ErrNotFound)
	}
	c, err := object.GetCommit(r.store, h)
	if err != nil {
		return nil, notFound("commit", hash, err)
	}
	return c, nil
}

func fromObject(c *object.Commit) Commit {
	out := Commit{
		Hash: c.Hash.String(), Tree: c.TreeHash.String(), Message: c.Message,
		Author:    Signature{c.Author.Name, c.Author.Email, c.Author.When},
		Committer: Signature{c.Committer.Name, c.Committer.Email, c.Committer.When},
	}
	for _, p := range c.ParentHashes {
		out.Parents = append(out.Parents, p.String())
	}
	return out
}

// WriteCommit stores a commit; Hash of the argument is ignored.
func (r *Repo) WriteCommit(c Commit) (string, error) {
	tree, err := ParseHash(c.Tree)
	if err != nil {
		return "", fmt.Errorf("tree %s: %w", c.Tree, ErrNotFound)
	}
	if _, err := object.GetTree(r.store, tree); err != nil {
		return "", notFound("tree", c.Tree, err)
	}
	o := &object.Commit{TreeHash: tree, Message: c.Message, Author: toObject(c.Author), Committer: toObject(c.Committer)}
	for _, p := range c.Parents {
		if _, err := r.commit(p); err != nil {
			return "", err
		}
		o.ParentHashes = append(o.ParentHashes, plumbing.NewHash(p))
	}
	return r.put(plumbing.CommitObject, o.Encode)
}

// Git stores whole seconds. Truncating here makes the id the same before and after a round trip.
func toObject(s Signature) object.Signature {
	return object.Signature{Name: s.Name, Email: s.Email, When: s.When.UTC().Truncate(time.Second)}
}

// Tree lists a tree, or the tree of a commit. If recursive is set, it lists full paths including
// directories, as GitHub does.
func (r *Repo) Tree(hash string, recursive bool) (string, []Entry, error) {
	t, err := r.tree(hash)
	if err != nil {
		return "", nil, err
	}
	var out []Entry
	err = r.walk(t, "", recursive, func(e Entry) { out = append(out, e) })
	return t.Hash.String(), out, err
}

func (r *Repo) tree(hash string) (*object.Tree, error) {
	h, err := ParseHash(hash)
	if err != nil {
		return nil, fmt.Errorf("tree %s: %w", hash, ErrNotFound)
	}
	if c, err := object.GetCommit(r.store, h); err == nil {
		h = c.TreeHash
	}
	t, err := object.GetTree(r.store, h)
	if err != nil {
		return nil, notFound("tree", hash, err)
	}
	return t, nil
}

func (r *Repo) walk(t *object.Tree, prefix string, recursive bool, visit func(Entry)) error {
	for _, te := range t.Entries {
		e := Entry{Path: prefix + te.Name, Mode: fmt.Sprintf("%06o", uint32(te.Mode)), Type: "blob", Hash: te.Hash.String()}
		switch te.Mode {
		case filemode.Dir:
			e.Type = "tree"
		case filemode.Submodule:
			e.Type = "commit"
		default:
			size, err := r.store.EncodedObjectSize(te.Hash)
			if err != nil {
				return notFound("blob", e.Hash, err)
			}
			e.Size = size
		}
		visit(e)
		if e.Type != "tree" || !recursive {
			continue
		}
		sub, err := object.GetTree(r.store, te.Hash)
		if err != nil {
			return notFound("tree", e.Hash, err)
		}
		if err := r.walk(sub, e.Path+"/", true, visit); err != nil {
			return err
		}
	}
	return nil
}

// Files maps every path of a tree or commit to its entry.
func (r *Repo) Files(hash string) (map[string]Entry, error) {
	_, list, err := r.Tree(hash, true)
	if err != nil {
		return nil, err
	}
	files := make(map[string]Entry, len(list))
	for _, e := range list {
		if e.Type != "tree" {
			files[e.Path] = e
		}
	}
	return files, nil
}

// Lookup finds one path below a tree or commit.
func (r *Repo) Lookup(hash, path string) (Entry, error) {
	t, err := r.tree(hash)
	if err != nil {
		return Entry{}, err
	}
	if path == "" {
		return Entry{Mode: "040000", Type: "tree", Hash: t.Hash.String()}, nil
	}
	te, err := t.FindEntry(path)
	if err != nil {
		return Entry{}, fmt.Errorf("path %s: %w", path, ErrNotFound)
	}
	e := Entry{Path: path, Mode: fmt.Sprintf("%06o", uint32(te.Mode)), Type: "blob", Hash: te.Hash.String()}
	if te.Mode == filemode.Dir {
		e.Type = "tree"
	} else if e.Size, err = r.store.EncodedObjectSize(te.Hash); err != nil {
		return Entry{}, notFound("blob", e.Hash, err)
	}
	return e, nil
}

// WriteTree applies changes to a base tree (empty for none) and stores the result.
func (r *Repo) WriteTree(base string, changes []Change) (string, error) {
	files := map[string]Entry{}
	if base != "" {
		var err error
		if files, err = r.Files(base); err != nil {
			return "", err
		}
	}
	for _, c := range changes {
		if err := r.apply(files, c); err != nil {
			return "", err
		}
	}
	return r.buildTree(files)
}

func (r *Repo) apply(files map[string]Entry, c Change) error {
	if err := checkPath(c.Path); err != nil {
		return err
	}
	if c.Hash == "" {
		return removePath(files, c.Path)
	}
	if c.Mode == "040000" {
		sub, err := r.Files(c.Hash)
		if err != nil {
			return err
		}
		_ = removePath(files, c.Path)
		for p, e := range sub {
			e.Path = c.Path + "/" + p
			files[e.Path] = e
		}
		return nil
	}
	h, err := ParseHash(c.Hash)
	if err != nil {
		return fmt.Errorf("blob %s: %w", c.Hash, ErrNotFound)
	}
	if r.store.HasEncodedObject(h) != nil {
		return fmt.Errorf("blob %s: %w", c.Hash, ErrNotFound)
	}
	files[c.Path] = Entry{Path: c.Path, Mode: c.Mode, Type: "blob", Hash: c.Hash}
	return nil
}

func removePath(files map[string]Entry, path string) error {
	found := false
	for p := range files {
		if p == path || strings.HasPrefix(p, path+"/") {
			delete(files, p)
			found = true
		}
	}
	if !found {
		return fmt.Errorf("path %s: %w", path, ErrBadTree)
	}
	return nil
}

func checkPath(path string) error {
	if path == "" || strings.ContainsAny(path, "\x00\\") {
		return fmt.Errorf("path %q: %w", path, ErrBadTree)
	}
	for _, part := range strings.Split(path, "/") {
		if part == "" || part == "." || part == ".." || strings.EqualFold(part, ".git") {
			return fmt.Errorf("path %q: %w", path, ErrBadTree)
		}
	}
	return nil
}

// buildTree stores the directories bottom-up.
func (r *Repo) buildTree(files map[string]Entry) (string, error) {
	dirs := map[string]map[string]Entry{}
	t := &object.Tree{}
	for p, e := range files {
		head, rest, nested := strings.Cut(p, "/")
		if nested {
			if dirs[head] == nil {
				dirs[head] = map[string]Entry{}
			}
			dirs[head][rest] = e
			continue
		}
		mode, err := filemode.New(e.Mode)
		if err != nil || mode == filemode.Dir {
			return "", fmt.Errorf("mode %q of %s: %w", e.Mode, p, ErrBadTree)
		}
		t.Entries = append(t.Entries, object.TreeEntry{Name: head, Mode: mode, Hash: plumbing.NewHash(e.Hash)})
	}
	for _, e := range t.Entries {
		if dirs[e.Name] != nil {
			return "", fmt.Errorf("path %s is a file and a directory: %w", e.Name, ErrBadTree)
		}
	}
	for name, sub := range dirs {
		hash, err := r.buildTree(sub)
		if err != nil {
			return "", err
		}
		t.Entries = append(t.Entries, object.TreeEntry{Name: name, Mode: filemode.Dir, Hash: plumbing.NewHash(hash)})
	}
	sort.Sort(object.TreeEntrySorter(t.Entries))
	return r.put(plumbing.TreeObject, t.Encode)
}
