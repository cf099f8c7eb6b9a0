package slackapp

import "sync"

// maxSeen is how many triggers are remembered; at a hundred a second that is more
// than the minute in which Slack delivers twice.
const maxSeen = 8192

// seen drops what this process has already taken.
type seen struct {
	mu   sync.Mutex
	keys map[string]struct{}
	ring []string
	next int
}

// first says whether key is new; an empty key always is.
func (s *seen) first(key string) bool {
	if key == "" {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil {
		s.keys = make(map[string]struct{}, maxSeen)
		s.ring = make([]string, maxSeen)
	}
	if _, ok := s.keys[key]; ok {
		return false
	}
	delete(s.keys, s.ring[s.next])
	s.ring[s.next] = key
	s.next = (s.next + 1) % maxSeen
	s.keys[key] = struct{}{}
	return true
}
