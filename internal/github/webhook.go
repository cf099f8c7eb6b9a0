package github

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// A webhook is a hint that something changed. Its signature proves that GitHub sent it, not that
// it is current: deliveries arrive late, out of order, twice or never. So a Hint contains only
// what says where to read, bounded in size, and the reader asks GitHub for the facts. Only runs
// are taken from it directly, under the rules of internal/lifecycle, since their states are
// ordered.

// Errors of ParseWebhook.
var (
	ErrSignature = errors.New("webhook signature does not match")
	ErrIgnored   = errors.New("webhook event is not one that matters")
	ErrMalformed = errors.New("webhook is malformed")
)

// MaxHint bounds the JSON of a Hint.
const MaxHint = 2048

// Hint is the content of a webhook, small enough for a task in the queue. It grants nothing:
// facts about runs are recorded by the rules of lifecycle, and everything else is read from
// GitHub again.
type Hint struct {
	Event    string      `json:"event"`
	Action   string      `json:"action"`
	Delivery string      `json:"delivery"`
	RepoID   int64       `json:"repoId"`
	Repo     string      `json:"repo"`
	Run      *RunHint    `json:"run,omitempty"`
	Pull     *PullHint   `json:"pull,omitempty"`
	Review   *ReviewHint `json:"review,omitempty"`
}

// RunHint is a workflow run in a webhook.
type RunHint struct {
	ID           int64                `json:"id"`
	Attempt      int                  `json:"attempt"`
	Status       string               `json:"status"`
	Conclusion   lifecycle.Conclusion `json:"conclusion,omitempty"`
	Path         string               `json:"path,omitempty"`
	Name         string               `json:"name,omitempty"`
	DisplayTitle string               `json:"displayTitle,omitempty"`
	HeadBranch   string               `json:"headBranch,omitempty"`
	HeadSHA      string               `json:"headSha,omitempty"`
	Event        string               `json:"event"`
	Actor        string               `json:"actor,omitempty"`
	CreatedAt    time.Time            `json:"createdAt"`
	UpdatedAt    time.Time            `json:"updatedAt"`
	CompletedAt  time.Time            `json:"completedAt,omitzero"`
	URL          string               `json:"url,omitempty"`
}

// PullHint is a pull request in a webhook.
type PullHint struct {
	Number    int       `json:"number"`
	State     string    `json:"state,omitempty"`
	Merged    bool      `json:"merged,omitempty"`
	HeadSHA   string    `json:"headSha,omitempty"`
	HeadRef   string    `json:"headRef,omitempty"`
	BaseRef   string    `json:"baseRef,omitempty"`
	UpdatedAt time.Time `json:"updatedAt,omitzero"`
}

// ReviewHint is a review in a webhook.
type ReviewHint struct {
	ID          int64     `json:"id"`
	Login       string    `json:"login,omitempty"`
	State       string    `json:"state"`
	CommitSHA   string    `json:"commitSha,omitempty"`
	SubmittedAt time.Time `json:"submittedAt,omitzero"`
}

type wireEvent struct {
	Action     string    `json:"action"`
	Repository *wireRepo `json:"repository"`
	Workflow   *struct {
		Path string `json:"path"`
	} `json:"workflow"`
	WorkflowRun *wireRun  `json:"workflow_run"`
	PullRequest *wirePull `json:"pull_request"`
	Review      *struct {
		ID          int64      `json:"id"`
		User        *Actor     `json:"user"`
		State       string     `json:"state"`
		CommitID    string     `json:"commit_id"`
		SubmittedAt *time.Time `json:"submitted_at"`
	} `json:"review"`
}

var deliveryID = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// ParseWebhook checks the signature of a delivery before it reads anything else of it. The caller
// bounds the body; GitHub sends at most 25 MiB.
func ParseWebhook(secret string, header http.Header, body []byte) (Hint, error) {
	if err := checkSignature(secret, header.Get("X-Hub-Signature-256"), body); err != nil {
		return Hint{}, err
	}
	event, delivery := header.Get("X-GitHub-Event"), header.Get("X-GitHub-Delivery")
	switch event {
	case "workflow_run", "pull_request", "pull_request_review":
	case "":
		return Hint{}, fmt.Errorf("%w: no event name", ErrMalformed)
	default:
		return Hint{}, fmt.Errorf("%w: %q", ErrIgnored, cutBytes(event, 64))
	}
	if !deliveryID.MatchString(delivery) {
		return Hint{}, fmt.Errorf("%w: delivery id", ErrMalformed)
	}
	if !isJSON(header.Get("Content-Type")) {
		return Hint{}, fmt.Errorf("%w: content type must be application/json", ErrMalformed)
	}
	var w wireEvent
	if err := json.Unmarshal(body, &w); err != nil {
		return Hint{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return w.hint(event, delivery)
}

// isJSON reports whether a content type is JSON. GitHub sends it without parameters, which needs no parsing.
func isJSON(contentType string) bool {
	if contentType == "application/json" {
		return true
	}
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && kind == "application/json"
}

// checkSignature accepts SHA-256 only and compares in constant time. Without a configured secret
// it rejects every delivery.
func checkSignature(secret, signature string, body []byte) error {
	digest, ok := strings.CutPrefix(signature, "sha256=")
	got, err := hex.DecodeString(digest)
	if secret == "" || !ok || err != nil {
		return ErrSignature
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	if !hmac.Equal(mac.Sum(nil), got) {
		return ErrSignature
	}
	return nil
}

func (w wireEvent) hint(event, delivery string) (Hint, error) {
	if w.Repository == nil || w.Repository.ID <= 0 {
		return Hint{}, fmt.Errorf("%w: no repository", ErrMalformed)
	}
	h := Hint{
		Event: event, Action: cutBytes(w.Action, 40), Delivery: delivery,
		RepoID: w.Repository.ID, Repo: cutBytes(w.Repository.FullName, 150),
	}
	if event == "workflow_run" {
		if w.WorkflowRun == nil || w.WorkflowRun.ID <= 0 {
			return Hint{}, withoutObject(event)
		}
		h.Run = w.runHint()
		return h, nil
	}
	if w.PullRequest == nil || w.PullRequest.Number <= 0 {
		return Hint{}, withoutObject(event)
	}
	h.Pull = w.PullRequest.hint()
	if event == "pull_request" {
		return h, nil
	}
	if w.Review == nil || w.Review.ID <= 0 {
		return Hint{}, withoutObject(event)
	}
	h.Review = &ReviewHint{
		ID: w.Review.ID, State: cutBytes(strings.ToLower(w.Review.State), 24), CommitSHA: cutBytes(w.Review.CommitID, 40),
	}
	if w.Review.User != nil {
		h.Review.Login = cutBytes(w.Review.User.Login, 64)
	}
	if w.Review.SubmittedAt != nil {
		h.Review.SubmittedAt = sane(*w.Review.SubmittedAt)
	}
	return h, nil
}

// withoutObject is the error for a delivery that lacks what its event is about.
func withoutObject(event string) error {
	return fmt.Errorf("%w: %s without its object", ErrMalformed, event)
}

func (w wireEvent) runHint() *RunHint {
	r := w.WorkflowRun.run()
	h := &RunHint{
		ID: r.ID, Attempt: r.Attempt, Status: cutBytes(r.Status, 24),
		Conclusion: lifecycle.Conclusion(cutBytes(string(r.Conclusion), 24)),
		Path:       cutBytes(r.Path, 160), Name: cutBytes(r.Name, 80), DisplayTitle: cutBytes(r.DisplayTitle, 160),
		HeadBranch: cutBytes(r.HeadBranch, 160), HeadSHA: cutBytes(r.HeadSHA, 40), Event: cutBytes(r.Event, 40),
		Actor:     cutBytes(r.Actor.Login, 64),
		CreatedAt: sane(r.CreatedAt), UpdatedAt: sane(r.UpdatedAt), CompletedAt: sane(r.CompletedAt),
		URL: cutBytes(r.URL, 240),
	}
	if h.Path == "" && w.Workflow != nil {
		h.Path = cutBytes(w.Workflow.Path, 160)
	}
	return h
}

func (w wirePull) hint() *PullHint {
	return &PullHint{
		Number: w.Number, State: cutBytes(w.State, 16), Merged: w.Merged,
		HeadSHA: cutBytes(w.Head.SHA, 40), HeadRef: cutBytes(w.Head.Ref, 160), BaseRef: cutBytes(w.Base.Ref, 160),
		UpdatedAt: sane(w.UpdatedAt),
	}
}

// sane drops a time that JSON cannot carry.
func sane(t time.Time) time.Time {
	if t = t.UTC(); t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}

// cutBytes keeps as much of s as limit bytes of JSON can hold. Control characters
// and what is not UTF-8 are left out.
func cutBytes(s string, limit int) string {
	if len(s) <= limit && !strings.ContainsFunc(s, costly) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		cost := utf8.RuneLen(r)
		switch {
		case r < 0x20 || r == 0x7f || r == utf8.RuneError:
			continue
		case r == '"' || r == '\\':
			cost = 2
		case r == '<' || r == '>' || r == '&' || r == '\u2028' || r == '\u2029':
			cost = 6
		}
		if limit -= cost; limit < 0 {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

// costly reports whether a character may need more than one byte of JSON, or is left out.
func costly(r rune) bool { return r < 0x20 || r >= 0x7f || strings.ContainsRune(`"\<>&`, r) }

// ClassifyRun returns the kind of a run by its workflow file, or by the name of the workflow if
// GitHub did not return the file.
func ClassifyRun(path, name string) (lifecycle.Kind, bool) {
	rows := lifecycle.KindRows()
	if path != "" {
		path, _, _ = strings.Cut(path, "@")
		file, ok := strings.CutPrefix(path, ".github/workflows/")
		for _, row := range rows {
			if ok && (file == row.Workflow || file == strings.TrimSuffix(row.Workflow, ".yml")+".yaml") {
				return row.Kind, true
			}
		}
		return "", false
	}
	// The longer name first: "drift_plan" also contains "plan".
	slices.SortStableFunc(rows, func(a, b lifecycle.KindRow) int { return len(b.Kind) - len(a.Kind) })
	words := "_" + notWord.ReplaceAllString(strings.ToLower(name), "_") + "_"
	for _, row := range rows {
		if strings.Contains(words, "_"+string(row.Kind)+"_") {
			return row.Kind, true
		}
	}
	return "", false
}

var notWord = regexp.MustCompile(`[^a-z0-9]+`)

// ParseRunTitle reads a run's title if it is one of ours from beginning to end. A
// drift plan may be without a request.
func ParseRunTitle(title string) (kind lifecycle.Kind, requestID, correlationID string, ok bool) {
	kind, requestID, rest := readTitle(title)
	inner, closed := strings.CutSuffix(rest, "]")
	correlationID, opened := strings.CutPrefix(inner, "[")
	of, _ := lifecycle.ParseCorrelationID(correlationID) // no kind for an invalid one
	if !closed || !opened || of != kind || requestID == "" && !kind.Row().OfEnvironment {
		return "", "", "", false
	}
	return kind, requestID, correlationID, true
}

// RunNames returns the request that a title names, whatever follows the name: anyone may
// dispatch a workflow with inputs that make such a title.
func RunNames(title string) (kind lifecycle.Kind, requestID string, ok bool) {
	kind, requestID, _ = readTitle(title)
	return kind, requestID, requestID != ""
}

// readTitle reads the beginning of a title of ours, "tfpilot KIND REQUEST [CORRELATION ID]": the kind and the
// request, empty for "-". All are empty for another title.
func readTitle(title string) (kind lifecycle.Kind, requestID, rest string) {
	after, ours := strings.CutPrefix(title, "tfpilot ")
	word, after, _ := strings.Cut(after, " ")
	kind, err := lifecycle.ParseKind(word)
	requestID, rest, _ = strings.Cut(after, " ")
	if !ours || err != nil || requestID != "-" && !lifecycle.NameRequest.Valid(requestID) {
		return "", "", ""
	}
	return kind, strings.TrimPrefix(requestID, "-"), rest
}
