package worker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	hubsim "github.com/tfpilot/tfpilot/internal/sim/github"
	"github.com/tfpilot/tfpilot/internal/testing/inprocess"
	"github.com/tfpilot/tfpilot/worker"
)

// restartAfter is how long a killed worker stays away.
const restartAfter = 5 * time.Second

var errKilled = errors.New("this process was killed")

// process is one worker as it runs in production: tasks and sweep.
type process struct {
	*worker.Worker
	w      *harness
	cancel context.CancelFunc
	done   chan struct{}
	killed atomic.Bool

	mu    sync.Mutex
	conns []net.Conn
	thaw  time.Time // until then the process is paused
}

// newProcess is a worker that does not run yet.
func (w *harness) newProcess() (*process, *queue.Redis) {
	p := &process{w: w, cancel: func() {}, done: make(chan struct{})}
	redis := w.redisLink(p)
	client, err := github.New(github.Config{
		AppID: 77, InstallationID: 2, PrivateKey: appPEM(), APIURL: "http://github.test/api/v3",
		Budget:    worker.SharedBudget{Budget: queue.NewBudget(redis, "github", slog.New(slog.DiscardHandler))},
		Transport: gated{p, "github", hubsim.Transport(w.github.Handler())},
	})
	w.must(err)
	p.Worker = &worker.Worker{
		Store: w.cachedStore(gated{p, "s3", inprocess.To(w.bucket)}, redis), GitHub: client,
		Notifier: queue.NewNotifier(redis, slog.New(slog.DiscardHandler)), Index: queue.NewIndex(redis),
		Turns:   queue.NewTurns(redis, worker.Starts),
		Catalog: builtin(), Structure: w.structure(), Policy: w.policy, HintKey: hintKey,
		Answers: queue.NewCache(redis, hintKey), FingerprintSecret: hintKey,
		Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if w.owes != nil {
		p.Owes = func(_ context.Context, r lifecycle.Request) bool { return w.owes(r) }
	}
	return p, redis
}

func (w *harness) startWorker() *process {
	p, redis := w.newProcess()
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	tasks := p.Handlers()
	tasks.Card = func(_ context.Context, c queue.Card) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.cards[c.RequestID]++
		return nil
	}
	server := queue.NewServer(redis, tasks, p.Log, queue.ServerOptions{Concurrency: 4, Poll: w.poll})
	w.mu.Lock()
	w.procs = append(w.procs, p)
	w.mu.Unlock()
	go func() {
		defer close(p.done)
		var both sync.WaitGroup
		both.Go(func() { _ = server.Run(ctx) })
		both.Go(func() { _ = p.Run(ctx) })
		both.Wait()
	}()
	return p
}

// kill ends the process between two instructions: nothing that it does from here on
// has an effect, and another takes its place a little later.
func (p *process) kill() {
	if p.killed.Swap(true) {
		return
	}
	p.w.log.note("killed")
	p.mu.Lock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.cancel()
	p.w.wait.Go(func() {
		time.Sleep(restartAfter)
		if !p.w.gate.over.Load() && !p.w.gate.noRestart.Load() {
			p.w.startWorker()
		}
	})
}

// freeze pauses the process for a while, as SIGSTOP does or a machine that swaps: nothing
// of it reaches the outside, and afterwards it continues with what it knew before.
func (p *process) freeze(d time.Duration) {
	p.w.log.note("paused for %s", d)
	p.mu.Lock()
	p.thaw = time.Now().Add(d)
	p.mu.Unlock()
	p.awaitThaw()
}

func (p *process) awaitThaw() {
	p.mu.Lock()
	left := time.Until(p.thaw)
	p.mu.Unlock()
	time.Sleep(left)
}

// freezing is a connection of a process to Redis. What a paused process writes
// arrives after it; an answer that it has read by then, it had read before.
type freezing struct {
	net.Conn
	p *process
}

func (c freezing) Write(b []byte) (int, error) {
	c.p.awaitThaw()
	return c.Conn.Write(b)
}

// end asks the process to stop, as SIGTERM does.
func (p *process) end() {
	p.w.gate.over.Store(true)
	p.cancel()
}

func (w *harness) running() []*process {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.procs), func(p *process) bool { return p.killed.Load() })
}

// restart ends all workers and starts as many again, as a rollout of other settings does.
func (w *harness) restart(change func()) {
	old := w.pause()
	change()
	w.resume(old)
}

// pause ends all workers and says how many there were.
func (w *harness) pause() int {
	old := w.running()
	for _, p := range old {
		p.killed.Store(true)
		p.cancel()
	}
	for _, p := range old {
		<-p.done
	}
	return len(old)
}

func (w *harness) resume(n int) {
	for range n {
		w.startWorker()
	}
}

// dial opens a connection to Redis for as long as the process lives. After that it
// leads to another, empty one: an error would hold locks in go-redis or make asynq
// turn on the spot, and no one reads what arrives there.
func (p *process) dial() (net.Conn, error) {
	if p.killed.Load() {
		return p.w.deadRedis.Dial()
	}
	p.awaitThaw()
	c, err := p.w.redis.Dial()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = append(p.conns, c)
	return freezing{c, p}, nil
}

// journal keeps the last lines of what happened, for a test that failed.
type journal struct {
	mu    sync.Mutex
	lines []string
}

const journalLines = 400

func (j *journal) note(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	line := time.Now().Format("15:04:05.000 ") + fmt.Sprintf(format, args...)
	if j.lines = append(j.lines, line); len(j.lines) > journalLines {
		j.lines = j.lines[1:]
	}
}

func (j *journal) Write(p []byte) (int, error) {
	_, text, _ := strings.Cut(strings.TrimSpace(string(p)), " ") // without the time, which note puts in front
	j.note("    %s", text)
	return len(p), nil
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return "what happened:\n" + strings.Join(j.lines, "\n")
}
