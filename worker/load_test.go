package worker_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	hubsim "github.com/tfpilot/tfpilot/internal/sim/github"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/worker"
)

var crowd = flag.Int("crowd", 0, "requests that TestManyRequestsAtOnce opens at once; 0 is a few")

// outcome is what many requests at once cost.
type outcome struct {
	took             time.Duration
	allowed          time.Duration // that GitHub's limits alone take for it
	apiCalls, bucket float64       // calls for each request, with the calls of sync and sweep
	secondRuns       int
	refused          int // calls that GitHub refused with a limit
	calls            string
}

func (o outcome) String() string {
	return fmt.Sprintf("%s, %.2f times what GitHub's limits take (%s); for each request %.1f calls to GitHub and %.1f "+
		"to S3; %d second runs, %d calls into a limit",
		o.took.Round(time.Second), o.took.Seconds()/o.allowed.Seconds(), o.allowed.Round(time.Second), o.apiCalls, o.bucket,
		o.secondRuns, o.refused)
}

// openMany opens many requests at once, by twenty people, under GitHub's own limits.
func openMany(t *testing.T, n, workers int) (o outcome) {
	t.Helper()
	withHarness(t, setup{workers: workers, poll: time.Second, github: func(c *hubsim.Config) {
		c.MaxJobs, c.Limits = 1000, hubsim.Limits{}
	}}, func(w *harness) {
		w.pass(10 * time.Second)
		from, begun := w.gate.count(), time.Now()
		left := map[string]bool{}
		for i := range n {
			id := fmt.Sprintf("req_aaaaaaaaa%04d", i)
			w.askAs(id, fmt.Sprintf("dev%02d", i%20))
			left[id] = true
		}
		for end := begun.Add(2*allowed(n) + 10*time.Minute); len(left) > 0 &&
			time.Now().Before(end); time.Sleep(5 * time.Second) {
			for _, id := range slices.Sorted(maps.Keys(left)) {
				if r := w.request(id); r.Plan == nil || r.Plan.PostedAt == nil {
					break // they end about in order: the others are asked about later
				}
				delete(left, id)
			}
		}
		o = w.outcome(n, begun, w.gate.since(from))
		if len(left) > 0 {
			w.t.Errorf("%d requests did not end: %s", len(left), o)
		}
		for _, a := range slices.Sorted(maps.Keys(left)) {
			w.t.Log(w.describe(a))
			break
		}
	})
	return o
}

func (w *harness) outcome(n int, begun time.Time, calls []string) outcome {
	o := outcome{took: time.Since(begun), allowed: allowed(n)}
	names := map[string]int{}
	for _, c := range calls {
		names[c]++
		if strings.HasPrefix(c, "github ") {
			o.apiCalls += 1 / float64(n)
		} else {
			o.bucket += 1 / float64(n)
		}
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		lines = append(lines, fmt.Sprintf("%8.2f %s", float64(names[name])/float64(n), name))
	}
	o.calls = strings.Join(lines, "\n")
	for _, runs := range w.github.Counts().Runs {
		o.secondRuns += runs - 1
	}
	for i := range n {
		o.secondRuns += len(w.request(fmt.Sprintf("req_aaaaaaaaa%04d", i)).Runs.Plan.Attempts) - 1
	}
	o.refused = w.github.Counts().Limited
	return o
}

// allowed is how long GitHub's limits take for so many requests: two pieces of content for
// each, 80 a minute and 500 an hour, and 33 points, 900 a minute.
func allowed(n int) time.Duration {
	byMinute := func(each, most int) time.Duration {
		return time.Duration((n*each-1)/most) * time.Minute
	}
	hours := (2*n - 1) / 500
	byHour := time.Duration(hours)*time.Hour + time.Duration((2*n-hours*500-1)/80)*time.Minute
	return max(byMinute(2, 80), byMinute(33, 900), byHour, 20*time.Second)
}

// Many requests at once end about as soon as GitHub's limits allow, with few calls, no run
// that was started twice, and no call into a limit, however many workers there are.
func TestManyRequestsAtOnce(t *testing.T) {
	n := *crowd
	workers := []int{1, 2, 4, 8}
	if n == 0 {
		n, workers = 28, []int{4}
	}
	for _, k := range workers {
		t.Run(fmt.Sprintf("%d workers", k), func(t *testing.T) {
			o := openMany(t, n, k)
			t.Logf("%d requests, %d workers: %s\n%s", n, k, o, o.calls)
			if o.secondRuns > 0 || o.refused > 0 {
				t.Errorf("%d second runs, %d calls into a limit", o.secondRuns, o.refused)
			}
			if limit := o.allowed*12/10 + 20*time.Second; o.took > limit { // a plan takes some seconds by itself
				t.Errorf("took %s, want at most %s", o.took, limit)
			}
			// 11 of the calls to S3 are the request's own; the others are sweeps. Tip, tree, lists and
			// identities each worker reads by itself: with few requests that is a part for each of them.
			own := float64(k) / float64(n)
			most := 12 + float64(k)/4 + 8*own
			if *crowd == 0 {
				most += 3 // tasks that take up one request at once each read it, and chance says how many do
			}
			if o.apiCalls > 9+4*own || o.bucket > most {
				t.Errorf("%.1f calls to GitHub, %.1f to S3", o.apiCalls, o.bucket)
			}
		})
	}
}

// What a person waits for does not wait behind new requests: while many are opened, an
// approval, a merge and an apply end as soon as on any other day. A person's one request
// does not wait behind another's many.
func TestApplyDoesNotWaitBehindNewRequests(t *testing.T) {
	if testing.Short() {
		return // it opens 42 requests
	}
	withHarness(t, setup{workers: 2, poll: time.Second, github: func(c *hubsim.Config) {
		c.MaxJobs, c.Limits = 1000, hubsim.Limits{}
	}}, func(w *harness) {
		w.open(reqA)
		for i := range 40 {
			w.askAs(fmt.Sprintf("req_aaaaaaaaa%04d", i), "dev00")
		}
		w.pass(10 * time.Second)
		w.askAs(reqB, "dev01")
		from := time.Now()
		w.approve(reqA)
		w.merge(reqA)
		w.apply(reqA)
		if took := time.Since(from); took > 75*time.Second {
			w.t.Errorf("%s until it was applied", took)
		}
		w.planned(reqB, lifecycle.PurposeOpen)
		if took := time.Since(from); took > 2*time.Minute {
			w.t.Errorf("%s until the one request of another person was planned", took)
		}
		if n := w.github.Counts().Limited; n > 0 {
			w.t.Errorf("%d calls into a limit", n)
		}
	})
}

// Who has as many requests in the queue as one person may reads so on the card of the next,
// which joins by itself.
func TestQueueOfOnePersonIsBounded(t *testing.T) {
	if testing.Short() {
		return // it opens 86 requests
	}
	withHarness(t, setup{poll: time.Second, github: func(c *hubsim.Config) {
		c.MaxJobs, c.Limits = 1000, hubsim.Limits{}
	}}, func(w *harness) {
		most := worker.Starts[0].Most + queue.MaxWaiting
		for i := range most {
			w.askAs(fmt.Sprintf("req_aaaaaaaaa%04d", i), "dev00")
		}
		w.pass(30 * time.Second) // they have asked, and the minute of those that started is not over
		last := fmt.Sprintf("req_aaaaaaaaa%04d", most)
		w.askAs(last, "dev00")
		w.until(last, "told", func(d store.Doc) bool {
			p := d.Request.Problem
			return p != nil && p.Code == "queue_full" && strings.Contains(p.Text, "60 requests")
		})
		w.planned(last, lifecycle.PurposeOpen)
		if p := w.request(last).Problem; p != nil {
			w.t.Errorf("the problem stays: %+v", p)
		}
	})
}

// askAs opens a request of one of many developers.
func (w *harness) askAs(id, by string) {
	w.t.Helper()
	slack, number := "U0"+strings.ToUpper(by)+"00", int64(5000)
	for _, c := range by {
		number = number*31 + int64(c)
	}
	w.must(w.store.PutIdentity(context.Background(), lifecycle.Identity{SlackTeam: team, SlackUser: slack, Login: by,
		GithubID: number}))
	r := newRequest(w.t, id, "dana", dev)
	r.Requester = lifecycle.Person{Login: by, GithubID: number, SlackTeam: team, SlackUser: slack, Name: by}
	r.Authors = []string{by}
	doc, err := w.store.Create(context.Background(), r)
	w.must(err)
	w.enqueue(doc)
}
