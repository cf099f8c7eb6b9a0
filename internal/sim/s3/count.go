package s3

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// Count counts how often a principal called one operation under one first part of the key
// ("requests/"), and how many objects the calls changed.
type Count struct {
	Principal string `json:"principal"`
	Verb      string `json:"verb"`
	Bucket    string `json:"bucket"`
	Prefix    string `json:"prefix"`
	Calls     int    `json:"calls"`
	Effects   int    `json:"effects"`
}

type countKey struct{ principal, verb, bucket, prefix string }

type counts struct {
	mu sync.Mutex
	m  map[countKey]Count
}

// add counts an authenticated call. A refused or failed call counts too: the client made it.
func (n *counts) add(c *call, effects int) {
	prefix := ""
	if head, _, found := strings.Cut(subject(c), "/"); found {
		prefix = head + "/"
	}
	k := countKey{c.principal.Name, c.op.name, c.bucket, prefix}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.m == nil {
		n.m = map[countKey]Count{}
	}
	v := n.m[k]
	n.m[k] = Count{k.principal, k.verb, k.bucket, k.prefix, v.Calls + 1, v.Effects + effects}
}

// Counts lists the calls since the start or the last reset.
func (s *Server) Counts() []Count {
	s.counts.mu.Lock()
	defer s.counts.mu.Unlock()
	out := make([]Count, 0, len(s.counts.m))
	for _, v := range s.counts.m {
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Principal, b.Principal), cmp.Compare(a.Bucket, b.Bucket),
			cmp.Compare(a.Verb, b.Verb), cmp.Compare(a.Prefix, b.Prefix))
	})
	return out
}

// Calls sums the calls of a principal, or of all principals if the name is empty.
func (s *Server) Calls(principal string) int {
	total := 0
	for _, c := range s.Counts() {
		if principal == "" || c.Principal == principal {
			total += c.Calls
		}
	}
	return total
}

// ResetCounts sets all counts to zero.
func (s *Server) ResetCounts() {
	s.counts.mu.Lock()
	defer s.counts.mu.Unlock()
	s.counts.m = nil
}
