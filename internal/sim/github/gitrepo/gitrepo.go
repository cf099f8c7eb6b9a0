// Package gitrepo stores one git repository for the GitHub simulator: objects, refs, diffs and merges.
// It is in memory for virtual time, or bare on disk so that git itself can clone and push. It owns
// git's rules (what a tree, an ancestor or a conflict is) and knows nothing of HTTP, pull requests or
// permissions.
//
// A Repo is not safe for concurrent use; the simulator calls it under its lock.
package gitrepo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/memory"
)

// Errors that a caller must tell apart.
var (
	ErrNotFound    = errors.New("not found")
	ErrRefMoved    = errors.New("reference moved")
	ErrBadTree     = errors.New("tree is not valid")
	ErrUnrelated   = errors.New("no common ancestor")
	errBadRefName  = errors.New("reference name is not valid")
	errNotAnObject = errors.New("not an object name")
)

// Repo is one repository.
type Repo struct {
	dir   string // empty in memory
	store storage.Storer
}

// Ref is a name and its target.
type Ref struct {
	Name string // refs/heads/main
	Hash string
}

// Memory creates an empty repository without any file.
func Memory() *Repo {
	return &Repo{store: memory.NewStorage()}
}

// Open opens the bare repository in dir, and creates it if it does not exist.
func Open(dir string) (*Repo, error) {
	r := &Repo{
		dir:   dir,
		store: filesystem.NewStorage(osfs.New(dir), cache.NewObjectLRUDefault()),
	}
	if err := layOut(dir); err != nil {
		return nil, fmt.Errorf("lay out %s: %w", dir, err)
	}
	return r, nil
}

// Pushed objects stay loose (unpackLimit) and git never packs them in the background, because go-git
// reads the list of packs only once.
const bareConfig = `[core]
	repositoryformatversion = 0
	filemode = true
	bare = true
[http]
	receivepack = true
[receive]
	unpackLimit = 1000000
	autogc = false
	denyDeleteCurrent = refuse
	hideRefs = refs/pull
[transfer]
	unpackLimit = 1000000
[gc]
	auto = 0
[uploadpack]
	allowAnySHA1InWant = true
	allowFilter = true
`

func layOut(dir string) error {
	for _, sub := range []string{"objects/info", "objects/pack", "refs/heads", "refs/tags", "hooks", "info"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.FromSlash(sub)), 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte(bareConfig), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "hooks", "update"), []byte(updateHook), 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "HEAD"), []byte("ref: refs/heads/main\n"), 0o644)
}

// Environment variables that tell the update hook what a push may not change: workflow files, which
// GitHub refuses from a token without that permission, and a protected branch.
const (
	ForbidWorkflows = "SANDBOX_FORBID_WORKFLOWS"
	ProtectedRef    = "SANDBOX_PROTECTED_REF"
)

const updateHook = `#!/bin/sh
# Refuses what the token of this push may not change.
ref=$1 old=$2 new=$3
if [ "$ref" = "$` + ProtectedRef + `" ]; then
	echo "error: GH006: Protected branch update failed for $ref." >&2
	exit 1
fi
[ -n "$` + ForbidWorkflows + `" ] || exit 0
case $new in *[!0]*) ;; *) exit 0 ;; esac
case $old in *[!0]*) ;; *) old=$(git rev-parse --verify --quiet refs/heads/main) ;; esac
[ -n "$old" ] || exit 0
bad=$(git diff --name-only "$(git merge-base "$old" "$new" || echo "$old")" "$new" -- .github/workflows | head -n 1)
[ -z "$bad" ] && exit 0
echo "refusing to allow a GitHub App to create or update workflow \` + "`$bad\\`" + ` without \` + "`workflows\\`" + ` permission" >&2
exit 1
`

// Dir returns the directory of the repository; empty in memory.
func (r *Repo) Dir() string { return r.dir }

// Resolve returns the target of a full ref name.
func (r *Repo) Resolve(name string) (string, error) {
	ref, err := r.store.Reference(plumbing.ReferenceName(name))
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return "", fmt.Errorf("ref %s: %w", name, ErrNotFound)
	}
	if err != nil {
		return "", fmt.Errorf("ref %s: %w", name, err)
	}
	return ref.Hash().String(), nil
}

// Refs lists the refs under a prefix, sorted by name.
func (r *Repo) Refs(prefix string) ([]Ref, error) {
	iter, err := r.store.IterReferences()
	if err != nil {
		return nil, fmt.Errorf("list refs: %w", err)
	}
	var refs []Ref
	err = iter.ForEach(func(ref *plumbing.Reference) error {
		if ref.Type() == plumbing.HashReference && strings.HasPrefix(ref.Name().String(), prefix) {
			refs = append(refs, Ref{ref.Name().String(), ref.Hash().String()})
		}
		return nil
	})
	sort.Slice(refs, func(i, j int) bool { return refs[i].Name < refs[j].Name })
	return refs, err
}

// SetRef points a ref at hash, whatever its old target.
func (r *Repo) SetRef(name, hash string) error {
	ref := plumbing.NewHashReference(plumbing.ReferenceName(name), plumbing.NewHash(hash))
	if err := r.store.SetReference(ref); err != nil {
		return fmt.Errorf("set %s: %w", name, err)
	}
	return nil
}

// DeleteRef removes a ref that exists.
func (r *Repo) DeleteRef(name string) error {
	if _, err := r.Resolve(name); err != nil {
		return err
	}
	if err := r.store.RemoveReference(plumbing.ReferenceName(name)); err != nil {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	return nil
}

// CheckRefName returns an error if GitHub would refuse the name.
func CheckRefName(name string) error {
	if strings.Count(name, "/") < 2 || !strings.HasPrefix(name, "refs/") {
		return fmt.Errorf("%q: %w", name, errBadRefName)
	}
	if err := plumbing.ReferenceName(name).Validate(); err != nil {
		return fmt.Errorf("%q: %w", name, errBadRefName)
	}
	return nil
}

// ParseHash accepts exactly the 40 hex digits of an object name.
func ParseHash(s string) (plumbing.Hash, error) {
	if !plumbing.IsHash(s) || len(s) != 40 {
		return plumbing.ZeroHash, fmt.Errorf("%q: %w", s, errNotAnObject)
	}
	return plumbing.NewHash(s), nil
}

// Find resolves a branch, a tag, a full ref or a commit id to a commit id, in GitHub's order.
func (r *Repo) Find(name string) (string, error) {
	for _, full := range []string{"refs/heads/" + name, "refs/tags/" + name, name} {
		if !strings.HasPrefix(full, "refs/") {
			continue
		}
		if hash, err := r.Resolve(full); err == nil {
			return hash, nil
		}
	}
	if name == "HEAD" || name == "" {
		return r.Resolve("refs/heads/main")
	}
	if _, err := ParseHash(name); err == nil {
		if c, err := r.Commit(name); err == nil {
			return c.Hash, nil
		}
	}
	return "", fmt.Errorf("%q: %w", name, ErrNotFound)
}

func (r *Repo) put(kind plumbing.ObjectType, encode func(plumbing.EncodedObject) error) (string, error) {
	o := r.store.NewEncodedObject()
	o.SetType(kind)
	if err := encode(o); err != nil {
		return "", fmt.Errorf("encode %s: %w", kind, err)
	}
	hash, err := r.store.SetEncodedObject(o)
	if err != nil {
		return "", fmt.Errorf("store %s: %w", kind, err)
	}
	return hash.String(), nil
}

func notFound(what, hash string, err error) error {
	if errors.Is(err, plumbing.ErrObjectNotFound) || errors.Is(err, object.ErrUnsupportedObject) {
		return fmt.Errorf("%s %s: %w", what, hash, ErrNotFound)
	}
	return fmt.Errorf("%s %s: %w", what, hash, err)
}
