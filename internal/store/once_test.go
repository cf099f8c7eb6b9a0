package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
)

var testTime = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func TestGrantIsWrittenOnce(t *testing.T) {
	s := openAs(t, newBucket(t), "app")
	g := lifecycle.Grant{Kind: lifecycle.KindApply, RequestID: testID, Digest: "sha256:1", ExpiresAt: testTime}
	for range 2 {
		if err := s.PutGrant(t.Context(), testProject, testCID, g); err != nil {
			t.Fatal(err)
		}
	}
	other := g
	other.Digest = "sha256:2"
	if err := s.PutGrant(t.Context(), testProject, testCID, other); !errors.Is(err, ErrExists) {
		t.Errorf("another grant under the same id: %v", err)
	}
	if got, err := s.Grant(t.Context(), testProject, testCID); err != nil || fmt.Sprint(got) != fmt.Sprint(g) {
		t.Errorf("grant is %+v, %v", got, err)
	}
	for range 2 {
		if err := s.DeleteGrant(t.Context(), testProject, testCID); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Grant(t.Context(), testProject, testCID); !errors.Is(err, ErrNotFound) {
		t.Errorf("deleted grant: %v", err)
	}
}

func TestOneClaimWins(t *testing.T) {
	srv := newBucket(t)
	var wg sync.WaitGroup
	winners := make(chan int64, 50)
	for i := range 50 {
		s := openAs(t, srv, "run-plan-core")
		wg.Go(func() {
			mine, stored, err := s.PutClaim(t.Context(), testProject, testCID,
				lifecycle.Claim{RunID: int64(i + 1), StartedAt: testTime})
			if err != nil {
				t.Error(err)
			}
			if mine != (stored.RunID == int64(i+1)) {
				t.Errorf("run %d: mine %v, but stored is run %d", i+1, mine, stored.RunID)
			}
			if mine {
				winners <- stored.RunID
			}
		})
	}
	wg.Wait()
	if len(winners) != 1 {
		t.Fatalf("%d runs won", len(winners))
	}
	c, err := openAs(t, srv, "app").Claim(t.Context(), testProject, testCID)
	if err != nil || c.RunID != <-winners {
		t.Errorf("claim %+v, %v", c, err)
	}
}

func TestClaimWithoutAnAnswer(t *testing.T) {
	for _, kind := range []s3.FaultKind{s3.FaultLost, s3.FaultUnavailable, s3.FaultConflict, s3.FaultHang} {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := newBucket(t)
				s := openAs(t, srv, "run-plan-core")
				inject(t, srv, s3.Fault{Kind: kind, Verb: "PutObject", Count: 2})
				mine, _, err := s.PutClaim(t.Context(), testProject, testCID, lifecycle.Claim{RunID: 7})
				if err != nil || !mine {
					t.Errorf("mine %v, %v", mine, err)
				}
				mine, stored, err := s.PutClaim(t.Context(), testProject, testCID, lifecycle.Claim{RunID: 8})
				if err != nil || mine || stored.RunID != 7 {
					t.Errorf("second run: mine %v, stored %d, %v", mine, stored.RunID, err)
				}
			})
		})
	}
}

func TestResults(t *testing.T) {
	srv := newBucket(t)
	run, app, cid := openAs(t, srv, "run-plan-core"), openAs(t, srv, "app"), "plan-"+strings.Repeat("0a", 16)
	r := lifecycle.Result{Conclusion: "success", Outputs: map[string]json.RawMessage{"arn": []byte(`"x"`)},
		Counts: lifecycle.Counts{Add: 1}}
	if err := errors.Join(
		run.PutPlan(t.Context(), testProject, cid, []byte("plan")), run.PutSummary(t.Context(), testProject, cid,
			[]byte("{}")),
		run.PutResult(t.Context(), testProject, cid, r), run.PutResult(t.Context(), testProject, cid, r),
	); err != nil {
		t.Fatal(err)
	}
	if err := run.PutSummary(t.Context(), testProject, cid, []byte("[]")); !errors.Is(err, ErrExists) {
		t.Errorf("another summary: %v", err)
	}
	got, err := app.Result(t.Context(), testProject, cid)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(r) {
		t.Errorf("result %v, %v", got, err)
	}
	if sum, err := app.Summary(t.Context(), testProject, cid); err != nil || string(sum) != "{}" {
		t.Errorf("summary %q, %v", sum, err)
	}
	if text, ok := srv.Read(requestsBucket, "results/core/"+cid+"/plan.txt"); !ok || string(text) != "plan" {
		t.Errorf("plan %q, %v", text, ok)
	}
	other := strings.Replace(cid, "plan", "cleanup", 1)
	if err := run.PutPlan(t.Context(), testProject, other, bytes.Repeat([]byte("x"), MaxPlan+1)); !errors.Is(err,
		ErrTooLarge) {
		t.Errorf("oversize plan: %v", err)
	}
	if _, err := app.Result(t.Context(), testProject, other); !errors.Is(err, ErrNotFound) {
		t.Errorf("missing result: %v", err)
	}
}

func TestIndexes(t *testing.T) {
	s := openAs(t, newBucket(t), "app")
	x := lifecycle.RunIndex{Kind: lifecycle.KindPlan, RunID: 42, RequestID: testID, CreatedAt: testTime}
	if err := s.PutRunIndex(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	x.CreatedAt = testTime.Add(time.Hour)
	if err := s.PutRunIndex(t.Context(), x); err != nil {
		t.Errorf("the same, later: %v", err)
	}
	x.RequestID = "req_otherotherot"
	if err := s.PutRunIndex(t.Context(), x); !errors.Is(err, ErrExists) {
		t.Errorf("another request: %v", err)
	}
	got, err := s.RunIndex(t.Context(), lifecycle.KindPlan, 42)
	if err != nil || got.RequestID != testID || !got.CreatedAt.Equal(testTime) {
		t.Errorf("run index %+v, %v", got, err)
	}
	if err := s.PutPRIndex(t.Context(), 7, 3, lifecycle.PRIndex{RequestID: testID}); err != nil {
		t.Fatal(err)
	}
	if p, err := s.PRIndex(t.Context(), 7, 3); err != nil || p.RequestID != testID {
		t.Errorf("pull request index %+v, %v", p, err)
	}
}

func TestIdentities(t *testing.T) {
	s := openAs(t, newBucket(t), "app")
	id := lifecycle.Identity{SlackTeam: "T0ACME0001", SlackUser: "U0DANA0001", Login: "dana", GithubID: 1001,
		LinkedAt: testTime}
	for _, login := range []string{"dana", "dana2"} {
		id.Login = login
		if err := s.PutIdentity(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Identity(t.Context(), id.SlackTeam, id.SlackUser); err != nil || got != id {
			t.Errorf("identity %+v, %v", got, err)
		}
	}
	n := 0
	for got, err := range s.Identities(t.Context()) {
		if n++; err != nil || got != id {
			t.Errorf("listed %+v, %v", got, err)
		}
	}
	if n != 1 {
		t.Errorf("%d identities", n)
	}
	if err := s.DeleteIdentity(t.Context(), id.SlackTeam, id.SlackUser); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Identity(t.Context(), id.SlackTeam, id.SlackUser); !errors.Is(err, ErrNotFound) {
		t.Errorf("unlinked: %v", err)
	}
}

// A summary is read once by a process, and the newest are remembered.
func TestRecentSummaries(t *testing.T) {
	bucket := newBucket(t)
	run, app := openAs(t, bucket, "run-plan-"+testProject), openAs(t, bucket, "app")
	cid := func(i int) string { return fmt.Sprintf("plan-%032d", i) }
	for i := range recentSummaries + 1 {
		if err := run.PutSummary(t.Context(), testProject, cid(i), fmt.Appendf(nil, "{%d}", i)); err != nil {
			t.Fatal(err)
		}
	}
	get := func(i, want int) {
		t.Helper()
		from := reads(bucket)
		data, err := app.RecentSummary(t.Context(), testProject, cid(i))
		if n := reads(bucket) - from; err != nil || string(data) != fmt.Sprintf("{%d}", i) || n != want {
			t.Errorf("summary %d: %q after %d reads, want %d: %v", i, data, n, want, err)
		}
	}
	for i := range recentSummaries + 1 {
		get(i, 1)
	}
	get(1, 0)
	get(recentSummaries, 0)
	get(0, 1) // forgotten
	from := reads(bucket)
	if _, err := app.Summary(t.Context(), testProject, cid(0)); err != nil || reads(bucket) != from+1 {
		t.Errorf("the stored one: %d reads, %v", reads(bucket)-from, err)
	}
	if _, err := app.RecentSummary(t.Context(), testProject, cid(99)); !errors.Is(err, ErrNotFound) {
		t.Errorf("none: %v", err)
	}
}
