package store

import (
	"slices"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/testing/golden"
)

// The bucket's lifecycle rules match the code.
func TestLifecycleRules(t *testing.T) {
	got, err := RenderLifetimes()
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "../../manifests/s3/lifecycle.json", got)
}

// What holds the truth never expires, a claim outlives its grant, and a plan may wait for
// its approval longer than anything else is kept.
func TestLifetimesLoseNothing(t *testing.T) {
	days := map[string]int{}
	for _, l := range Lifetimes {
		for _, kept := range []string{PrefixRequests, PrefixHistory, PrefixLogs, PrefixEnvironments, PrefixIdentities,
			PrefixPRIndex} {
			if strings.HasPrefix(kept, l.Prefix) || strings.HasPrefix(l.Prefix, kept) {
				t.Errorf("%s expires with %q", kept, l.Prefix)
			}
		}
		if l.Days < 1 || days[l.Prefix] > 0 || l.Why == "" || !strings.HasSuffix(l.Prefix, "/") {
			t.Errorf("lifetime %+v", l)
		}
		days[l.Prefix] = l.Days
	}
	if days[PrefixGrants] < 1 || days[PrefixClaims] <= days[PrefixGrants] {
		t.Errorf("claims %d days, grants %d", days[PrefixClaims], days[PrefixGrants])
	}
	for prefix, n := range days {
		if prefix != PrefixResults && n >= days[PrefixResults] || days[PrefixResults] < 365 {
			t.Errorf("results %d days, %s %d", days[PrefixResults], prefix, n)
		}
	}
}

// Deleting by age is the bucket's work: no role may change the rules or the versions.
func TestNoRoleChangesLifetimes(t *testing.T) {
	for _, p := range Policies(testProject) {
		for _, r := range p.Rules {
			bad := slices.ContainsFunc(r.Actions, func(a string) bool {
				return strings.Contains(a, "Lifecycle") || strings.Contains(a, "Version") || strings.Contains(a, "*")
			})
			if bad {
				t.Errorf("%s: %s may %v", p.Name, r.Sid, r.Actions)
			}
		}
	}
}
