package slackapp

import "sync"

// maxSeen is how many triggers are remembered. At a hundred a second this covers more
// than the minute in which Slack may deliver twice.
const maxSeen = 8192

// recentTriggers remembers the triggers that this process has already handled.
type recentTriggers struct {
	mu    sync.Mutex
	keys  map[string]struct{}
	order []string
	next  int
}

// first reports whether key is new; an empty key always is.
func (s *recentTriggers) first(key string) bool {
	if key == "" {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil {
		s.keys = make(map[string]struct{}, maxSeen)
		s.order = make([]string, maxSeen)
	}
	if _, ok := s.keys[key]; ok {
		return false
	}
	delete(s.keys, s.order[s.next])
	s.order[s.next] = key
	s.next = (s.next + 1) % maxSeen
	s.keys[key] = struct{}{}
	return true
}
