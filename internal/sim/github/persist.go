package github

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/tfpilot/tfpilot/internal/sim/atomicfile"
	"github.com/tfpilot/tfpilot/internal/sim/github/gitrepo"
)

// saver writes the state to files. A nil saver, for a server in memory, does nothing. All methods
// except close are called under the lock of the server.
type saver struct {
	dir      string
	dirty    chan struct{} // one pending mark is enough
	stop     chan struct{}
	done     chan error
	once     sync.Once
	snapshot func() ([]byte, error)
	log      *slog.Logger
}

func (s *Server) load() error {
	s.state = &storedState{Repos: map[string]*repository{}, Tokens: map[string]*accessToken{}, Counts: newCounts()}
	s.hooks = newHooks(s.cfg)
	dir := s.cfg.DataDir
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Join(dir, "logs"), 0o755); err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(dir, "state.json"))
	if err == nil {
		err = json.Unmarshal(data, s.state)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("state.json: %w", err)
	}
	if s.hooks.log, err = loadDeliveries(filepath.Join(dir, deliveriesFile)); err != nil {
		return err
	}
	s.saver = &saver{dir: dir, dirty: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan error, 1),
		log: s.cfg.Log}
	s.saver.snapshot = func() ([]byte, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return json.Marshal(s.state)
	}
	go s.saver.loop()
	return nil
}

func (s *Server) openGit(rc Repo) (*gitrepo.Repo, error) {
	if s.cfg.DataDir == "" {
		return gitrepo.Memory(), nil
	}
	dir := filepath.Join(s.cfg.DataDir, "repos", strings.ToLower(rc.Owner), strings.ToLower(rc.Name)+".git")
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	return gitrepo.Open(abs)
}

// mark records that the state has changed.
func (v *saver) mark() {
	if v == nil {
		return
	}
	select {
	case v.dirty <- struct{}{}:
	default:
	}
}

// loop writes as often as it can, and once more at the end.
func (v *saver) loop() {
	for {
		select {
		case <-v.dirty:
			if err := v.write(); err != nil {
				v.log.Error("state not saved", slog.Any("error", err))
			}
		case <-v.stop:
			v.done <- v.write()
			return
		}
	}
}

func (v *saver) write() error {
	data, err := v.snapshot()
	if err != nil {
		return fmt.Errorf("encode state: %w", err)
	}
	return atomicfile.Replace(filepath.Join(v.dir, "state.json"), data)
}

func (v *saver) close() error {
	if v == nil {
		return nil
	}
	var err error
	v.once.Do(func() { close(v.stop); err = <-v.done })
	return err
}

const deliveriesFile = "deliveries.jsonl"

// keepDelivery appends to the delivery log. Losing a line only loses history.
func (v *saver) keepDelivery(d *delivery) {
	if v == nil {
		return
	}
	line, err := json.Marshal(d)
	if err == nil {
		err = appendLine(filepath.Join(v.dir, deliveriesFile), line)
	}
	if err != nil {
		v.log.Error("delivery not logged", slog.Any("error", err))
	}
}

func appendLine(name string, line []byte) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

// loadDeliveries reads the newest part of the log and truncates the file to it.
func loadDeliveries(name string) ([]*delivery, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []*delivery
	var lines []string
	scan := bufio.NewScanner(f)
	scan.Buffer(nil, 2*maxPayload)
	for scan.Scan() {
		d := &delivery{}
		if json.Unmarshal(scan.Bytes(), d) != nil {
			continue // a crash interrupted this line
		}
		out, lines = append(out, d), append(lines, scan.Text())
		if len(out) > maxDeliveries {
			out, lines = out[1:], lines[1:]
		}
	}
	if err := scan.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return out, atomicfile.Replace(name, []byte(strings.Join(append(lines, ""), "\n")))
}

func (v *saver) logFile(r *run, a *attempt) string {
	return filepath.Join(v.dir, "logs", fmt.Sprintf("%d-%d.txt", r.ID, a.Number))
}

// keepLog writes the log of an attempt that has ended.
func (v *saver) keepLog(r *run, a *attempt) {
	if v == nil || a.log == nil {
		return
	}
	if err := atomicfile.Replace(v.logFile(r, a), a.log.bytes()); err != nil {
		v.log.Error("log not saved", slog.Int64("run", r.ID), slog.Any("error", err))
	}
}

// readLog returns the log of an attempt, also after a restart.
func (v *saver) readLog(r *run, a *attempt) []byte {
	if a.log != nil {
		return a.log.bytes()
	}
	if v == nil {
		return nil
	}
	data, err := os.ReadFile(v.logFile(r, a))
	if err != nil {
		return nil
	}
	return data
}

// maxLog bounds one attempt's log.
const maxLog = 4 << 20

// logBuffer collects the log of a job, which can be read while it grows.
type logBuffer struct {
	mu   sync.Mutex
	data []byte
}

// Write never fails: it drops what exceeds the bound.
func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if room := maxLog - len(b.data); room > 0 {
		b.data = append(b.data, p[:min(len(p), room)]...)
	}
	return len(p), nil
}

func (b *logBuffer) bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]byte(nil), b.data...)
}
