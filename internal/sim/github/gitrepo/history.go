package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/utils/merkletrie"
)

// FileDiff is one file of a diff, in GitHub's terms.
type FileDiff struct {
	Path, Previous string
	Hash           string // blob in the newer tree; in the older one if removed
	Status         string // added, modified, removed, renamed
	Additions      int
	Deletions      int
	Patch          string // without a header; empty for a binary file
}

// MergeBase returns the best common ancestor of two commits.
func (r *Repo) MergeBase(a, b string) (string, error) {
	ca, err := r.commit(a)
	if err != nil {
		return "", err
	}
	cb, err := r.commit(b)
	if err != nil {
		return "", err
	}
	bases, err := ca.MergeBase(cb)
	if err != nil {
		return "", fmt.Errorf("merge base: %w", err)
	}
	if len(bases) == 0 {
		return "", ErrUnrelated
	}
	return bases[0].Hash.String(), nil
}

// IsAncestor reports whether old is reachable from tip.
func (r *Repo) IsAncestor(old, tip string) bool {
	if old == tip {
		return true
	}
	base, err := r.MergeBase(old, tip)
	return err == nil && base == old
}

// Log lists the commits reachable from tip but not from exclude (empty for
// none), newest first, at most limit.
func (r *Repo) Log(tip, exclude string, limit int) ([]Commit, error) {
	seen, err := r.ancestors(exclude)
	if err != nil {
		return nil, err
	}
	c, err := r.commit(tip)
	if err != nil {
		return nil, err
	}
	if seen[c.Hash] {
		return nil, nil
	}
	var out []Commit
	err = object.NewCommitIterCTime(c, seen, nil).ForEach(func(c *object.Commit) error {
		out = append(out, fromObject(c))
		if len(out) >= limit {
			return storer.ErrStop
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("log of %s: %w", tip, err)
	}
	return out, nil
}

func (r *Repo) ancestors(tip string) (map[plumbing.Hash]bool, error) {
	seen := map[plumbing.Hash]bool{}
	if tip == "" {
		return seen, nil
	}
	c, err := r.commit(tip)
	if err != nil {
		return nil, err
	}
	err = object.NewCommitPreorderIter(c, nil, nil).ForEach(func(c *object.Commit) error {
		seen[c.Hash] = true
		return nil
	})
	return seen, err
}

// Diff compares two trees or commits; an empty from is the empty tree.
func (r *Repo) Diff(from, to string) ([]FileDiff, error) {
	a := &object.Tree{}
	if from != "" {
		var err error
		if a, err = r.tree(from); err != nil {
			return nil, err
		}
	}
	b, err := r.tree(to)
	if err != nil {
		return nil, err
	}
	changes, err := object.DiffTreeWithOptions(context.Background(), a, b, object.DefaultDiffTreeOptions)
	if err != nil {
		return nil, fmt.Errorf("diff: %w", err)
	}
	out := make([]FileDiff, 0, len(changes))
	for _, c := range changes {
		d, err := fileDiff(c)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Path < out[j].Path })
	return out, nil
}

func fileDiff(c *object.Change) (FileDiff, error) {
	d := FileDiff{Path: c.To.Name, Hash: c.To.TreeEntry.Hash.String(), Status: "modified"}
	action, err := c.Action()
	if err != nil {
		return d, fmt.Errorf("diff of %s: %w", c.To.Name, err)
	}
	switch {
	case action == merkletrie.Insert:
		d.Status = "added"
	case action == merkletrie.Delete:
		d.Path, d.Hash, d.Status = c.From.Name, c.From.TreeEntry.Hash.String(), "removed"
	case c.From.Name != c.To.Name:
		d.Status, d.Previous = "renamed", c.From.Name
	}
	patch, err := c.Patch()
	if err != nil {
		return d, fmt.Errorf("patch of %s: %w", d.Path, err)
	}
	for _, st := range patch.Stats() {
		d.Additions += st.Addition
		d.Deletions += st.Deletion
	}
	if text := patch.String(); strings.Contains(text, "\n@@ ") {
		d.Patch = strings.TrimSuffix(text[strings.Index(text, "\n@@ ")+1:], "\n")
	}
	return d, nil
}

// Merge merges theirs into ours file by file and stores the tree. It returns the paths that both sides
// changed differently as conflicts, without a tree.
func (r *Repo) Merge(ours, theirs string) (tree string, conflicts []string, err error) {
	base, err := r.MergeBase(ours, theirs)
	if errors.Is(err, ErrUnrelated) {
		return "", []string{"(unrelated histories)"}, nil
	}
	if err != nil {
		return "", nil, err
	}
	var sides [3]map[string]Entry
	for i, h := range []string{base, ours, theirs} {
		if sides[i], err = r.Files(h); err != nil {
			return "", nil, err
		}
	}
	merged, conflicts := mergeFiles(sides[0], sides[1], sides[2])
	if len(conflicts) > 0 {
		return "", conflicts, nil
	}
	tree, err = r.buildTree(merged)
	if errors.Is(err, ErrBadTree) { // a file on one side, a directory on the other
		return "", []string{err.Error()}, nil
	}
	return tree, nil, err
}

func mergeFiles(base, ours, theirs map[string]Entry) (map[string]Entry, []string) {
	merged := map[string]Entry{}
	var conflicts []string
	paths := map[string]bool{}
	for _, side := range []map[string]Entry{base, ours, theirs} {
		for p := range side {
			paths[p] = true
		}
	}
	for p := range paths {
		b, o, t := version(base, p), version(ours, p), version(theirs, p)
		winner := ours
		switch {
		case o == t, b == t:
		case b == o:
			winner = theirs
		default:
			conflicts = append(conflicts, p)
			continue
		}
		if e, ok := winner[p]; ok {
			merged[p] = e
		}
	}
	sort.Strings(conflicts)
	return merged, conflicts
}

func version(side map[string]Entry, path string) string {
	e, ok := side[path]
	if !ok {
		return ""
	}
	return e.Mode + " " + e.Hash
}
