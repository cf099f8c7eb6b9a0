package demo

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// pull is a pull request as GitHub returns it.
type pull struct {
	Number int
	Title  string
	Body   string
	State  string
	Merged bool
	Head   struct{ Ref, SHA string }
	Base   struct{ Ref string }
}

func (p *person) github(ctx context.Context, method, path string, body, into any) error {
	return p.j.call(ctx, method, strings.TrimSuffix(p.j.access.Env["GITHUB_API_URL"], "/")+path, p.token, body, into)
}

func (p *person) reads(ctx context.Context, path string, into any) error {
	return p.github(ctx, http.MethodGet, path, nil, into)
}

func (r *request) pullPath() string { return fmt.Sprintf("/repos/%s/pulls/%d", r.repo, r.pull) }

// opens reads the pull request on GitHub.
func (p *person) opens(ctx context.Context, r *request) (pull, error) {
	var out pull
	return out, p.reads(ctx, r.pullPath(), &out)
}

// comments returns the comments of the pull request as "login: text".
func (p *person) comments(ctx context.Context, r *request) ([]string, error) {
	var found []struct {
		User struct{ Login string }
		Body string
	}
	err := p.reads(ctx, fmt.Sprintf("/repos/%s/issues/%d/comments?per_page=100", r.repo, r.pull), &found)
	var out []string
	for _, c := range found {
		out = append(out, c.User.Login+": "+c.Body)
	}
	return out, err
}

// readsComment waits for a comment that contains the words.
func (p *person) readsComment(ctx context.Context, r *request, words ...string) error {
	want := fmt.Sprintf("a comment in pull request #%d with “%s”", r.pull, strings.Join(words, "” and “"))
	return until(ctx, later, want, func(ctx context.Context) (bool, string, error) {
		all, err := p.comments(ctx, r)
		for _, c := range all {
			if containsAll(c, words...) {
				return true, c, nil
			}
		}
		return false, strings.Join(all, "\n—\n"), err
	})
}
