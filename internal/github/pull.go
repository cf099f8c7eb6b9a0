package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// GitHub's limits of what people read.
const (
	maxTitle = 256
	maxText  = 65_000 // of 65,536 characters
)

func queryEscape(s string) string { return url.QueryEscape(s) }

// Pull is a pull request as GitHub returned it.
type Pull struct {
	RepoID    int64 // of the repository it is in
	Number    int
	URL       string
	Title     string
	Open      bool
	Merged    bool
	MergeSHA  string // of the merge commit, when merged
	HeadSHA   string
	HeadRef   string
	Fork      bool // the head is in another repository
	BaseRef   string
	By        Actor
	MergedBy  Actor // empty where GitHub does not name them, as in a list
	CreatedAt time.Time
	UpdatedAt time.Time
	MergedAt  *time.Time
	ClosedAt  *time.Time
}

// Actor is an account.
type Actor struct {
	Login string `json:"login"`
	ID    int64  `json:"id"`
}

type wirePull struct {
	Number         int        `json:"number"`
	HTMLURL        string     `json:"html_url"`
	Title          string     `json:"title"`
	State          string     `json:"state"`
	Merged         bool       `json:"merged"`
	MergeCommitSHA string     `json:"merge_commit_sha"`
	User           Actor      `json:"user"`
	MergedBy       Actor      `json:"merged_by"`
	CreatedAt      time.Time  `json:"created_at"`
	UpdatedAt      time.Time  `json:"updated_at"`
	MergedAt       *time.Time `json:"merged_at"`
	ClosedAt       *time.Time `json:"closed_at"`
	Head           wireBranch `json:"head"`
	Base           wireBranch `json:"base"`
}

type wireBranch struct {
	Ref  string    `json:"ref"`
	SHA  string    `json:"sha"`
	Repo *wireRepo `json:"repo"`
}

type wireRepo struct {
	ID            int64  `json:"id"`
	FullName      string `json:"full_name"`
	DefaultBranch string `json:"default_branch"`
	Archived      bool   `json:"archived"`
	Private       bool   `json:"private"`
}

// pull reads the wire form. A list has no "merged", but the time of the merge.
func (w wirePull) pull() Pull {
	p := Pull{
		Number: w.Number, URL: w.HTMLURL, Title: w.Title, Open: w.State == "open",
		Merged: w.Merged || w.MergedAt != nil, HeadSHA: w.Head.SHA, HeadRef: w.Head.Ref, BaseRef: w.Base.Ref,
		By: w.User, MergedBy: w.MergedBy,
		CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt, MergedAt: w.MergedAt, ClosedAt: w.ClosedAt,
	}
	if w.Base.Repo != nil {
		p.RepoID = w.Base.Repo.ID
	}
	p.Fork = w.Head.Repo != nil && w.Base.Repo != nil && w.Head.Repo.ID != w.Base.Repo.ID // by id: names change
	// before the merge GitHub puts the commit of a trial there
	if p.Merged {
		p.MergeSHA = w.MergeCommitSHA
	}
	return p
}

// PullInput is a pull request to open.
type PullInput struct {
	Repo  Repo   // required
	Head  string // required; a branch of the same repository
	Base  string // required
	Title string // required
	Body  string
}

// OpenPull opens a pull request. If one exists for the branch already, open or closed, OpenPull
// returns that one, and created is false: an earlier call may have opened it and lost the answer.
func (c *Client) OpenPull(ctx context.Context, in PullInput) (pull Pull, created bool, err error) {
	if err := errors.Join(checkRef(in.Head), checkRef(in.Base)); err != nil {
		return Pull{}, false, err
	}
	path, err := in.Repo.path("/pulls")
	if err != nil {
		return Pull{}, false, err
	}
	body := map[string]any{
		"title": cutRunes(in.Title, maxTitle), "body": cutRunes(in.Body, maxText),
		"head": in.Head, "base": in.Base, "maintainer_can_modify": false,
	}
	var out wirePull
	_, err = c.call(ctx, http.MethodPost, path, body, &out)
	if err == nil {
		return out.pull(), true, nil
	}
	err = fmt.Errorf("open pull request of %s: %w", in.Head, err)
	var refused *Refused
	if !errors.As(err, &refused) || refused.Status != http.StatusUnprocessableEntity {
		return Pull{}, false, err
	}
	found, findErr := c.FindPull(ctx, in.Repo, in.Head)
	if findErr != nil {
		return Pull{}, false, errors.Join(err, findErr)
	}
	return found, false, nil
}

// FindPull finds the pull request of a branch: the open one, else the newest.
func (c *Client) FindPull(ctx context.Context, repo Repo, branch string) (Pull, error) {
	if err := checkRef(branch); err != nil {
		return Pull{}, err
	}
	path, err := repo.path("/pulls?state=all&sort=created&direction=desc&per_page=%d&head=%s",
		pageSize, queryEscape(repo.Owner+":"+branch))
	if err != nil {
		return Pull{}, err
	}
	var out []wirePull
	if _, err := c.call(ctx, http.MethodGet, path, nil, &out); err != nil {
		return Pull{}, fmt.Errorf("find pull request of %s: %w", branch, err)
	}
	var found *Pull
	for _, w := range out {
		p := w.pull()
		if p.HeadRef != branch || p.Fork {
			continue
		}
		if found == nil || p.Open && !found.Open {
			found = &p
		}
	}
	if found == nil {
		return Pull{}, fmt.Errorf("find pull request of %s: %w", branch, ErrNotFound)
	}
	return *found, nil
}

// Pull reads a pull request.
func (c *Client) Pull(ctx context.Context, repo Repo, number int) (Pull, error) {
	path, err := repo.path("/pulls/%d", number)
	if err != nil {
		return Pull{}, err
	}
	var out wirePull
	if _, err := c.call(ctx, http.MethodGet, path, nil, &out); err != nil {
		return Pull{}, fmt.Errorf("pull request %d: %w", number, err)
	}
	return out.pull(), nil
}

// Listing is the result of a list that was requested with an ETag.
type Listing[T any] struct {
	Items []T
	ETag  string // for the next time; empty when it would prove nothing
	Same  bool   // nothing changed since the ETag that was sent; Items is empty

	Partial bool // there are more: what is not among Items may exist
}

// Pulls lists the pull requests that changed at or after since, the newest change first. With the
// ETag of the last call, an unchanged list costs nothing.
func (c *Client) Pulls(ctx context.Context, repo Repo, since time.Time, etag string) (Listing[Pull], error) {
	var all Listing[Pull]
	for page := 1; page <= maxPages; page++ {
		path, err := repo.path("/pulls?state=all&sort=updated&direction=desc&per_page=%d&page=%d", pageSize, page)
		if err != nil {
			return all, err
		}
		var out []wirePull
		a, err := c.do(ctx, &c.rest, http.MethodGet, path, etag, nil, &out)
		if err != nil {
			return Listing[Pull]{}, fmt.Errorf("list pull requests: %w", err)
		}
		if a.same {
			return Listing[Pull]{ETag: etag, Same: true}, nil
		}
		if page == 1 {
			all.ETag, etag = a.etag, ""
		}
		for _, w := range out {
			// The list is sorted by the time of the change, so the rest is older.
			if w.UpdatedAt.Before(since) {
				return all, nil
			}
			all.Items = append(all.Items, w.pull())
		}
		if len(out) < pageSize {
			return all, nil
		}
	}
	return all, nil
}

// MergeInput is a merge of exactly one head.
type MergeInput struct {
	Repo    Repo   // required
	Number  int    // required
	HeadSHA string // required; the head that was approved
	Title   string // required; of the merge commit
	Message string // required; else GitHub takes the pull request's title, which others may change
	Method  string // merge, squash or rebase; empty is merge
}

// Merge merges the pull request if its head is still in.HeadSHA, and returns the merge commit.
// ErrHeadMoved means that the head is another commit; any other refusal contains GitHub's
// message. A pull request that was already merged with that head is a success. done reports
// whether this call merged it.
func (c *Client) Merge(ctx context.Context, in MergeInput) (sha string, done bool, err error) {
	if err := checkSHA(in.HeadSHA); err != nil {
		return "", false, err
	}
	path, err := in.Repo.path("/pulls/%d/merge", in.Number)
	if err != nil {
		return "", false, err
	}
	method := in.Method
	if method == "" {
		method = "merge"
	}
	body := map[string]string{"sha": in.HeadSHA, "commit_title": cutRunes(in.Title, maxTitle),
		"commit_message": cutRunes(in.Message, maxTitle), "merge_method": method}
	var out struct {
		SHA    string `json:"sha"`
		Merged bool   `json:"merged"`
	}
	_, err = c.call(ctx, http.MethodPut, path, body, &out)
	if err == nil && out.Merged {
		return out.SHA, true, checkSHA(out.SHA)
	}
	if err == nil {
		return "", false, fmt.Errorf("merge pull request %d: answered without a merge: %w", in.Number, errUnknown)
	}
	sha, err = c.mergeRefused(ctx, in, err)
	return sha, false, err
}

// mergeRefused handles a refusal. The pull request may have been merged by an earlier call whose
// answer was lost: GitHub then refuses with 405.
func (c *Client) mergeRefused(ctx context.Context, in MergeInput, err error) (string, error) {
	err = fmt.Errorf("merge pull request %d: %w", in.Number, err)
	var refused *Refused
	if !errors.As(err, &refused) || refused.Status != http.StatusMethodNotAllowed &&
		refused.Status != http.StatusConflict {
		return "", err
	}
	p, readErr := c.Pull(ctx, in.Repo, in.Number)
	switch {
	case readErr == nil && p.Merged && p.HeadSHA == in.HeadSHA:
		return p.MergeSHA, nil
	case readErr == nil && p.HeadSHA != in.HeadSHA || refused.Status == http.StatusConflict:
		return "", fmt.Errorf("%w: %w", ErrHeadMoved, err)
	default:
		return "", err
	}
}

// ClosePull closes a pull request without merging it.
func (c *Client) ClosePull(ctx context.Context, repo Repo, number int) error {
	path, err := repo.path("/pulls/%d", number)
	if err != nil {
		return err
	}
	if _, err := c.call(ctx, http.MethodPatch, path, map[string]string{"state": "closed"}, nil); err != nil {
		return fmt.Errorf("close pull request %d: %w", number, err)
	}
	return nil
}

// Review is one review of a pull request.
type Review struct {
	ID          int64
	By          Actor
	State       string // approved, changes_requested, commented, dismissed, pending
	CommitSHA   string // what was reviewed
	SubmittedAt time.Time
}

// Reviews lists the reviews of a pull request, oldest first.
func (c *Client) Reviews(ctx context.Context, repo Repo, number int) ([]Review, error) {
	var all []Review
	for page := 1; page <= maxPages; page++ {
		path, err := repo.path("/pulls/%d/reviews?per_page=%d&page=%d", number, pageSize, page)
		if err != nil {
			return nil, err
		}
		var out []struct {
			ID          int64     `json:"id"`
			User        *Actor    `json:"user"` // null for a deleted account
			State       string    `json:"state"`
			CommitID    string    `json:"commit_id"`
			SubmittedAt time.Time `json:"submitted_at"`
		}
		if _, err := c.call(ctx, http.MethodGet, path, nil, &out); err != nil {
			return nil, fmt.Errorf("reviews of pull request %d: %w", number, err)
		}
		for _, w := range out {
			r := Review{ID: w.ID, State: strings.ToLower(w.State), CommitSHA: w.CommitID, SubmittedAt: w.SubmittedAt}
			if w.User != nil {
				r.By = *w.User
			}
			all = append(all, r)
		}
		if len(out) < pageSize {
			return all, nil
		}
	}
	return nil, fmt.Errorf("reviews of pull request %d: more than %d: %w", number, maxPages*pageSize, ErrTooLarge)
}

// CommentOnce makes sure that one comment starts with the marker and has this body: it creates
// the comment, changes it, or leaves it alone. UpdatedAt is the time of the last change, by
// GitHub's clock. The returned comment has the body that was sent.
func (c *Client) CommentOnce(ctx context.Context, repo Repo, number int, marker, body string) (Comment, error) {
	old, err := c.findComment(ctx, repo, number, marker)
	switch {
	case err != nil:
		return Comment{}, err
	case old.ID == 0:
		return c.AddComment(ctx, repo, number, marker, body)
	case old.Body == commentText(marker, body):
		return old, nil
	}
	path, err := repo.path("/issues/comments/%d", old.ID)
	if err != nil {
		return Comment{}, err
	}
	return c.writeComment(ctx, http.MethodPatch, path, number, commentText(marker, body))
}

// AddComment creates the comment of CommentOnce without a search, for a caller that knows that
// there is none.
func (c *Client) AddComment(ctx context.Context, repo Repo, number int, marker, body string) (Comment, error) {
	path, err := repo.path("/issues/%d/comments", number)
	if err != nil {
		return Comment{}, err
	}
	return c.writeComment(ctx, http.MethodPost, path, number, commentText(marker, body))
}

func commentText(marker, body string) string {
	return cutRunes(marker+"\n"+strings.TrimSpace(body), maxText)
}

func (c *Client) writeComment(ctx context.Context, method, path string, number int, text string) (Comment, error) {
	var now Comment
	if _, err := c.call(ctx, method, path, map[string]string{"body": text}, &now); err != nil {
		return Comment{}, fmt.Errorf("comment on pull request %d: %w", number, err)
	}
	// GitHub may return the body with other line endings.
	now.Body = text
	return now, nil
}

// Comment reads one comment as it is now.
func (c *Client) Comment(ctx context.Context, repo Repo, id int64) (Comment, error) {
	path, err := repo.path("/issues/comments/%d", id)
	if err != nil {
		return Comment{}, err
	}
	var now Comment
	if _, err := c.call(ctx, http.MethodGet, path, nil, &now); err != nil {
		return Comment{}, fmt.Errorf("comment %d: %w", id, err)
	}
	now.Body = strings.ReplaceAll(now.Body, "\r\n", "\n")
	return now, nil
}

// DeleteComment deletes a comment. One that is gone is a success.
func (c *Client) DeleteComment(ctx context.Context, repo Repo, id int64) error {
	path, err := repo.path("/issues/comments/%d", id)
	if err != nil {
		return err
	}
	if _, err := c.call(ctx, http.MethodDelete, path, nil, nil); err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("delete comment %d: %w", id, err)
	}
	return nil
}

// Comment is a comment of a pull request.
type Comment struct {
	ID        int64     `json:"id"`
	Body      string    `json:"body"`
	User      Actor     `json:"user"`
	UpdatedAt time.Time `json:"updated_at"`
}

// findComment finds TfPilot's own comment that starts with the marker, or returns the zero value.
// Anyone can write a comment that starts with it; those are never changed.
func (c *Client) findComment(ctx context.Context, repo Repo, number int, marker string) (Comment, error) {
	me, err := c.Self(ctx)
	if err != nil {
		return Comment{}, err
	}
	for page := 1; page <= maxPages; page++ {
		path, err := repo.path("/issues/%d/comments?per_page=%d&page=%d", number, pageSize, page)
		if err != nil {
			return Comment{}, err
		}
		var out []Comment
		if _, err := c.call(ctx, http.MethodGet, path, nil, &out); err != nil {
			return Comment{}, fmt.Errorf("comments of pull request %d: %w", number, err)
		}
		for _, w := range out {
			w.Body = strings.ReplaceAll(w.Body, "\r\n", "\n")
			if lifecycle.SameLogin(w.User.Login, me.Login) && strings.HasPrefix(w.Body, marker+"\n") {
				return w, nil
			}
		}
		if len(out) < pageSize {
			return Comment{}, nil
		}
	}
	return Comment{}, fmt.Errorf("comments of pull request %d: more than %d: %w", number, maxPages*pageSize, ErrTooLarge)
}
