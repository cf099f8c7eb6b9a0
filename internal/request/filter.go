package request

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
)

// The words of a filter that are not statuses, environments or people.
const (
	filterMine    = "mine"
	filterOpen    = "open"
	filterWaiting = "waiting"
)

// MaxFilter is how many runes the text of a filter may have.
const MaxFilter = 200

// maxWaiting bounds the requests that one list of waiting requests checks, the newest first.
const maxWaiting = queue.MaxListLimit

// Filter selects requests of a list. All parts must match; of several statuses, environments or
// people, one.
type Filter struct {
	Mine         bool // the caller's own
	Open         bool // not applied, destroyed or closed
	Waiting      bool // for an action that the caller may take
	Statuses     []lifecycle.Status
	Environments []string // "prod", "prod/app", or the name of a project
	People       []string // requesters: GitHub logins and Slack user IDs
	Words        []string // in the title, the module or the ID, in lower case
}

// ReadFilter reads the words that a person typed: mine, open, waiting, a status, an environment, a
// project, @login, or a word of the title. It fails only for a text that is too long.
func (s *Service) ReadFilter(text string) (Filter, error) {
	var f Filter
	if n := utf8.RuneCountInString(text); n > MaxFilter {
		return f, invalid(
			Fault{FieldFilter, fmt.Sprintf("The filter has %d characters. Use at most %d.", n, MaxFilter)},
		)
	}
	for _, typed := range strings.Fields(text) {
		word := strings.ToLower(typed)
		status, isStatus := statusOf(word)
		switch {
		case word == filterMine || word == "@me":
			f.Mine = true
		case word == filterOpen:
			f.Open = true
		case word == filterWaiting:
			f.Waiting = true
		case isStatus:
			f.Statuses = append(f.Statuses, status)
		case s.names(word):
			f.Environments = append(f.Environments, word)
		case strings.HasPrefix(word, "<@"):
			user, _, _ := strings.Cut(strings.Trim(typed, "<@>"), "|")
			f.People = append(f.People, user)
		case strings.HasPrefix(word, "@") && word != "@":
			f.People = append(f.People, word[1:])
		default:
			f.Words = append(f.Words, word)
		}
	}
	return f, nil
}

// FilterWords lists the words that ReadFilter knows besides people and titles, for suggestions.
func (s *Service) FilterWords() []string {
	words := []string{filterMine, filterOpen, filterWaiting}
	for _, status := range lifecycle.Statuses {
		words = append(words, strings.ReplaceAll(string(status), "_", "-"))
	}
	for _, p := range s.Projects {
		for _, e := range p.Environments {
			if !slices.Contains(words, e.Key) {
				words = append(words, e.Key)
			}
		}
	}
	return words
}

// statusOf reads a status, written with any of "-", "_" and nothing between its words.
func statusOf(word string) (lifecycle.Status, bool) {
	bare := strings.NewReplacer("-", "", "_", "")
	for _, s := range lifecycle.Statuses {
		if bare.Replace(string(s)) == bare.Replace(word) {
			return s, true
		}
	}
	return "", false
}

// names reports whether the word names a project or environments.
func (s *Service) names(word string) bool {
	return slices.ContainsFunc(s.Projects, func(p config.Project) bool {
		return strings.EqualFold(p.Name, word) ||
			slices.ContainsFunc(p.Environments, func(e config.Environment) bool {
				return strings.EqualFold(e.Key, word) || strings.EqualFold(e.Key+"/"+e.Slug, word)
			})
	})
}

// selects reports whether the row is in the list of the caller, leaving aside what waits for them.
func (f Filter) selects(c Caller, r queue.Row) bool {
	key, _, _ := strings.Cut(r.Environment, "/")
	in := func(name string) bool {
		return strings.EqualFold(name, r.Environment) || strings.EqualFold(name, key) ||
			strings.EqualFold(name, r.Project)
	}
	by := func(who string) bool {
		return lifecycle.SameLogin(who, r.Requester) || strings.EqualFold(who, r.RequesterSlack)
	}
	text := strings.ToLower(strings.Join([]string{r.ID, r.Title, r.Module}, " "))
	return (!f.Mine || by(c.Login) && c.Login != "" || by(c.SlackUser) && c.SlackUser != "") &&
		(!f.Open || isOpen(r)) &&
		(!f.Waiting || r.Needs != "") &&
		(len(f.Statuses) == 0 || slices.Contains(f.Statuses, lifecycle.Status(r.Status))) &&
		(len(f.Environments) == 0 || slices.ContainsFunc(f.Environments, in)) &&
		(len(f.People) == 0 || slices.ContainsFunc(f.People, by)) &&
		!slices.ContainsFunc(f.Words, func(w string) bool { return !strings.Contains(text, w) })
}

// isOpen reports whether something is still to be done: a resource that is in use is done unless
// it has a problem.
func isOpen(r queue.Row) bool {
	switch lifecycle.Status(r.Status) {
	case lifecycle.StatusClosed, lifecycle.StatusDestroyed:
		return false
	case lifecycle.StatusApplied:
		return !r.Settled && (r.Problem != "" || r.Needs != "")
	default:
		return !r.Settled
	}
}

// Find reads a page of the requests that the filter selects, newest first, with their number.
func (s *Service) Find(ctx context.Context, c Caller, f Filter, cursor string, limit int) (queue.Page, error) {
	if (f.Mine || f.Waiting) && c.Login == "" {
		return queue.Page{}, s.unknownCaller(c)
	}
	q := queue.Query{Limit: limit, Cursor: cursor, Count: true, Open: f.Open || f.Waiting,
		Select: func(r queue.Row) bool { return f.selects(c, r) }}
	if f.Waiting {
		mine, err := s.waitingFor(ctx, c, q)
		if err != nil {
			return queue.Page{}, err
		}
		q.Select = func(r queue.Row) bool { return mine[r.ID] }
	}
	return s.List(ctx, c, q)
}

// unknownCaller refuses a list of one person's requests to a caller without a GitHub login.
func (s *Service) unknownCaller(c Caller) *Refusal {
	if c.Operator {
		return invalid(Fault{FieldAs, "Whose requests? Give a GitHub login."})
	}
	return denied(lifecycle.CodeNotLinked, strings.TrimSpace(
		"Your Slack account is not linked to a GitHub login, so TfPilot does not know which requests are yours. "+s.LinkHelp,
	))
}

// waitingFor returns the requests with an action that the caller may take next. It reads the
// documents, so that it decides as their buttons do.
func (s *Service) waitingFor(ctx context.Context, c Caller, q queue.Query) (map[string]bool, error) {
	q.Cursor, q.Limit, q.Count = "", maxWaiting, false
	page, err := s.List(ctx, c, q)
	if err != nil {
		return nil, err
	}
	mine := map[string]bool{}
	for _, r := range page.Rows {
		doc, refusal := s.read(ctx, r.ID)
		switch {
		case refusal != nil && refusal.Class == Missing:
			continue
		case refusal != nil:
			return nil, refusal
		}
		next, waits := lifecycle.Awaited(doc.Request, now())
		mine[r.ID] = waits && slices.ContainsFunc(s.Options(c, doc.Request, now()), func(o Option) bool {
			return o.Action == next && o.Allowed
		})
	}
	return mine, nil
}
