package ci

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// The effect of a run: apply, and what must be correct around it.
//
//   - The plan file and not the configuration is applied. Terraform rejects a plan file whose
//     state has changed since (a stale plan), so between the comparison with the approval and the
//     effect no other run can slip in.
//   - After an apply the state can contain secrets that no plan showed. So the state is read
//     before any output of Terraform is printed, and without it the output is withheld.
//   - If Terraform cannot write its state to S3, it leaves errored.tfstate on the runner's disk.
//     The runner is deleted soon, and with it the only record of new resources. rescue tries
//     several times to push that file.

const (
	outputsTimeout = 2 * time.Minute
	rescueTries    = 5
	rescuePause    = 10 * time.Second
	orphanTime     = 3 * time.Minute // of the five minutes that GitHub gives a cancelled job

	leftState = "errored.tfstate" // the file of a state that Terraform could not save
)

// apply is the only step that changes anything: it reads the grant again and applies exactly the
// plan file that was compared with the approval.
func (j *job) apply(ctx context.Context) error {
	o, err := j.outcome()
	if err != nil {
		return err
	}
	switch {
	case j.in.DryRun:
		j.say("::notice::Dry run: everything but the effect was done.")
		return nil
	case o.Nothing:
		j.say("Nothing is left to do.")
		return j.readOutputs(ctx)
	case o.Digest == "" || o.Digest != j.in.Digest || o.Reason != "":
		return refuse(lifecycle.CodeDigestChanged, "there is no plan that was compared with the approval")
	}
	b, err := j.bucket(ctx)
	if err != nil {
		return err
	}
	var denied *refusal
	switch err := j.recheckGrant(ctx, b); {
	case errors.As(err, &denied):
		return refuse(lifecycle.CodeGrantWithdrawn, "stopped before the effect: %s", denied.text)
	case err != nil:
		return fmt.Errorf("stopped before the effect: %w", err)
	}
	// Terraform waits up to a minute for the lock. TfPilot itself runs one effect per environment
	// at a time, so a longer wait would mean that a person or another tool uses the state.
	exit, err := j.terraform(ctx, j.root(), "apply.log", "apply", "-json", "-input=false", "-lock-timeout=60s",
		j.runFile("tfplan"))
	known := j.learnState(ctx)
	switch {
	case err != nil:
		return err
	case exit != 0 && !known: // the output may contain secrets that the apply created
		return refuse(lifecycle.CodeTerraformFailed, "terraform apply failed; its output is withheld, because the "+
			"state that is needed to redact it could not be read")
	case exit != 0:
		return j.terraformFailed("apply.log", "terraform apply")
	}
	j.say("Done: %d added, %d changed, %d replaced, %d destroyed.", o.Counts.Add, o.Counts.Change, o.Counts.Replace,
		o.Counts.Destroy)
	if !known {
		return nil
	}
	return j.readOutputs(ctx)
}

// readOutputs reads the module's outputs through terraform console. Root outputs would be
// incomplete under -target and remain after a destroy. An error here does not fail the apply,
// which has already happened.
func (j *job) readOutputs(ctx context.Context) error {
	if j.in.Kind != lifecycle.KindApply {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, outputsTimeout)
	defer cancel()
	values, sensitive, err := j.askOutputs(ctx)
	if err == nil {
		err = j.note(func(o *outcome) { o.Outputs, o.Sensitive = values, sensitive })
	}
	if err != nil {
		j.say("::warning::The outputs could not be read.")
	}
	return nil
}

// askOutputs asks for all outputs in one expression. console prints values in Terraform's own
// syntax, which is not JSON; base64 passes the JSON through it unchanged. issensitive keeps
// marked values out of the answer, and hidesOutput finds those that lost their mark.
func (j *job) askOutputs(ctx context.Context) (map[string]json.RawMessage, []string, error) {
	m := j.in.module()
	question := fmt.Sprintf("base64encode(jsonencode({ values = { for k, v in %s : k => v if !issensitive(v) }, sensitive = [for k, v in %s : k if issensitive(v)] }))\n", m, m)
	var out bounded
	exit, err := j.terraformTo(ctx, j.root(), "console", &out, strings.NewReader(question), "console")
	if err != nil {
		return nil, nil, err
	}
	data, err := base64.StdEncoding.DecodeString(strings.Trim(strings.TrimSpace(out.String()), `"`))
	if err != nil || exit != 0 {
		return nil, nil, fmt.Errorf("terraform console: exit %d", exit)
	}
	var answer struct {
		Values    map[string]json.RawMessage `json:"values"`
		Sensitive []string                   `json:"sensitive"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, nil, fmt.Errorf("read outputs: %w", err)
	}
	for name, value := range answer.Values {
		if j.hidesOutput(name, value) { // a secret that came out unmarked
			delete(answer.Values, name)
			answer.Sensitive = append(answer.Sensitive, name)
		}
	}
	return answer.Values, answer.Sensitive, nil
}

// hidesOutput reports whether an output is secret, by its value or its name.
func (j *job) hidesOutput(name string, value json.RawMessage) bool {
	shown := fmt.Sprintf("{%q:%s}", name, value)
	return j.redact(shown) != shown
}

// rescue pushes a state that Terraform could not save and left on the runner's disk. It releases
// a lock only if this run holds it.
func (j *job) rescue(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx) // the run may already be cancelled; its state matters more
	if !j.awaitTerraform(orphanTime) {
		return refuse(lifecycle.CodeStateNotSaved, "Terraform was still at work %s after the run was canceled and ends "+
			"with the job; what it did may be in no state", orphanTime)
	}
	left := filepath.Join(j.root(), leftState)
	if _, err := os.Stat(left); err != nil {
		if os.IsNotExist(err) {
			j.say("There is no state to rescue.")
			return nil
		}
		return fmt.Errorf("look for %s: %w", leftState, err)
	}
	for try := range rescueTries {
		exit, err := j.terraform(ctx, j.root(), "rescue.log", "state", "push", leftState)
		if err == nil && exit == 0 {
			return j.rescued(left)
		}
		released, err := j.releaseOwnLock(ctx)
		if err != nil {
			j.say("::warning::%s", commandData(err.Error()))
		}
		if !released && try < rescueTries-1 {
			j.sleep(rescuePause)
		}
	}
	text, err := j.readEnd(errFile("rescue.log"))
	if err != nil {
		return err
	}
	return refuse(lifecycle.CodeStateNotSaved,
		"the state could not be saved; resources exist that are in no state. While the runner lives it holds the state in %s\n%s",
		left, lastLines(withoutAdvice(j.redact(string(text))), 30))
}

// rescued removes the file, so that a second call of rescue does not push an old state again.
func (j *job) rescued(file string) error {
	if err := os.Remove(file); err != nil {
		return fmt.Errorf("remove errored.tfstate: %w", err)
	}
	j.say("::notice::The state that was left behind is saved.")
	return nil
}

// lockInfo reads the holder of a lock from Terraform's error. Who has the form user@host.
var lockInfo = regexp.MustCompile(`(?s)Lock Info:.*?ID:\s+([0-9a-f-]{36}).*?Who:\s+\S+@(\S+).*?Created:\s+(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)`)

// releaseOwnLock releases the lock that blocked the last push, if this machine took it after
// this run started.
func (j *job) releaseOwnLock(ctx context.Context) (released bool, err error) {
	text, err := j.readEnd(errFile("rescue.log"))
	if err != nil {
		return false, err
	}
	m := lockInfo.FindSubmatch(bytes.ReplaceAll(text, []byte("│"), nil))
	if m == nil {
		return false, nil
	}
	host, err := os.Hostname()
	if err != nil {
		return false, fmt.Errorf("ask the host's name: %w", err)
	}
	o, err := j.outcome()
	if err != nil {
		return false, err
	}
	// A lock of this host could be older than the run: self-hosted runners are used again, and
	// then another job of the same machine may hold it.
	taken, err := time.Parse("2006-01-02 15:04:05", string(m[3]))
	if err != nil || string(m[2]) != host || taken.Before(o.StartedAt.Truncate(time.Second)) {
		return false, fmt.Errorf("the state is locked by someone else: %s", m[2])
	}
	exit, err := j.terraform(ctx, j.root(), "unlock.log", "force-unlock", "-force", string(m[1]))
	return err == nil && exit == 0, err
}
