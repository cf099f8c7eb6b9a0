package ci

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// push creates and pushes cleanup/<request id>: the default branch without the request's block,
// and nothing else. The App opens and merges that pull request, so that checks run. push can be
// repeated: it makes the branch again.
//
// It is the only step with a token. Providers ran in the step before, so push trusts nothing on
// the disk: it makes the commit in a new repository from what GitHub has, without a work tree,
// hooks or existing settings.
func (j *job) push(ctx context.Context) error {
	o, err := j.outcome()
	switch {
	case err != nil:
		return err
	case j.in.DryRun:
		j.say("::notice::Dry run: the branch is not pushed.")
		return nil
	case o.Nothing:
		j.say("Nothing is left to clean up.")
		return nil
	}
	g, err := j.newPusher(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(g.dir) }() // it holds what the repository holds
	content, err := g.git(ctx, nil, "cat-file", "blob", "FETCH_HEAD:"+j.in.Path)
	if err != nil {
		return err
	}
	rest, there, err := j.stripped([]byte(content))
	if err != nil {
		return err
	}
	if !there {
		return refuse(lifecycle.CodeContentDiffers, "%s on the default branch has no block of %s", j.in.Path, j.in.RequestID)
	}
	commit, err := g.commitWithout(ctx, j.in.Path, rest, lifecycle.CleanupMessage(j.in.RequestID))
	if err != nil {
		return err
	}
	branch := lifecycle.CleanupBranch(j.in.RequestID)
	// The branch belongs to this cleanup alone. A run that failed later may have left an old one.
	if _, err := g.git(ctx, nil, "push", "--quiet", "--force", g.remote, commit+":refs/heads/"+branch); err != nil {
		return err
	}
	j.say("Pushed %s.", branch)
	return nil
}

// pusher is a new repository and the token that gives access to GitHub.
type pusher struct {
	j           *job
	dir, remote string
	env         []string
}

func (j *job) newPusher(ctx context.Context) (*pusher, error) {
	token, server := j.env[tokenVariable], strings.TrimRight(j.env["GITHUB_SERVER_URL"], "/")
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || token == "" ||
		!lifecycle.ValidRepository(j.env["GITHUB_REPOSITORY"]) {
		return nil, fmt.Errorf("GITHUB_SERVER_URL, GITHUB_REPOSITORY or the token of the run is not set")
	}
	dir, err := os.MkdirTemp(j.env["RUNNER_TEMP"], "tfpilot-push-")
	if err != nil {
		return nil, fmt.Errorf("make a repository: %w", err)
	}
	name := j.env["TFPILOT_ACTOR"]
	header := "AUTHORIZATION: basic " + base64.StdEncoding.EncodeToString([]byte("x-access-token:"+token))
	g := &pusher{j: j, dir: dir, remote: server + "/" + j.env["GITHUB_REPOSITORY"] + ".git", env: []string{
		"GIT_CONFIG_GLOBAL=" + os.DevNull, "HOME=" + dir, "GIT_INDEX_FILE=" + filepath.Join(dir, "cleanup.index"),
		// not on the command line, which others can read
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=http.extraHeader", "GIT_CONFIG_VALUE_0=" + header,
		"GIT_AUTHOR_NAME=" + name, "GIT_AUTHOR_EMAIL=" + pushMail, "GIT_COMMITTER_NAME=" + name, "GIT_COMMITTER_EMAIL=" +
			pushMail,
	}}
	for _, args := range [][]string{
		// An empty template directory: the default one can contain hooks.
		{"init", "--quiet", "--template=", dir},
		{"fetch", "--quiet", "--no-tags", "--depth=1", g.remote, j.env["GITHUB_SHA"]},
	} {
		if _, err := g.git(ctx, nil, args...); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// tokenVariable contains the token of the run. It is set for this step only.
const tokenVariable = "TFPILOT_TOKEN"

const pushMail = "tfpilot@users.noreply.github.com"

// commitWithout makes a commit on top of the fetched one that replaces the content of one file,
// or deletes the file if nothing is left.
func (g *pusher) commitWithout(ctx context.Context, path string, rest []byte, message string) (string, error) {
	if _, err := g.git(ctx, nil, "read-tree", "FETCH_HEAD"); err != nil {
		return "", err
	}
	if len(rest) == 0 {
		if _, err := g.git(ctx, nil, "update-index", "--force-remove", "--", path); err != nil {
			return "", err
		}
	} else {
		// Filters would apply the attributes of the repository, such as line endings, and change
		// the bytes that strip validated.
		blob, err := g.git(ctx, rest, "hash-object", "-w", "--stdin", "--no-filters")
		if err != nil {
			return "", err
		}
		if _, err := g.git(ctx, nil, "update-index", "--cacheinfo", "100644,"+strings.TrimSpace(blob)+","+path); err != nil {
			return "", err
		}
	}
	tree, err := g.git(ctx, nil, "write-tree")
	if err != nil {
		return "", err
	}
	commit, err := g.git(ctx, []byte(message+"\n"), "commit-tree", strings.TrimSpace(tree), "-p", g.j.env["GITHUB_SHA"])
	return strings.TrimSpace(commit), err
}

func (g *pusher) git(ctx context.Context, in []byte, args ...string) (string, error) {
	return g.j.gitWith(ctx, g.dir, in, g.env, args...)
}
