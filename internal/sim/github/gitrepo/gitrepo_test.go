package gitrepo_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tfpilot/tfpilot/internal/sim/github/gitrepo"
)

var who = gitrepo.Signature{Name: "Dana", Email: "dana@acme.example",
	When: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}

func each(t *testing.T, test func(*testing.T, *gitrepo.Repo)) {
	t.Run("memory", func(t *testing.T) { test(t, gitrepo.Memory()) })
	t.Run("disk", func(t *testing.T) {
		r, err := gitrepo.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		test(t, r)
	})
}

type fataler interface {
	Helper()
	Fatal(...any)
}

// commit writes files (an empty content deletes) on top of parents.
func commit(t fataler, r *gitrepo.Repo, files map[string]string, parents ...string) string {
	t.Helper()
	base := ""
	if len(parents) > 0 {
		base = parents[0]
	}
	var changes []gitrepo.Change
	for _, path := range slices.Sorted(maps.Keys(files)) {
		c := gitrepo.Change{Path: path, Mode: "100644"}
		if files[path] != "" {
			hash, err := r.WriteBlob([]byte(files[path]))
			if err != nil {
				t.Fatal(err)
			}
			c.Hash = hash
		}
		changes = append(changes, c)
	}
	tree, err := r.WriteTree(base, changes)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := r.WriteCommit(gitrepo.Commit{Tree: tree, Parents: parents, Message: "m", Author: who, Committer: who})
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func TestTreesAndDiffs(t *testing.T) {
	each(t, func(t *testing.T, r *gitrepo.Repo) {
		a := commit(t, r, map[string]string{"a.tf": "1\n2\n3\n", "dir/b.tf": "b\n", "dir/sub/c.tf": "c\n"})
		b := commit(t, r, map[string]string{"a.tf": "1\ntwo\n3\n", "dir/b.tf": "", "d.tf": "d\n"}, a)
		diff, err := r.Diff(a, b)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range diff {
			got = append(got, d.Path+" "+d.Status)
		}
		if strings.Join(got, ", ") != "a.tf modified, d.tf added, dir/b.tf removed" {
			t.Errorf("diff: %v", got)
		}
		if diff[0].Additions != 1 || diff[0].Deletions != 1 || diff[0].Patch != "@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3" {
			t.Errorf("patch: %+v", diff[0])
		}
		_, list, err := r.Tree(b, true)
		if err != nil || len(list) != 5 { // a.tf d.tf dir dir/sub dir/sub/c.tf
			t.Errorf("tree: %v %v", list, err)
		}
	})
}

func TestHistory(t *testing.T) {
	each(t, func(t *testing.T, r *gitrepo.Repo) {
		root := commit(t, r, map[string]string{"a": "a"})
		left := commit(t, r, map[string]string{"l": "l"}, root)
		right := commit(t, r, map[string]string{"r": "r"}, root)
		stranger := commit(t, r, map[string]string{"s": "s"})
		if base, err := r.MergeBase(left, right); err != nil || base != root {
			t.Errorf("merge base %s %v, want %s", base, err, root)
		}
		if _, err := r.MergeBase(left, stranger); !errors.Is(err, gitrepo.ErrUnrelated) {
			t.Errorf("unrelated: %v", err)
		}
		if !r.IsAncestor(root, left) || r.IsAncestor(left, right) || !r.IsAncestor(left, left) {
			t.Error("ancestors are wrong")
		}
		log, err := r.Log(left, right, 10)
		if err != nil || len(log) != 1 || log[0].Hash != left {
			t.Errorf("log: %v %v", log, err)
		}
	})
}

func TestMerge(t *testing.T) {
	for _, row := range []struct {
		name             string
		ours, theirs     map[string]string
		want, conflicted string
	}{
		{"different files", map[string]string{"o": "o"}, map[string]string{"t": "t"}, "a b o t", ""},
		{"both delete", map[string]string{"a": ""}, map[string]string{"a": ""}, "b", ""},
		{"one deletes, one leaves", map[string]string{"a": ""}, map[string]string{"t": "t"}, "b t", ""},
		{"same change", map[string]string{"a": "x"}, map[string]string{"a": "x"}, "a b", ""},
		{"different change", map[string]string{"a": "x"}, map[string]string{"a": "y"}, "", "a"},
		{"delete and change", map[string]string{"a": ""}, map[string]string{"a": "y"}, "", "a"},
		{"both add", map[string]string{"n": "x"}, map[string]string{"n": "y"}, "", "n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := gitrepo.Memory()
			root := commit(t, r, map[string]string{"a": "a", "b": "b"})
			tree, conflicts, err := r.Merge(commit(t, r, row.ours, root), commit(t, r, row.theirs, root))
			if err != nil || strings.Join(conflicts, " ") != row.conflicted {
				t.Fatalf("conflicts %v, error %v", conflicts, err)
			}
			if tree == "" {
				return
			}
			files, err := r.Files(tree)
			if err != nil || strings.Join(slices.Sorted(maps.Keys(files)), " ") != row.want {
				t.Errorf("files %v %v, want %s", files, err, row.want)
			}
		})
	}
}

func TestFileAndDirectoryOfOneNameConflict(t *testing.T) {
	r := gitrepo.Memory()
	root := commit(t, r, map[string]string{"a": "a"})
	_, conflicts, err := r.Merge(commit(t, r, map[string]string{"x": "f"}, root),
		commit(t, r, map[string]string{"x/y": "f"}, root))
	if err != nil || len(conflicts) == 0 {
		t.Errorf("conflicts %v, error %v", conflicts, err)
	}
}

func TestRefs(t *testing.T) {
	each(t, func(t *testing.T, r *gitrepo.Repo) {
		c := commit(t, r, map[string]string{"a": "a"})
		if err := r.SetRef("refs/heads/request/x", c); err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"main", "refs/main", "refs/heads/..", "refs/heads/a b", "refs/heads/",
			"refs/heads/x.lock"} {
			if err := gitrepo.CheckRefName(bad); err == nil {
				t.Errorf("%q was accepted", bad)
			}
		}
		if got, err := r.Find("request/x"); err != nil || got != c {
			t.Errorf("find: %s %v", got, err)
		}
		if err := r.DeleteRef("refs/heads/request/x"); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Resolve("refs/heads/request/x"); !errors.Is(err, gitrepo.ErrNotFound) {
			t.Errorf("deleted: %v", err)
		}
	})
}

func TestWriteTreeRefusesBadPaths(t *testing.T) {
	r := gitrepo.Memory()
	blob, err := r.WriteBlob([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", "/a", "a/", "a//b", "../a", "a/../b", ".git/config", "a/.GIT/x", "a\x00b", "nope"} {
		c := gitrepo.Change{Path: path, Mode: "100644", Hash: blob}
		if path == "nope" {
			c.Hash = "" // deletes what does not exist
		}
		if _, err := r.WriteTree("", []gitrepo.Change{c}); !errors.Is(err, gitrepo.ErrBadTree) {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// A merge is symmetric, and merging an ancestor changes nothing.
func TestMergeProperties(t *testing.T) {
	path := rapid.SampledFrom([]string{"a", "b", "c/d", "c/e", "f"})
	content := rapid.SampledFrom([]string{"1", "2", "3"})
	rapid.Check(t, func(rt *rapid.T) {
		r := gitrepo.Memory()
		edits := rapid.MapOf(path, content)
		root := commit(rt, r, map[string]string{"a": "0", "b": "0", "c/d": "0"})
		ours, theirs := commit(rt, r, edits.Draw(rt, "ours"), root), commit(rt, r, edits.Draw(rt, "theirs"), root)
		one, conflicts, err := r.Merge(ours, theirs)
		if err != nil {
			rt.Fatal(err)
		}
		other, swapped, err := r.Merge(theirs, ours)
		if err != nil || one != other || !slices.Equal(conflicts, swapped) {
			rt.Fatalf("merge depends on the side: %s %v, %s %v, %v", one, conflicts, other, swapped, err)
		}
		c, err := r.Commit(ours)
		if err != nil {
			rt.Fatal(err)
		}
		if tree, _, err := r.Merge(root, ours); err != nil || tree != c.Tree {
			rt.Fatalf("merging into the base gave %s %v, want %s", tree, err, c.Tree)
		}
	})
}
