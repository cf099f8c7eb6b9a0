package store

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

func TestKeys(t *testing.T) {
	type made struct {
		key string
		err error
	}
	m := func(key string, err error) made { return made{key, err} }
	for want, got := range map[string]made{
		"requests/" + testID + ".json":                     m(RequestKey(testID)),
		"history/" + testID + ".json":                      m(HistoryKey(testID)),
		"webhooks/github/run-index/drift_plan/run-7.json":  m(RunIndexKey(lifecycle.KindDriftPlan, 7)),
		"webhooks/github/pr-index/9/12.json":               m(PRIndexKey(9, 12)),
		"logs/" + testID + "/20261123T090000Z-000003.json": m(LogKey(testID, testTime.In(time.FixedZone("", 3600)), 3)),
		"environments/core/dev/app.json":                   m(EnvironmentKey("core", devApp)),
		"grants/core/" + testCID + ".json":                 m(GrantKey("core", testCID)),
		"claims/core/" + testCID + ".json":                 m(ClaimKey("core", testCID)),
		"results/core/" + testCID + "/plan.txt":            m(ResultKey("core", testCID, planName)),
		"identities/T0ACME0001/U0DANA0001.json":            m(IdentityKey("T0ACME0001", "U0DANA0001")),
	} {
		if got.err != nil || got.key != want {
			t.Errorf("key %q, %v; want %q", got.key, got.err, want)
		}
	}
}

// No part, whatever it is, makes a key of another shape.
func TestKeysCannotBeInjected(t *testing.T) {
	shape := regexp.MustCompile(`^[a-z/-]+(/[A-Za-z0-9_.-]+)+\.(json|txt)$`)
	rapid.Check(t, func(rt *rapid.T) {
		part := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			"", "..", "a/b", "req_0123456789/../x", testID + "\n", "../" + testID, "dev", testCID + "/x", "T1/U1", "\u212a",
		}))
		a, b, c := part.Draw(rt, "a"), part.Draw(rt, "b"), part.Draw(rt, "c")
		for _, make := range []func() (string, error){
			func() (string, error) { return RequestKey(a) }, func() (string, error) { return HistoryKey(a) },
			func() (string, error) { return RunIndexKey(lifecycle.Kind(a), 1) }, func() (string, error) {
				return LogKey(a, testTime, 1)
			},
			func() (string, error) { return EnvironmentKey(a, lifecycle.Environment{Key: b, Slug: c}) },
			func() (string, error) { return GrantKey(a, b) }, func() (string, error) { return ClaimKey(a, b) },
			func() (string, error) { return ResultKey(a, b, c) }, func() (string, error) { return IdentityKey(a, b) },
		} {
			key, err := make()
			if err != nil {
				if !errors.Is(err, ErrKey) || key != "" {
					rt.Fatalf("key %q with %v", key, err)
				}
				continue
			}
			if !shape.MatchString(key) || strings.Contains(key, "..") || strings.Contains(key, "//") {
				rt.Fatalf("key %q", key)
			}
		}
	})
}
