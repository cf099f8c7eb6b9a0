package ci

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// maxTail bounds the text of a failure, in bytes. It becomes a part of the request document and
// of a card.
const maxTail = 4 << 10

// refusal is an error with a code that TfPilot acts on.
type refusal struct {
	code lifecycle.ReasonCode
	text string
	lock *lifecycle.StateLock // the lock on the state, if that is the reason
}

func (r *refusal) Error() string { return r.text }

func refuse(code lifecycle.ReasonCode, format string, args ...any) error {
	return &refusal{code: code, text: fmt.Sprintf(format, args...)}
}

// outcome is what the steps of a run pass to each other. It stays on the runner; only the result
// made from it leaves the runner.
type outcome struct {
	StartedAt time.Time                  `json:"startedAt"`
	Step      string                     `json:"step,omitempty"`
	Reason    lifecycle.ReasonCode       `json:"reason,omitempty"`
	Tail      string                     `json:"tail,omitempty"`
	Digest    string                     `json:"digest,omitempty"`
	Counts    lifecycle.Counts           `json:"counts"`
	Addresses []string                   `json:"addresses,omitempty"`
	Nothing   bool                       `json:"nothing,omitempty"`
	Outputs   map[string]json.RawMessage `json:"outputs,omitempty"`
	Sensitive []string                   `json:"sensitive,omitempty"`
	StateLock *lifecycle.StateLock       `json:"stateLock,omitempty"`
}

// failed records the first failure; later ones are consequences. The exception is a state that
// could not be saved: it replaces the first failure, whose text follows it.
func (o *outcome) failed(step string, code lifecycle.ReasonCode, tail string) {
	switch {
	case o.Reason == "":
	case code == lifecycle.CodeStateNotSaved:
		tail = cut(tail, maxTail/2) + "\n\nBefore that, in step " + o.Step + ": " + o.Tail
	default:
		return
	}
	o.Step, o.Reason, o.Tail = step, code, cut(tail, maxTail)
}

// outcome reads what earlier steps noted; a run without notes has an empty outcome.
func (j *job) outcome() (outcome, error) {
	var o outcome
	data, err := os.ReadFile(j.runFile("outcome.json"))
	if errors.Is(err, os.ErrNotExist) {
		return o, nil
	}
	if err != nil {
		return o, fmt.Errorf("read outcome: %w", err)
	}
	if err := json.Unmarshal(data, &o); err != nil {
		return o, fmt.Errorf("read outcome: %w", err)
	}
	return o, nil
}

// note updates the saved outcome.
func (j *job) note(change func(*outcome)) error {
	o, err := j.outcome()
	if err != nil {
		return err
	}
	change(&o)
	data, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("encode outcome: %w", err)
	}
	// Written in one step, because a full disk would keep half of it and lose the earlier notes.
	if err := os.WriteFile(j.runFile("outcome.new"), data, 0o600); err != nil {
		return fmt.Errorf("write outcome: %w", err)
	}
	if err := os.Rename(j.runFile("outcome.new"), j.runFile("outcome.json")); err != nil {
		return fmt.Errorf("write outcome: %w", err)
	}
	return nil
}

// cut shortens text to at most n bytes on a rune boundary.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// printInert prints untrusted text so that the runner does not interpret it as a workflow
// command.
// The runner executes lines such as ::add-mask:: or ::error:: wherever they appear in the output
// of a step. stop-commands switches that off until a line with the token, which is random, so the
// text cannot contain it.
func printInert(w io.Writer, text string) {
	if strings.TrimSpace(text) == "" {
		return
	}
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	token := hex.EncodeToString(b[:])
	_, _ = fmt.Fprintf(w, "::stop-commands::%s\n%s\n::%s::\n", token, strings.TrimRight(text, "\n"), token)
}

// commandData escapes the text of a workflow command.
func commandData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}
