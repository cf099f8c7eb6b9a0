package ci

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/terraform"
)

// Terraform runs in its own tree. The tree is written from git objects and contains only what
// the code identity lists, so a module cannot read code that no one approved:
//
//   - every file of the environment's root, but the generated files of other requests,
//     unless the root's own files refer to their modules;
//   - the whole directory of each module of the repository that these call, and so on;
//   - what the code of those names outside its own directory: ${path.module}/../x.
//
// Modules from outside the repository must be pinned. Their files are known only after init, and
// are compared then: see remote.go.

// Bounds of a tree.
const (
	// Far above any real environment. They limit what a commit can make a runner read, and how
	// large the summary grows, which lists each entry of the identity.
	maxTreeFiles = 5000
	maxTreeBytes = 64 << 20
	maxBound     = 400 // entries of the identity
	lockFile     = ".terraform.lock.hcl"
)

// treeEntry is one line of `git ls-tree`.
type treeEntry struct{ mode, kind, id, path string }

const (
	modeFile       = "100644"
	modeExecutable = "100755"
)

// binding collects the code that one run executes.
type binding struct {
	j     *job
	root  string // of the environment, in the repository
	code  terraform.CodeIdentity
	files map[string]treeEntry // what the tree holds, by path
	done  map[string]bool      // directories whose code was read
}

// bind collects everything that Terraform will read in this run from the default branch's
// commit. The request's file is the granted one.
func (j *job) bind(ctx context.Context, granted []byte) (*binding, error) {
	b := &binding{j: j, root: path.Dir(j.in.Path), files: map[string]treeEntry{}, done: map[string]bool{}}
	b.code.Files = map[string]string{j.in.Path: j.in.Blob}
	var err error
	if b.code.Terraform, err = j.terraformVersion(ctx); err != nil {
		return nil, err
	}
	if err := b.addRoot(ctx, granted); err != nil {
		return nil, err
	}
	if len(b.code.Files) > maxBound || len(b.files) > maxTreeFiles {
		return nil, refuse(lifecycle.CodeNotPinned, "the environment and its modules have more files than a plan can "+
			"name: %d", len(b.files))
	}
	return b, nil
}

// addRoot adds the root's own files, then the generated files whose modules they refer to, then
// the request's own file.
func (b *binding) addRoot(ctx context.Context, granted []byte) error {
	entries, err := b.j.list(ctx, b.root+"/", false)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return refuse(lifecycle.CodeContentDiffers, "the default branch has no environment %s", b.j.in.Environment)
	}
	if !slices.ContainsFunc(entries, func(e treeEntry) bool {
		return e.path == b.root+"/"+lockFile && e.mode == modeFile
	}) {
		return refuse(lifecycle.CodeNotPinned, "%s/%s is missing, so the providers of the run are not fixed; "+
			"run `terraform providers lock` in %s and commit the file, "+
			"or take the one that `tfpilot bootstrap` makes", b.root, lockFile, b.root)
	}
	own, generated := []treeEntry{}, map[string]treeEntry{}
	for _, e := range entries {
		id, isGenerated := terraform.Generated(path.Base(e.path))
		switch {
		case e.path == b.j.in.Path: // the granted one is put there
		case isGenerated:
			generated[id] = e
		default:
			own = append(own, e)
		}
	}
	if err := b.checkGenerated(ctx, generated); err != nil {
		return err
	}
	sources, err := b.addFiles(ctx, own, nil)
	if err != nil {
		return err
	}
	var used []treeEntry
	for _, id := range sources.Modules {
		if e, ok := generated[id]; ok && !slices.Contains(used, e) {
			used = append(used, e)
		}
	}
	more, err := b.addFiles(ctx, used, map[string][]byte{path.Base(b.j.in.Path): granted})
	if err != nil {
		return err
	}
	if err := b.follow(ctx, b.root, sources); err != nil {
		return err
	}
	return b.follow(ctx, b.root, more)
}

// checkGenerated rejects a root in which a file with a request's name contains anything but that
// request's module.
func (b *binding) checkGenerated(ctx context.Context, generated map[string]treeEntry) error {
	var all []treeEntry
	for _, e := range generated {
		if e.mode != modeFile {
			return refuse(lifecycle.CodeEnvironmentBroken, "%s is not an ordinary file", e.path)
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b treeEntry) int { return strings.Compare(a.path, b.path) })
	contents, err := b.j.blobs(ctx, all)
	if err != nil {
		return err
	}
	for _, e := range all {
		if err := terraform.CheckGenerated(path.Base(e.path), contents[e.id]); err != nil {
			return refuse(lifecycle.CodeEnvironmentBroken, "%s: %s", b.root, err)
		}
	}
	return nil
}

// addFiles adds entries of the root to the tree and the identity, and returns the sources of
// their code. extra holds files that are not in the commit.
func (b *binding) addFiles(ctx context.Context, entries []treeEntry,
	extra map[string][]byte) (terraform.Sources, error) {
	for _, e := range entries {
		if e.kind == "tree" {
			if err := b.addTree(ctx, e); err != nil {
				return terraform.Sources{}, err
			}
			continue
		}
		if err := b.addFile(e); err != nil {
			return terraform.Sources{}, err
		}
	}
	return b.sources(ctx, b.root, entries, extra)
}

func (b *binding) addFile(e treeEntry) error {
	switch {
	case e.kind == "blob" && e.mode == modeFile:
		b.code.Files[e.path] = e.id
	// A provisioner or an external program can depend on the executable bit, and the blob id does
	// not cover it.
	case e.kind == "blob" && e.mode == modeExecutable:
		b.code.Files[e.path] = e.id + " executable"
	default:
		return notOrdinary(e)
	}
	b.files[e.path] = e
	return nil
}

// addTree adds a whole directory to the tree, and its id to the identity.
func (b *binding) addTree(ctx context.Context, dir treeEntry) error {
	if b.holds(dir.path) {
		return nil
	}
	files, err := b.j.list(ctx, dir.path+"/", true)
	if err != nil {
		return err
	}
	for _, e := range files {
		if e.kind != "blob" || e.mode != modeFile && e.mode != modeExecutable {
			return notOrdinary(e)
		}
		b.files[e.path] = e
	}
	b.code.Files[dir.path+"/"] = dir.id
	return nil
}

// holds reports whether a path is in a directory that was added as a whole.
func (b *binding) holds(name string) bool {
	for dir := name; dir != "."; dir = path.Dir(dir) {
		if b.code.Files[dir+"/"] != "" {
			return true
		}
	}
	return b.code.Files[name] != ""
}

// notOrdinary refuses links and submodules. Git stores only the target's name or commit for them,
// so the identity would not change when the content does.
func notOrdinary(e treeEntry) error {
	what := map[string]string{"120000": "a symbolic link", "160000": "a submodule"}[e.mode]
	if what == "" {
		what = "not an ordinary file"
	}
	return refuse(lifecycle.CodeNotPinned, "%s is %s: its target is not part of the plan; "+
		"put the files themselves there", e.path, what)
}

// sources reads the .tf files of one directory.
func (b *binding) sources(ctx context.Context, dir string, entries []treeEntry,
	extra map[string][]byte) (terraform.Sources, error) {
	var code []treeEntry
	for _, e := range entries {
		if e.kind == "blob" && path.Dir(e.path) == dir && strings.HasSuffix(e.path, ".tf") {
			code = append(code, e)
		}
	}
	contents, err := b.j.blobs(ctx, code)
	if err != nil {
		return terraform.Sources{}, err
	}
	files := map[string][]byte{}
	for _, e := range code {
		files[path.Base(e.path)] = contents[e.id]
	}
	for name, content := range extra {
		files[name] = content
	}
	s, err := terraform.ReadSources(files)
	var syntax hcl.Diagnostics
	switch {
	case errors.As(err, &syntax):
		return s, refuse(b.brokenCode(dir), "a file of %s cannot be read: %s", dir, err)
	case err != nil:
		return s, refuse(lifecycle.CodeNotPinned, "%s: %s", dir, err)
	}
	return s, nil
}

// brokenCode reports an error in a file of the environment or of the module.
func (b *binding) brokenCode(dir string) lifecycle.ReasonCode {
	if dir == b.root {
		return lifecycle.CodeEnvironmentBroken
	}
	return lifecycle.CodeTerraformFailed
}

// follow adds the modules that the code of a directory calls, and the files that it reads
// outside of the directory.
func (b *binding) follow(ctx context.Context, dir string, s terraform.Sources) error {
	for _, source := range s.Local {
		if err := b.addModule(ctx, dir, source); err != nil {
			return err
		}
	}
	if len(s.Climbs) > maxBound {
		return refuse(lifecycle.CodeNotPinned, "the code of %s names more paths outside of its directory than a plan can "+
			"name: %d", dir, len(s.Climbs))
	}
	for _, text := range s.Climbs {
		// Terraform resolves a path in a text relative to its working directory, which is the
		// root, unless the text starts with ${path.module}. Both meanings are added.
		for _, from := range []string{dir, b.root} {
			if err := b.addClimb(ctx, path.Join(from, text)); err != nil {
				return err
			}
		}
	}
	return nil
}

// addModule adds a module of the repository, and what it calls in turn. done stops cycles.
func (b *binding) addModule(ctx context.Context, dir, source string) error {
	at := path.Join(dir, source)
	if b.done[at] {
		return nil
	}
	b.done[at] = true
	e, err := b.j.lookUp(ctx, at)
	switch {
	case err != nil:
		return err
	case e.mode == "120000" || e.mode == "160000":
		return notOrdinary(e)
	case e.kind != "tree":
		return refuse(b.brokenCode(dir), "%s calls the module %q, which is not a directory of this repository", dir, source)
	// Such a module would contain the files of all requests, so each new request would change the
	// code of every approved plan.
	case strings.HasPrefix(b.root+"/", at+"/"):
		return refuse(lifecycle.CodeNotPinned, "%s calls the module %q, which holds the environment itself", dir, source)
	}
	if err := b.addTree(ctx, e); err != nil {
		return err
	}
	files, err := b.j.list(ctx, at+"/", false)
	if err != nil {
		return err
	}
	for _, f := range files {
		if lower := strings.ToLower(f.path); strings.HasSuffix(lower, ".tf.json") || strings.HasSuffix(lower, ".tofu") ||
			strings.HasSuffix(lower, ".tofu.json") {
			return refuse(lifecycle.CodeNotPinned, "%s: only modules in Terraform's own language (.tf) are read", f.path)
		}
	}
	s, err := b.sources(ctx, at, files, nil)
	if err != nil {
		return err
	}
	return b.follow(ctx, at, s)
}

// addClimb adds the target of a path: a file, a directory or, if the rest of the path is
// computed, the directory around it. It does not add parents of the environment's root, so
// reading those finds nothing.
func (b *binding) addClimb(ctx context.Context, at string) error {
	for range 2 {
		if at == "." || at == ".." || strings.HasPrefix(at, "../") || strings.HasPrefix(b.root+"/", at+"/") || b.holds(at) {
			return nil
		}
		e, err := b.j.lookUp(ctx, at)
		switch {
		case err != nil:
			return err
		case e.kind == "tree":
			return b.addTree(ctx, e)
		case e.kind != "":
			return b.addFile(e)
		}
		at = path.Dir(at)
	}
	return nil
}
