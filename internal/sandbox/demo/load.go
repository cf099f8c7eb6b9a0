package demo

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// The load measurement plays requests like the demo and reads the counters of the simulators before and
// after. The app and the worker share one S3 principal and one GitHub App, so every figure contains both,
// with their sweeps. What a workflow run itself calls is not part of it.

// LoadConfig says where to measure, and how often.
type LoadConfig struct {
	Address  string    // required; the page of a running sandbox, in which nothing else happens
	Out      io.Writer // required; progress
	Runs     int       // required
	Requests int       // how many requests at once; 0: none
}

// Figure is one measured number, once for each run.
type Figure struct {
	Name   string    `json:"name"`
	Unit   string    `json:"unit"`
	Median float64   `json:"median"`
	Min    float64   `json:"min"`
	Max    float64   `json:"max"`
	Values []float64 `json:"values"`
}

// Report holds the figures in the order in which they were measured.
type Report struct {
	Runs     int       `json:"runs"`
	Requests int       `json:"requests"`
	Figures  []*Figure `json:"figures"`
}

func (r *Report) add(name, unit string, value float64) {
	at := slices.IndexFunc(r.Figures, func(f *Figure) bool { return f.Name == name })
	if at < 0 {
		at, r.Figures = len(r.Figures), append(r.Figures, &Figure{Name: name, Unit: unit})
	}
	f := r.Figures[at]
	f.Values = append(f.Values, math.Round(value*100)/100)
	sorted := slices.Sorted(slices.Values(f.Values))
	last := len(sorted) - 1
	f.Median, f.Min, f.Max = (sorted[last/2]+sorted[(last+1)/2])/2, sorted[0], sorted[last]
}

// Table writes the figures for people.
func (r *Report) Table(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "MEASURE\tUNIT\tMEDIAN\tMIN\tMAX")
	for _, f := range r.Figures {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%.5g\t%.5g\t%.5g\n", f.Name, f.Unit, f.Median, f.Min, f.Max)
	}
	return w.Flush()
}

// quantile returns the smallest value that at least the share q of the values does not exceed.
func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}

// helpCommands is how many commands a run adds to its clicks, so that the slowest acknowledgment in a
// hundred is known.
const helpCommands = 100

// Load measures a running sandbox.
func Load(ctx context.Context, cfg LoadConfig) (*Report, error) {
	j := &journey{cfg: Config{Address: cfg.Address, Out: cfg.Out}, client: &http.Client{Timeout: time.Minute},
		stamp: strconv.FormatInt(time.Now().Unix(), 36), clock: &clock{}}
	if err := j.connect(ctx); err != nil {
		return nil, fmt.Errorf("reach the sandbox at %s: %w", cfg.Address, err)
	}
	report := &Report{Runs: cfg.Runs, Requests: cfg.Requests}
	for n := range cfg.Runs {
		j.say(fmt.Sprintf("run %d of %d", n+1, cfg.Runs))
		*j.clock = clock{}
		if err := j.measureLife(ctx, report, n); err != nil {
			return nil, fmt.Errorf("run %d: one whole life: %w", n+1, err)
		}
		for range helpCommands {
			if _, err := j.dana.types(ctx, infraDev, "help"); err != nil {
				return nil, fmt.Errorf("run %d: answer to a command: %w", n+1, err)
			}
		}
		report.add("answer to Slack, p99", "ms", quantile(j.clock.acks, 0.99))
		report.add("click to edited card, p50", "ms", quantile(j.clock.edits, 0.5))
		report.add("click to edited card, p95", "ms", quantile(j.clock.edits, 0.95))
		if cfg.Requests > 0 {
			if err := j.measureCrowd(ctx, report, n, cfg.Requests); err != nil {
				return nil, fmt.Errorf("run %d: %d requests at once: %w", n+1, cfg.Requests, err)
			}
		}
	}
	return report, nil
}

// calls sums what the app and the worker called.
type calls struct {
	github, s3, writes, slack int
	methods                   map[string]int // of Slack
}

func (j *journey) calls(ctx context.Context) (calls, error) {
	all, err := j.counts(ctx)
	var c calls
	for _, who := range []string{"app", "installation"} {
		for _, n := range all.GitHub.Calls[who] {
			c.github += n
		}
	}
	c.methods = all.Slack.Calls
	for _, n := range c.methods {
		c.slack += n
	}
	for _, n := range all.S3 {
		if n.Principal != "app" {
			continue
		}
		c.s3 += n.Calls
		if n.Verb == "PutObject" && n.Prefix == "requests/" {
			c.writes += n.Calls
		}
	}
	return c, err
}

func (c calls) since(before calls) calls {
	methods := map[string]int{}
	for method, n := range c.methods {
		if n -= before.methods[method]; n > 0 {
			methods[method] = n
		}
	}
	return calls{c.github - before.github, c.s3 - before.s3, c.writes - before.writes, c.slack - before.slack, methods}
}

// slackMethods lists the calls to Slack by method, the most frequent first.
func (c calls) slackMethods() string {
	var all []string
	for method, n := range c.methods {
		all = append(all, fmt.Sprintf("%3d %s", n, method))
	}
	slices.Sort(all)
	slices.Reverse(all)
	return strings.Join(all, ",")
}

// measureLife plays one request from the command to its archived document.
func (j *journey) measureLife(ctx context.Context, report *Report, number int) error {
	before, err := j.calls(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	r, err := j.submitRequest(ctx, j.dana, "dev", fmt.Sprintf("life-%d", number))
	if err != nil {
		return err
	}
	card, err := j.dana.sees(ctx, r, later, statePlanReady)
	if err != nil {
		return err
	}
	ready, err := j.calls(ctx)
	if err != nil {
		return err
	}
	now := ready.since(before)
	report.add("request to plan ready: S3 calls", "calls", float64(now.s3))
	report.add("request to plan ready: writes of the document", "calls", float64(now.writes))
	report.add("request to plan ready", "s", time.Since(began).Seconds())
	if err := r.follow(card); err != nil {
		return err
	}
	if err := j.livesOn(ctx, r); err != nil {
		return err
	}
	if err := j.archived(ctx, r); err != nil {
		return err
	}
	took := time.Since(began)
	if err := j.quiet(ctx); err != nil {
		return err
	}
	after, err := j.calls(ctx)
	now = after.since(before)
	report.add("one whole life: GitHub calls", "calls", float64(now.github))
	report.add("one whole life: S3 calls", "calls", float64(now.s3))
	report.add("one whole life: writes of the document", "calls", float64(now.writes))
	report.add("one whole life: Slack calls", "calls", float64(now.slack))
	j.say("Slack calls of one whole life:" + now.slackMethods())
	report.add("one whole life", "s", took.Seconds())
	return err
}

// livesOn plays a request from its plan to its end. Each click that changes the card is timed.
func (j *journey) livesOn(ctx context.Context, r *request) error {
	for _, turn := range []struct {
		by    *person
		ready string // on the card
		do    func() error
	}{
		{j.omar, statePlanReady, func() error { return j.approves(ctx, j.omar, r, "") }},
		{j.omar, "[Merge]", func() error { return j.clicksAction(ctx, j.omar, r, "Merge") }},
		{j.omar, "[Apply]", func() error { return j.clicksAction(ctx, j.omar, r, "Apply") }},
		{j.adam, stateApplied, func() error { return j.destroy(ctx, r) }},
		{j.omar, "Destroy plan", func() error { return j.approvesDestroy(ctx, r) }},
	} {
		if err := j.atRest(ctx, turn.by, r, turn.ready); err != nil {
			return err
		}
		if err := j.timesEdit(ctx, turn.by, r, turn.do); err != nil {
			return err
		}
	}
	return j.awaitDestroyed(ctx, r)
}

// atRest waits until the card shows that the person can act, and no older edit is on its way to it.
func (j *journey) atRest(ctx context.Context, p *person, r *request, ready string) error {
	card, err := p.sees(ctx, r, later, ready)
	for err == nil {
		before := card.Edits
		time.Sleep(2 * time.Second)
		if card, err = p.card(ctx, r, r.channel); card.Edits == before {
			return err
		}
	}
	return err
}

// clock collects how long Slack waited for an acknowledgment, and people for an edited card, in
// milliseconds.
type clock struct {
	mu    sync.Mutex
	began map[string]time.Time // the last action, by person
	acks  []float64
	edits []float64
}

// acted records one acknowledged action.
func (k *clock) acted(p *person, began time.Time) {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.began == nil {
		k.began = map[string]time.Time{}
	}
	k.began[p.name] = began
	k.acks = append(k.acks, milliseconds(time.Since(began)))
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// timesEdit does what changes a card, and records the time from the last click before the next edit to
// that edit.
func (j *journey) timesEdit(ctx context.Context, p *person, r *request, do func() error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var edited []time.Time
	watched := make(chan error, 1)
	go func() {
		card, err := p.card(ctx, r, r.channel)
		for edits := card.Edits; err == nil && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
			if card, err = p.card(ctx, r, r.channel); err == nil && card.Edits != edits {
				edited, edits = append(edited, time.Now()), card.Edits
			}
		}
		watched <- nil // an edit that could not be read leaves no sample
	}()
	err := do()
	cancel()
	<-watched
	j.clock.mu.Lock()
	defer j.clock.mu.Unlock()
	clicked := j.clock.began[p.name]
	if i := slices.IndexFunc(edited, clicked.Before); i >= 0 {
		j.clock.edits = append(j.clock.edits, milliseconds(edited[i].Sub(clicked)))
	}
	return err
}

// quiet waits until the app and the worker call nothing but their regular sweeps and syncs.
func (j *journey) quiet(ctx context.Context) error {
	return until(ctx, later, "that the calls to Slack end", func(ctx context.Context) (bool, string, error) {
		before, err := j.calls(ctx)
		if err != nil {
			return false, "", err
		}
		time.Sleep(2 * time.Second)
		after, err := j.calls(ctx)
		return before.slack == after.slack, fmt.Sprintf("%d calls", after.slack), err
	})
}

// measureCrowd submits many requests at once, by three people, and waits for the last plan.
func (j *journey) measureCrowd(ctx context.Context, report *Report, number, many int) error {
	before, err := j.calls(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	people := []*person{j.dana, j.ana, j.adam}
	failed := make(chan error, len(people))
	for i, p := range people {
		go func() {
			var err error
			for n := i; n < many && err == nil; n += len(people) {
				_, err = j.submitRequest(ctx, p, "dev", fmt.Sprintf("crowd-%d-%d", number, n))
			}
			failed <- err
		}()
	}
	for range people {
		if e := <-failed; e != nil {
			err = e
		}
	}
	if err != nil {
		return err
	}
	for _, r := range j.requests {
		if !strings.Contains(r.name, fmt.Sprintf("crowd-%d-", number)) {
			continue
		}
		if _, err := r.by.sees(ctx, r, time.Duration(many)*time.Minute, statePlanReady); err != nil {
			return err
		}
	}
	took := time.Since(began)
	after, err := j.calls(ctx)
	now := after.since(before)
	name := fmt.Sprintf("%d requests at once", many)
	report.add(name+", to the last plan", "s", took.Seconds())
	for _, c := range []struct {
		what string
		n    int
	}{{"GitHub calls", now.github}, {"S3 calls", now.s3}, {"writes of the document", now.writes},
		{"Slack calls", now.slack}} {
		report.add(name+": "+c.what+" each", "calls", float64(c.n)/float64(many))
	}
	return err
}
