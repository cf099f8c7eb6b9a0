package ci

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// The result is the only output of a run that the app trusts, and only because the run proves
// that it is the one that claimed the correlation id. Everything in it is bounded and redacted,
// since it becomes a part of the request document and of cards.
//
// The order of the uploads matters: the app acts when the result appears, and then reads the
// summary and the text. If the result came first, it could find them missing.

// result uploads the outcome of the run, once: the summary, the redacted text and, last, the
// result itself. It runs after success and failure, and it always removes from the runner's disk
// every file that may contain a secret.
func (j *job) result(ctx context.Context) error {
	return errors.Join(j.keepResult(context.WithoutCancel(ctx)), j.wipe()) // a cancelled run has a result too
}

func (j *job) keepResult(ctx context.Context) error {
	o, err := j.outcome()
	if err != nil {
		return err
	}
	b, err := j.bucket(ctx)
	if err != nil {
		return err
	}
	if err := j.keepFile("summary.json", func(data []byte) error {
		return b.PutSummary(ctx, j.in.Project, j.in.CorrelationID, data)
	}); err != nil {
		return err
	}
	if err := j.keepFile("plan.txt", func(data []byte) error {
		return b.PutPlan(ctx, j.in.Project, j.in.CorrelationID, data)
	}); err != nil {
		return err
	}
	r := j.finalResult(o)
	if r.RunID, err = j.runID(); err != nil {
		return err
	}
	proof, err := j.read(proofFile, maxTail)
	if err != nil {
		return err
	}
	r.CorrelationID, r.Proof = j.in.CorrelationID, string(proof)
	if err := b.PutResult(ctx, j.in.Project, j.in.CorrelationID, r); err != nil {
		return fmt.Errorf("keep the result: %w", err)
	}
	j.say("Kept: %s %s", r.Conclusion, r.Reason)
	return nil
}

// keepFile uploads a file of the run. A run that failed before its plan has none.
func (j *job) keepFile(name string, put func([]byte) error) error {
	data, err := os.ReadFile(j.runFile(name))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if err := put(data); err != nil {
		return fmt.Errorf("keep %s: %w", name, err)
	}
	return nil
}

// finalResult combines the outcome of the steps with the status of the job on GitHub.
func (j *job) finalResult(o outcome) lifecycle.Result {
	r := lifecycle.Result{Conclusion: lifecycle.ConclusionSuccess, Reason: o.Reason, Tail: o.Tail, Outputs: o.Outputs,
		Sensitive: o.Sensitive,
		Digest:    o.Digest, Counts: o.Counts, Addresses: bound(o.Addresses), Nothing: o.Nothing, StateLock: o.StateLock}
	// A step can fail outside of tfpilot-ci, for example the checkout. Only GitHub's job status
	// shows that.
	status := lifecycle.Conclusion(j.env["TFPILOT_JOB_STATUS"])
	if status != lifecycle.ConclusionSuccess || o.Reason != "" {
		r.Conclusion = lifecycle.ConclusionFailure
		if status == lifecycle.ConclusionCancelled || o.Reason == lifecycle.CodeInterrupted {
			r.Conclusion = lifecycle.ConclusionCancelled
		}
		if r.Reason == "" {
			r.Reason = lifecycle.CodeStepFailed
		}
	}
	slices.Sort(r.Sensitive)
	r.Sensitive = bound(r.Sensitive)
	r.Outputs = boundOutputs(r.Outputs)
	return r
}

// boundOutputs keeps the outputs that fit, in the order of their names.
func boundOutputs(all map[string]json.RawMessage) map[string]json.RawMessage {
	kept, room := map[string]json.RawMessage{}, maxOutputs
	for _, name := range slices.Sorted(maps.Keys(all)) {
		written, err := json.Marshal(all[name]) // as the result will contain it
		if size := len(name) + len(written); err == nil && len(written) <= maxOutput && size <= room {
			kept[name], room = all[name], room-size
		}
	}
	return kept
}

// Bounds of the result, which is read into the request document.
const (
	maxAddresses = 200
	maxAddress   = 500
	maxAllOfThem = 24 << 10 // JSON can escape one byte as six
	maxOutput    = 4 << 10
	maxOutputs   = 64 << 10
)

// bound shortens a list of addresses or names.
func bound(addresses []string) []string {
	var out []string
	room := maxAllOfThem
	for _, a := range addresses[:min(len(addresses), maxAddresses)] {
		a = cut(a, maxAddress)
		if room -= len(a); room < 0 {
			break
		}
		out = append(out, a)
	}
	return out
}

// wipe removes the files that may hold secrets.
func (j *job) wipe() error {
	var errs []error
	for _, name := range []string{grantFile, proofFile, codeFile, approvedFile, "tfplan", "plan.json", "plan.log",
		"apply.log", "init.log", "state.json", "rescue.log", "unlock.log", "validate.log", "console", "version",
		"outcome.new", "outcome.json"} {
		for _, file := range []string{name, errFile(name)} {
			if err := os.Remove(j.runFile(file)); err != nil && !errors.Is(err, os.ErrNotExist) {
				errs = append(errs, fmt.Errorf("remove %s: %w", file, err))
			}
		}
	}
	return errors.Join(errs...)
}
