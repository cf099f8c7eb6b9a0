package github

import (
	"maps"
	"strings"
)

// Counts holds the effects so far, so that a test can assert one pull request, one run per attempt,
// one merge, and a budget of calls.
type Counts struct {
	PullRequests map[string]int `json:"pullRequests"` // opened, by "owner/repo branch"
	Dispatches   map[string]int `json:"dispatches"`   // accepted, by "owner/repo workflow.yml"
	Runs         map[string]int `json:"runs"`         // attempts created, by the input correlation_id or else the run id
	Merges       map[string]int `json:"merges"`       // by "owner/repo#number"
	Reviews      map[string]int `json:"reviews"`      // by "owner/repo#number"
	Comments     map[string]int `json:"comments"`     // by "owner/repo#number"
	Pushes       map[string]int `json:"pushes"`       // refs changed, by "owner/repo ref"
	Deliveries   map[string]int `json:"deliveries"`   // webhooks sent, by "event.action"
	// Calls counts REST requests by principal ("app", "installation", "run", "user:dana", "anonymous")
	// and then by "METHOD pattern".
	Calls map[string]map[string]int `json:"calls"`

	Limited int `json:"limited"` // requests that a limit refused
}

func newCounts() Counts {
	return Counts{
		PullRequests: map[string]int{}, Dispatches: map[string]int{}, Runs: map[string]int{},
		Merges: map[string]int{}, Reviews: map[string]int{}, Comments: map[string]int{},
		Pushes: map[string]int{}, Deliveries: map[string]int{}, Calls: map[string]map[string]int{},
	}
}

// Counts returns a copy of the counters.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.state.Counts
	out := Counts{
		PullRequests: maps.Clone(c.PullRequests), Dispatches: maps.Clone(c.Dispatches), Runs: maps.Clone(c.Runs),
		Merges: maps.Clone(c.Merges), Reviews: maps.Clone(c.Reviews), Comments: maps.Clone(c.Comments),
		Pushes: maps.Clone(c.Pushes), Deliveries: maps.Clone(c.Deliveries), Calls: map[string]map[string]int{},
		Limited: c.Limited,
	}
	for who, calls := range c.Calls {
		out.Calls[who] = maps.Clone(calls)
	}
	return out
}

// Total sums the REST calls of a principal, without those whose pattern contains one of the texts (the
// renewal of a token, for example).
func (c Counts) Total(login string, without ...string) int {
	sum := 0
next:
	for pattern, n := range c.Calls[login] {
		for _, w := range without {
			if strings.Contains(pattern, w) {
				continue next
			}
		}
		sum += n
	}
	return sum
}

func (s *Server) count(rt route, p principal) {
	calls := s.state.Counts.Calls
	if calls[p.key()] == nil {
		calls[p.key()] = map[string]int{}
	}
	calls[p.key()][rt.pattern]++
}
