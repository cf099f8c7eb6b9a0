package actions

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/tfpilot/tfpilot/internal/sim/github/workflow"
)

const (
	maxLog  = 4 << 20 // bytes in the log of one job; GitHub cuts long logs too
	maxLine = 1 << 20 // in act's own output
)

// actLine is one JSON line of act --json.
type actLine struct {
	Level      string   `json:"level"`
	Msg        string   `json:"msg"`
	Stage      string   `json:"stage"`
	StepID     []string `json:"stepID"`
	StepResult string   `json:"stepResult"`
	JobResult  string   `json:"jobResult"`
	RawOutput  bool     `json:"raw_output"`
	Command    string   `json:"command"`
	Arg        string   `json:"arg"`
}

// transcript turns the lines of act into the plain log and the steps of a run.
type transcript struct {
	mu        sync.Mutex // a cancel reads which step is running
	log       io.Writer
	left      int
	steps     []Step
	index     map[string]int // act's step id → position
	late      []bool         // by position: the step also runs after a cancel
	notify    func(Step)
	jobResult string
	stray     strings.Builder // what act printed outside JSON: why it could not start
}

func newTranscript(wf *workflow.File, log io.Writer, notify func(Step)) *transcript {
	if log == nil {
		log = io.Discard
	}
	t := &transcript{log: log, left: maxLog, notify: notify, index: map[string]int{}}
	for i, s := range wf.Steps {
		t.index[s.ID] = i
		t.steps = append(t.steps, Step{Number: i + 1, Name: s.Name})
		t.late = append(t.late, s.Late)
	}
	return t
}

// read consumes the output of act until it ends.
func (t *transcript) read(r io.Reader) error {
	br := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := readLine(br)
		if len(line) > 0 {
			t.line(line)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read output of act: %w", err)
		}
	}
}

// readLine reads one line and cuts it at maxLine, so that a step cannot fill the memory.
func readLine(br *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := br.ReadSlice('\n')
		if room := maxLine - len(line); room > 0 {
			line = append(line, part[:min(len(part), room)]...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

func (t *transcript) line(raw []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var l actLine
	if err := json.Unmarshal(raw, &l); err != nil {
		if t.stray.Len() < 4<<10 {
			t.stray.Write(raw)
		}
		return
	}
	if l.JobResult != "" {
		t.jobResult = l.JobResult
	}
	switch {
	case l.RawOutput:
		t.print(l.Msg)
	case l.Command == "notice" || l.Command == "warning" || l.Command == "error":
		t.print(strings.ToUpper(l.Command[:1]) + l.Command[1:] + ": " + l.Arg + "\n")
	case l.Stage == "Main" && len(l.StepID) == 1:
		t.step(l)
	}
}

// step records the start and the end of one top-level step.
func (t *transcript) step(l actLine) {
	i, ok := t.index[l.StepID[0]]
	if !ok {
		return
	}
	switch {
	case l.StepResult != "":
		t.end(i, l.StepResult)
	case strings.HasPrefix(l.Msg, "⭐ Run Main"):
		t.skipTo(i)
		t.print("##[group]" + t.steps[i].Name + "\n")
		t.set(i, "in_progress", "")
	case l.Level == "error" && strings.HasPrefix(l.Msg, "exit status "):
		t.print("##[error]Process completed with exit code " +
			strings.TrimPrefix(strings.TrimSpace(l.Msg), "exit status ") + ".\n")
	case l.Level == "error":
		t.print("##[error]" + strings.TrimSpace(l.Msg) + "\n")
	}
}

func (t *transcript) end(i int, result string) {
	if t.steps[i].Status == "completed" {
		return
	}
	t.set(i, "completed", result)
	if result != "success" {
		t.print("##[endgroup]" + t.steps[i].Name + ": " + result + "\n")
	}
}

// skipTo marks the steps before i that never started: act prints nothing about them.
func (t *transcript) skipTo(i int) {
	for j := range i {
		if t.steps[j].Status == "" {
			t.set(j, "completed", "skipped")
		}
	}
}

// finish completes the record: a step that never started was skipped, and a step that never ended
// ended with the job.
func (t *transcript) finish(conclusion string) {
	for i := range t.steps {
		switch t.steps[i].Status {
		case "":
			t.set(i, "completed", "skipped")
		case "in_progress":
			t.end(i, conclusion)
		}
	}
}

// markCancelled records what act does not know about a cancel: the step that it stopped, whatever its
// result, and the steps that it prevented.
func (t *transcript) markCancelled(ids []string, stopped string) {
	for _, id := range ids {
		if i, ok := t.index[id]; ok && t.steps[i].Name != stopped {
			t.set(i, "completed", "skipped")
		}
	}
	for i := range t.steps {
		if t.steps[i].Name == stopped && t.steps[i].Status == "completed" {
			t.set(i, "completed", "cancelled")
		}
	}
}

func (t *transcript) set(i int, status, conclusion string) {
	t.steps[i].Status, t.steps[i].Conclusion = status, conclusion
	if t.notify != nil {
		t.notify(t.steps[i])
	}
}

// running returns the name of the running step, and whether a cancel lets it finish.
func (t *transcript) running() (name string, late bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, s := range t.steps {
		if s.Status == "in_progress" {
			return s.Name, t.late[i]
		}
	}
	return "", false
}

func (t *transcript) print(s string) {
	if t.left <= 0 {
		return
	}
	if len(s) > t.left {
		s = s[:t.left] + "\nThe log is longer than can be kept; the rest is left out.\n"
		t.left = len(s)
	}
	t.left -= len(s)
	_, _ = io.WriteString(t.log, s) // a log that cannot be written must not stop the job
}

// FailedStep returns the name of the first step that did not succeed, or "".
func FailedStep(steps []Step) string {
	for _, s := range steps {
		switch s.Conclusion {
		case "", "success", "skipped":
		default:
			return s.Name
		}
	}
	return ""
}
