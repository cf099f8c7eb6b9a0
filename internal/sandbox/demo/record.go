package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// recordSteps is the last chapter: what remains in Slack, in the repository, in the storage, and in
// the counters of the simulators.
func (j *journey) recordSteps() []step {
	return []step{
		{"dana", "finds only cards in the channels, and only related replies in their threads", j.checksChannels},
		{"dana", "clones the repository, and finds both merges of each request but none of its code", j.clones},
		{"dana", "finds the history of the destroyed requests in S3", j.keepsHistory},
		{"", "nothing was done twice: pull requests, runs, merges and cards are counted", j.checksEffects},
	}
}

// checksChannels checks that each channel has one card for each request and nothing else at the top level, and
// that every reply in a thread names its request.
func (j *journey) checksChannels(ctx context.Context) error {
	w, err := j.dana.workspace(ctx)
	if err != nil {
		return err
	}
	for _, c := range w.Channels {
		for _, m := range c.Messages {
			if !m.Bot || j.existing[c.ID+" "+m.TS] {
				continue
			}
			r := j.cardOf(m)
			if r == nil {
				return notSeen("only cards in "+c.Name, m.read())
			}
			for _, reply := range m.Replies {
				if !strings.Contains(reply.read(), r.title) {
					return notSeen("only replies about “"+r.title+"” in its thread", reply.read())
				}
			}
		}
	}
	return nil
}

func (j *journey) cardOf(m message) *request {
	i := slices.IndexFunc(j.requests, func(r *request) bool { return strings.Contains(m.read(), r.id) })
	if i < 0 {
		return nil
	}
	return j.requests[i]
}

// destroyedRequests lists the requests that were applied and destroyed.
func (j *journey) destroyedRequests() []*request { return []*request{j.bucket, j.adams, j.prod} }

func (j *journey) clones(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "tfpilot-demo-")
	if err != nil {
		return fmt.Errorf("create a directory for the clone: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	address := ""
	for _, a := range j.access.Clone {
		if strings.HasSuffix(a, "/"+j.bucket.repo+".git") {
			address = a
		}
	}
	if _, err := git(ctx, dir, "clone", "--quiet", address, "infra"); err != nil {
		return err
	}
	log, err := git(ctx, filepath.Join(dir, "infra"), "log", "--format=%s", "origin/main")
	if err != nil {
		return err
	}
	for _, r := range j.destroyedRequests() {
		if n := strings.Count(log, r.id); n < 2 {
			return notSeen("the merges of "+r.id+" and of its cleanup in the history of main", log)
		}
	}
	return j.checksCleanup(ctx, filepath.Join(dir, "infra"))
}

// checksCleanup checks that no block of a destroyed request is left.
func (j *journey) checksCleanup(ctx context.Context, dir string) error {
	found, err := git(ctx, dir, "grep", "-n", "tfpilot:begin", "origin/main", "--", "envs")
	var none *exec.ExitError
	if errors.As(err, &none) && none.ExitCode() == 1 {
		return nil
	}
	if err != nil {
		return err
	}
	for _, r := range j.destroyedRequests() {
		if strings.Contains(found, r.id) {
			return notSeen("no block of "+r.id, found)
		}
	}
	if j.first {
		return notSeen("no block of any request", found)
	}
	return nil
}

// git runs git without the user's own settings.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "git", args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	var errs strings.Builder
	c.Stderr = &errs
	out, err := c.Output()
	if err != nil {
		return string(out), fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(errs.String()))
	}
	return string(out), nil
}

func (j *journey) keepsHistory(ctx context.Context) error {
	for _, r := range j.destroyedRequests() {
		if err := j.archived(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// archived waits for the document of a request in the archive.
func (j *journey) archived(ctx context.Context, r *request) error {
	bucket, want := j.access.Env["TFPILOT_REQUESTS_BUCKET"], "history/"+r.id+".json"
	return until(ctx, later, want+" in the bucket "+bucket, func(ctx context.Context) (bool, string, error) {
		keys, err := j.keys(ctx, bucket, "history/"+r.id)
		return slices.Contains(keys, want), strings.Join(keys, " "), err
	})
}

func (j *journey) checksEffects(ctx context.Context) error {
	now, err := j.counts(ctx)
	if err != nil {
		return err
	}
	for _, r := range j.requests {
		if n := now.GitHub.PullRequests[r.repo+" request/"+r.id]; n != 1 {
			return notSeen("one pull request for "+r.title, fmt.Sprint(n))
		}
	}
	for _, r := range j.destroyedRequests() {
		if n := now.GitHub.Merges[fmt.Sprintf("%s#%d", r.repo, r.pull)]; n != 1 {
			return notSeen("one merge of "+r.title, fmt.Sprint(n))
		}
		if n := now.GitHub.PullRequests[r.repo+" cleanup/"+r.id]; n != 1 {
			return notSeen("one cleanup pull request for "+r.title, fmt.Sprint(n))
		}
	}
	for id, n := range now.GitHub.Runs {
		if _, old := j.before.GitHub.Runs[id]; n != 1 && id != j.rerun && !old {
			return notSeen("one run for the attempt "+id, fmt.Sprint(n))
		}
	}
	return j.oneCardEach(ctx, now)
}

// oneCardEach compares all messages that the app posted outside threads with the requests, by channel
// and by person.
func (j *journey) oneCardEach(ctx context.Context, now counts) error {
	for _, p := range []*person{j.dana, j.ana, j.adam} {
		w, err := p.workspace(ctx)
		if err != nil {
			return err
		}
		for _, c := range w.Channels {
			want := 0
			for _, r := range j.requests {
				if c.Kind == "im" && r.by == p || c.Kind != "im" && c.Name == r.channel {
					want++
				}
			}
			if got := now.Slack.TopLevel[c.ID] - j.before.Slack.TopLevel[c.ID]; got != want {
				return notSeen(fmt.Sprintf("%d cards in %s for %s", want, c.Name, p.name), fmt.Sprintf("%d messages", got))
			}
		}
	}
	return nil
}
