package slack

import "maps"

// Counts counts calls and effects, for tests that allow each effect once.
type Counts struct {
	Calls       map[string]int `json:"calls"`      // Web API calls by method, refused ones included
	Refused     map[string]int `json:"refused"`    // by "method code"
	Posts       map[string]int `json:"posts"`      // messages posted by the app, by channel
	TopLevel    map[string]int `json:"topLevel"`   // of these, outside threads
	Updates     map[string]int `json:"updates"`    // edits by the app, by "channel ts"
	Ephemerals  map[string]int `json:"ephemerals"` // by "channel user"
	RateLimited int            `json:"rateLimited"`
	Envelopes   int            `json:"envelopes"`
	Acks        int            `json:"acks"`
	LateAcks    int            `json:"lateAcks"` // for envelopes that timed out
	Oversized   int            `json:"oversizedAcks"`
	Unacked     int            `json:"unacked"`   // envelopes whose deadline passed
	Responses   int            `json:"responses"` // calls of response URLs
}

func newCounts() Counts {
	return Counts{
		Calls: map[string]int{}, Refused: map[string]int{}, Posts: map[string]int{}, TopLevel: map[string]int{},
		Updates: map[string]int{}, Ephemerals: map[string]int{},
	}
}

func (c Counts) clone() Counts {
	c.Calls, c.Refused, c.Posts = maps.Clone(c.Calls), maps.Clone(c.Refused), maps.Clone(c.Posts)
	c.TopLevel, c.Updates, c.Ephemerals = maps.Clone(c.TopLevel), maps.Clone(c.Updates), maps.Clone(c.Ephemerals)
	return c
}

// Counts returns a copy of the counters.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts.clone()
}
