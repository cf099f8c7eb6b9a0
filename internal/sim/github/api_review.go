package github

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

var reviewRoutes = []route{
	{pattern: "GET /repos/{owner}/{repo}/pulls/{number}/reviews", scope: "pull_requests", handle: (*Server).listReviews},
	{pattern: "POST /repos/{owner}/{repo}/pulls/{number}/reviews", scope: "review", handle: (*Server).createReview,
		content: true},
	{pattern: "PUT /repos/{owner}/{repo}/pulls/{number}/reviews/{id}/dismissals", scope: "pull_requests",
		handle: (*Server).dismissReview},
	// One pattern covers issues/{number}/comments and issues/comments/{id}, since the mux cannot
	// distinguish them.
	{pattern: "GET /repos/{owner}/{repo}/issues/{number}/{part}", scope: "pull_requests", handle: (*Server).readComments},
	{pattern: "POST /repos/{owner}/{repo}/issues/{number}/comments", scope: "comment", handle: (*Server).createComment,
		content: true},
	{pattern: "PATCH /repos/{owner}/{repo}/issues/comments/{id}", scope: "pull_requests", handle: (*Server).updateComment},
	{pattern: "DELETE /repos/{owner}/{repo}/issues/comments/{id}", scope: "pull_requests",
		handle: (*Server).deleteComment},
}

func (s *Server) listReviews(c *call) (reply, error) {
	pr, err := s.findPull(c)
	if err != nil {
		return reply{}, err
	}
	return paginate(s, c, pr.Reviews, func(rv *review) obj { return s.reviewJSON(c.repo, pr, rv) })
}

var reviewStates = map[string]string{
	"": "PENDING", "APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED",
}

func (s *Server) createReview(c *call) (reply, error) {
	pr, err := s.findPull(c)
	if err != nil {
		return reply{}, err
	}
	var in struct {
		Body, Event string
		CommitID    string `json:"commit_id"`
	}
	if err := decode(c.body, &in); err != nil {
		return reply{}, err
	}
	state, known := reviewStates[in.Event]
	if !known {
		return reply{}, &apiError{status: http.StatusUnprocessableEntity, message: "Unprocessable Entity", errors: []any{
			"Variable $event of type PullRequestReviewEvent was provided invalid value",
		}}
	}
	in.CommitID = firstOf(in.CommitID, pr.HeadSHA)
	if err := s.checkReview(c, pr, state, in.Body, in.CommitID); err != nil {
		return reply{}, err
	}
	rv := &review{ID: s.newID(), Author: c.p.login, Body: in.Body, State: state, CommitID: in.CommitID}
	pr.Reviews = append(pr.Reviews, rv)
	if state != "PENDING" {
		rv.SubmittedAt, pr.UpdatedAt = time.Now(), time.Now()
		s.state.Counts.Reviews[pullKey(c.repo, pr)]++
		s.emitReview(c.repo, pr, rv, c.p, "submitted")
	}
	return ok(s.reviewJSON(c.repo, pr, rv))
}

// checkReview applies GitHub's rules: no one approves or rejects their own pull request, and a
// decision names a commit of the pull request.
func (s *Server) checkReview(c *call, pr *pull, state, body, commit string) error {
	notValid := func(why string) error {
		return &apiError{status: http.StatusUnprocessableEntity, message: "Unprocessable Entity", errors: []any{why}}
	}
	own := strings.EqualFold(pr.Author, c.p.login)
	switch {
	case own && state == "APPROVED":
		return notValid("Can not approve your own pull request")
	case own && state == "CHANGES_REQUESTED":
		return notValid("Can not request changes on your own pull request")
	case strings.TrimSpace(body) == "" && (state == "CHANGES_REQUESTED" || state == "COMMENTED"):
		return notValid("Body can not be blank")
	case len([]rune(body)) > maxText:
		return notValid("Body is too long (maximum is 65536 characters)")
	}
	commits, err := s.commits(c.repo, pr)
	if err != nil {
		return err
	}
	for _, g := range commits {
		if g.Hash == commit {
			return nil
		}
	}
	return notValid("The commit " + commit + " is not part of the pull request")
}

func (s *Server) findReview(c *call) (*pull, *review, error) {
	pr, err := s.findPull(c)
	if err != nil {
		return nil, nil, err
	}
	for _, rv := range pr.Reviews {
		if rv.ID == c.number("id") {
			return pr, rv, nil
		}
	}
	return nil, nil, errNotFound
}

func (s *Server) dismissReview(c *call) (reply, error) {
	pr, rv, err := s.findReview(c)
	if err != nil {
		return reply{}, err
	}
	var in struct{ Message string }
	if err := decode(c.body, &in); err != nil {
		return reply{}, err
	}
	switch {
	case in.Message == "":
		return reply{}, fail(http.StatusUnprocessableEntity, "Invalid request.\n\n\"message\" wasn't supplied.")
	case rv.State != "APPROVED" && rv.State != "CHANGES_REQUESTED":
		return reply{}, &apiError{status: http.StatusUnprocessableEntity, message: "Unprocessable Entity",
			errors: []any{"Can not dismiss a " + strings.ToLower(rv.State) + " pull request review"}}
	}
	rv.State, pr.UpdatedAt = "DISMISSED", time.Now()
	s.emitReview(c.repo, pr, rv, c.p, "dismissed")
	return ok(s.reviewJSON(c.repo, pr, rv))
}

func (s *Server) commentsOf(r *repository, number int) []*comment {
	var out []*comment
	for _, cm := range r.Comments {
		if cm.Number == number {
			out = append(out, cm)
		}
	}
	return out
}

func (s *Server) readComments(c *call) (reply, error) {
	if c.path("number") == "comments" {
		c.r.SetPathValue("id", c.path("part"))
		return s.getComment(c)
	}
	if c.path("part") != "comments" {
		return reply{}, errNotFound
	}
	return s.listComments(c)
}

func (s *Server) listComments(c *call) (reply, error) {
	if _, err := s.findPull(c); err != nil {
		return reply{}, err
	}
	comments := s.commentsOf(c.repo, int(c.number("number")))
	return paginate(s, c, comments, func(cm *comment) obj { return s.commentJSON(c.repo, cm) })
}

func commentBody(body []byte) (string, error) {
	var in struct{ Body string }
	if err := decode(body, &in); err != nil {
		return "", err
	}
	switch {
	case strings.TrimSpace(in.Body) == "":
		return "", invalid("IssueComment", "body", "missing_field", "")
	case len([]rune(in.Body)) > maxText:
		return "", invalid("IssueComment", "data", "unprocessable", "Body is too long (maximum is 65536 characters)")
	}
	return in.Body, nil
}

func (s *Server) createComment(c *call) (reply, error) {
	pr, err := s.findPull(c)
	if err != nil {
		return reply{}, err
	}
	body, err := commentBody(c.body)
	if err != nil {
		return reply{}, err
	}
	cm := &comment{ID: s.newID(), Number: pr.Number, Author: c.p.login, Body: body, CreatedAt: time.Now(),
		UpdatedAt: time.Now()}
	c.repo.Comments = append(c.repo.Comments, cm)
	pr.UpdatedAt = cm.CreatedAt
	s.state.Counts.Comments[pullKey(c.repo, pr)]++
	return created(s.commentJSON(c.repo, cm))
}

func (s *Server) findComment(c *call) (*comment, error) {
	for _, cm := range c.repo.Comments {
		if cm.ID == c.number("id") {
			return cm, nil
		}
	}
	return nil, errNotFound
}

// ownComment finds a comment that the caller may change, as its author or as an admin.
func (s *Server) ownComment(c *call) (*comment, error) {
	cm, err := s.findComment(c)
	if err != nil {
		return nil, err
	}
	if cm.Author != c.p.login && s.role(c.repo, c.p.login) != "admin" {
		return nil, refuse(c.p, "pull_requests")
	}
	return cm, nil
}

func (s *Server) getComment(c *call) (reply, error) {
	cm, err := s.findComment(c)
	if err != nil {
		return reply{}, err
	}
	return ok(s.commentJSON(c.repo, cm))
}

func (s *Server) updateComment(c *call) (reply, error) {
	cm, err := s.ownComment(c)
	if err != nil {
		return reply{}, err
	}
	body, err := commentBody(c.body)
	if err != nil {
		return reply{}, err
	}
	cm.Body, cm.UpdatedAt = body, time.Now()
	return ok(s.commentJSON(c.repo, cm))
}

func (s *Server) deleteComment(c *call) (reply, error) {
	cm, err := s.ownComment(c)
	if err != nil {
		return reply{}, err
	}
	c.repo.Comments = slices.DeleteFunc(c.repo.Comments, func(o *comment) bool { return o == cm })
	return noContent()
}
