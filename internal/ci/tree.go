package ci

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Reads files from git objects and writes them to a directory, without a checkout. A checkout
// applies the attributes of the repository, and keeps what a previous step left in the work tree
// and in the index. An object is named by the hash of its content, so
// what is read here is what the identity lists.

// tree is the directory that Terraform runs in: see code.go.
func (j *job) tree() string { return filepath.Join(j.env["RUNNER_TEMP"], "tfpilot", "tree") }

// list lists a directory, or one path, in the default branch's commit.
func (j *job) list(ctx context.Context, name string, deep bool) ([]treeEntry, error) {
	args := []string{"ls-tree", "-z", "--full-tree"}
	if deep {
		args = append(args, "-r")
	}
	out, err := j.git(ctx, j.tools(), append(args, j.env["GITHUB_SHA"], "--", name)...)
	if err != nil {
		return nil, err
	}
	// The output was cut, so entries could be missing from the identity.
	if len(out) >= maxRead {
		return nil, refuse(lifecycle.CodeNotPinned, "%s has too many files", name)
	}
	var entries []treeEntry
	for line := range strings.SplitSeq(strings.TrimRight(out, "\x00"), "\x00") {
		head, name, named := strings.Cut(line, "\t")
		fields := strings.Fields(head)
		if len(fields) == 3 && named {
			entries = append(entries, treeEntry{fields[0], fields[1], fields[2], name})
		}
	}
	return entries, nil
}

// lookUp finds one path in the default branch's commit, without following links. It returns the
// zero entry if the path does not exist.
func (j *job) lookUp(ctx context.Context, name string) (treeEntry, error) {
	if name == "." || strings.HasPrefix(name, "..") {
		return treeEntry{}, nil // not inside the repository
	}
	entries, err := j.list(ctx, name, false)
	if err != nil {
		return treeEntry{}, err
	}
	for _, e := range entries {
		if e.path == name {
			return e, nil
		}
	}
	return treeEntry{}, nil
}

// blobs reads the contents of files by their id.
func (j *job) blobs(ctx context.Context, entries []treeEntry) (map[string][]byte, error) {
	contents := map[string][]byte{}
	room := int64(maxTreeBytes)
	err := j.eachBlob(ctx, entries, func(e treeEntry, size int64, from io.Reader) error {
		if room -= size; room < 0 {
			return refuse(lifecycle.CodeNotPinned, "the code of the environment is larger than %d MiB", maxTreeBytes>>20)
		}
		content, err := io.ReadAll(io.LimitReader(from, size))
		contents[e.id] = content
		return err
	})
	return contents, err
}

// eachBlob reads files from git, one after another.
func (j *job) eachBlob(ctx context.Context, entries []treeEntry,
	take func(e treeEntry, size int64, from io.Reader) error) error {
	if len(entries) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, gitTimeout)
	defer cancel()
	var ids strings.Builder
	for _, e := range entries {
		ids.WriteString(e.id + "\n")
	}
	cmd := exec.CommandContext(ctx, "git", "cat-file", "--batch")
	cmd.Dir, cmd.Stdin, cmd.WaitDelay = j.tools(), strings.NewReader(ids.String()), gitGrace
	cmd.Env = j.childEnv("GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("git cat-file: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("git cat-file: %w", err)
	}
	from := bufio.NewReader(out)
	for _, e := range entries {
		if err = nextBlob(from, e, take); err != nil {
			cancel() // it may still be writing
			break
		}
	}
	if waitErr := cmd.Wait(); err == nil && waitErr != nil {
		err = fmt.Errorf("git cat-file: %w", waitErr)
	}
	return err
}

// nextBlob reads one response of `git cat-file --batch`.
func nextBlob(from *bufio.Reader, e treeEntry, take func(treeEntry, int64, io.Reader) error) error {
	head, err := from.ReadString('\n')
	if err != nil {
		return fmt.Errorf("read %s: %w", e.path, err)
	}
	fields := strings.Fields(head)
	if len(fields) != 3 || fields[0] != e.id || fields[1] != "blob" {
		return fmt.Errorf("read %s: git says %q", e.path, strings.TrimSpace(head))
	}
	size, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil || size > maxTreeBytes {
		return refuse(lifecycle.CodeNotPinned, "%s is larger than %d MiB", e.path, maxTreeBytes>>20)
	}
	content := io.LimitReader(from, size)
	if err := take(e, size, content); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, content); err != nil {
		return fmt.Errorf("read %s: %w", e.path, err)
	}
	_, err = from.Discard(1) // the final newline
	return err
}

// writeTree writes the bound files exactly as git stores them, without filters or attributes of
// the repository.
func (j *job) writeTree(ctx context.Context, b *binding, granted []byte) error {
	if err := os.RemoveAll(j.tree()); err != nil {
		return fmt.Errorf("make the tree: %w", err)
	}
	var all []treeEntry
	for _, e := range b.files {
		all = append(all, e)
	}
	room := int64(maxTreeBytes)
	err := j.eachBlob(ctx, all, func(e treeEntry, size int64, from io.Reader) error {
		if room -= size; room < 0 {
			return refuse(lifecycle.CodeNotPinned, "the code of the environment is larger than %d MiB", maxTreeBytes>>20)
		}
		return j.writeFile(e.path, e.mode, from)
	})
	if err != nil {
		return err
	}
	return j.writeFile(j.in.Path, modeFile, bytes.NewReader(granted))
}

func (j *job) writeFile(name, mode string, from io.Reader) error {
	file := filepath.Join(j.tree(), filepath.FromSlash(name))
	if !strings.HasPrefix(file, j.tree()+string(filepath.Separator)) {
		return refuse(lifecycle.CodeNotPinned, "%q is not a path inside the repository", name)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("make the tree: %w", err)
	}
	perm := os.FileMode(0o600)
	if mode == modeExecutable {
		perm = 0o700
	}
	out, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, perm)
	if err != nil {
		return fmt.Errorf("write the tree: %w", err)
	}
	_, err = io.Copy(out, from)
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// terraformVersion returns the version of the Terraform on the PATH. It runs outside the tree,
// so it reads no code.
func (j *job) terraformVersion(ctx context.Context) (string, error) {
	var out bounded
	exit, err := j.terraformTo(ctx, j.runFile(""), "version", &out, nil, "version", "-json")
	if err != nil {
		return "", err
	}
	text := out.String()
	if at := strings.Index(text, "{"); at > 0 {
		text = text[at:] // a warning about the CLI configuration may precede it
	}
	var answer struct {
		Version string `json:"terraform_version"`
	}
	if err := json.NewDecoder(strings.NewReader(text)).Decode(&answer); err != nil || exit != 0 || answer.Version == "" {
		return "", fmt.Errorf("terraform version: exit %d, %q", exit, cut(out.String(), 200))
	}
	return answer.Version, nil
}
