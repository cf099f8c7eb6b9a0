package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/testing/bucket"
	"github.com/tfpilot/tfpilot/internal/testing/services"
)

const (
	lockedKey = "core/dev/app/terraform.tfstate.tflock"
	lockedID  = "3b7d4e52-1111-2222-3333-444455556666"
	lockFile  = `{"ID":"` + lockedID +
		`","Operation":"OperationTypeApply","Info":"","Who":"runner@gone-runner","Version":"1.11.4","Created":"2026-11-30T08:00:00Z","Path":"` + bucket.States + `/core/dev/app/terraform.tfstate"}`
)

// operator gives credentials that may remove lock files, as an AWS profile.
func (d *desk) operator() {
	file := filepath.Join(d.T.TempDir(), "credentials")
	if err := os.WriteFile(file, []byte("[operator]\naws_access_key_id = unlock\naws_secret_access_key = "+bucket.Secret("unlock")+"\n"), 0o600); err != nil {
		d.T.Fatal(err)
	}
	d.Set(map[string]string{"AWS_SHARED_CREDENTIALS_FILE": file, "AWS_CONFIG_FILE": file + ".none"})
}

func (d *desk) locked() bool {
	_, ok := d.Bucket.Read(bucket.States, lockedKey)
	return ok
}

func (d *desk) environment(change func(lifecycle.EnvironmentState) lifecycle.EnvironmentState) lifecycle.EnvironmentState {
	d.T.Helper()
	state, err := d.Store.UpdateEnvironment(d.T.Context(), "core", lifecycle.Environment{Key: "dev", Slug: "app"},
		func(e lifecycle.EnvironmentState) (lifecycle.EnvironmentState, error) { return change(e), nil })
	if err != nil {
		d.T.Fatal(err)
	}
	return state
}

// met lets a run of the request have stopped at the lock.
func (d *desk) met(id string) {
	d.T.Helper()
	if err := d.Bucket.Write(bucket.States, lockedKey, []byte(lockFile)); err != nil {
		d.T.Fatal(err)
	}
	lock := lifecycle.StateLock{ID: lockedID, Who: "runner@gone-runner",
		Since: time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)}
	d.environment(func(e lifecycle.EnvironmentState) lifecycle.EnvironmentState {
		return e.SawStateLock(lock, id, time.Now())
	})
	_, err := d.Store.Update(d.T.Context(), id, lifecycle.Actor{Login: "tfpilot"},
		func(r lifecycle.Request) (lifecycle.Request, error) {
			r.Problem = &lifecycle.Problem{Step: "apply", Code: lifecycle.CodeStateLocked, Text: "locked", Since: time.Now()}
			return r, nil
		})
	if err != nil {
		d.T.Fatal(err)
	}
}

// A lock that a killed run left is seen where an operator works, removed by an admin who
// names it, and recorded.
func TestStateIsUnlocked(t *testing.T) {
	w := newFullDesk(t)
	w.operator()
	id := w.opened()
	w.met(id)
	w.says(cli.Done, "its state is locked by runner@gone-runner since 2026-11-30 08:00:00 UTC", "environments", "list")
	w.says(cli.Failed, "tfpilot environments unlock core dev/app", "doctor")
	unlock := func(more ...string) []string {
		return append([]string{"environments", "unlock", "core", "dev/app", "--aws-profile", "operator", "--reason",
			"its runner is lost"}, more...)
	}
	w.says(cli.Failed, "Only admins can unlock a state", unlock("--as", "dana", "--confirm", lockedID)...)
	w.says(cli.Usage, "--reason", "environments", "unlock", "core", "dev/app", "--as", "adam")
	w.says(cli.Usage, "use --confirm "+lockedID, unlock("--as", "adam")...)
	w.says(cli.Usage, "use --confirm "+lockedID, unlock("--as", "adam", "--confirm",
		strings.Replace(lockedID, "3", "4", 1))...)
	w.says(cli.Failed, "manifests/iam/unlock.json", "environments", "unlock", "core", "dev/app", "--as", "adam",
		"--reason", "x", "--confirm", lockedID)
	if !w.locked() {
		t.Fatal("the lock was removed")
	}
	w.says(cli.Done, "Removed the lock", unlock("--as", "adam", "--confirm", lockedID)...)
	state := w.environment(func(e lifecycle.EnvironmentState) lifecycle.EnvironmentState { return e })
	if w.locked() || state.StateLock != nil || state.Unlock == nil || !state.Unlock.Done || state.Unlock.By != "adam" {
		t.Errorf("locked %v, state %+v, %+v", w.locked(), state.StateLock, state.Unlock)
	}
	doc, err := w.Store.Get(t.Context(), id)
	if err != nil || doc.Request.Problem == nil || doc.Request.Problem.Code != lifecycle.CodeStateUnlocked ||
		!strings.Contains(doc.Request.Problem.Text, "adam") {
		t.Errorf("problem %+v, %v", doc.Request.Problem, err)
	}
	events := doc.Request.Audit.Pending
	if last := events[len(events)-1]; last.Actor != "adam" || !strings.Contains(last.Text, lockedID) {
		t.Errorf("audit %+v", last)
	}
	w.says(cli.Done, "is not locked", unlock("--as", "adam", "--confirm", lockedID)...)
}

// Whatever may still hold the lock keeps it: the lease, a run at work, and one that
// TfPilot cannot place.
func TestStateStaysLockedWhileARunMayHoldIt(t *testing.T) {
	w := newFullDesk(t)
	w.operator()
	w.met(w.opened())
	full := []string{"environments", "unlock", "core", "dev/app", "--as", "adam", "--reason", "x", "--aws-profile",
		"operator", "--confirm", lockedID}
	entry := lifecycle.LeaseEntry{CorrelationID: "apply-" + strings.Repeat("a", 32), RequestID: "req_abcdefghijklm",
		Title: "Bucket", Kind: lifecycle.KindApply, By: "dana", Since: time.Now()}
	w.environment(func(e lifecycle.EnvironmentState) lifecycle.EnvironmentState { return e.Enqueue(entry, time.Now()) })
	w.says(cli.Failed, "is held by the apply of req_abcdefghijklm", full...)
	w.environment(func(e lifecycle.EnvironmentState) lifecycle.EnvironmentState {
		return e.Release(entry.CorrelationID, time.Now())
	})

	w.StartRun("apply.yml", "req_abcdefghijklm") // of no known request
	w.says(cli.Failed, "is active and may hold it", full...)
	if !w.locked() {
		t.Error("the lock was removed")
	}
}

// GitHub that cannot be asked leaves the lock where it is.
func TestStateStaysLockedWithoutGitHub(t *testing.T) {
	w := newFullDesk(t)
	w.operator()
	w.met(w.opened())
	w.Set(map[string]string{"GITHUB_API_URL": "http://127.0.0.1:1/api/v3/"})
	w.says(cli.Failed, "cannot list active runs on GitHub", "environments", "unlock", "core", "dev/app", "--as",
		"adam", "--reason", "x", "--aws-profile", "operator", "--confirm", lockedID)
	if !w.locked() {
		t.Error("the lock was removed")
	}
}

// A lock that was taken again since it was read is left alone.
func TestLockThatChangedIsKept(t *testing.T) {
	d := newDesk(t)
	if err := d.Bucket.Write(bucket.States, lockedKey, []byte(lockFile)); err != nil {
		t.Fatal(err)
	}
	locks, err := store.OpenLocks(t.Context(), store.Config{
		Bucket: bucket.States, Region: bucket.Region, Endpoint: os.Getenv("AWS_ENDPOINT_URL_S3"), AccessKey: "unlock",
		Secret: bucket.Secret("unlock"),
	})
	if err != nil {
		t.Fatal(err)
	}
	key := strings.TrimSuffix(lockedKey, ".tflock")
	_, etag, err := locks.Lock(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Bucket.Write(bucket.States, lockedKey, []byte(strings.Replace(lockFile, "gone", "new", 1))); err != nil {
		t.Fatal(err)
	}
	if err := locks.Remove(t.Context(), key, etag); err == nil || !d.locked() {
		t.Errorf("%v, locked %v", err, d.locked())
	}
}

// A table of DynamoDB is named with the command that removes exactly this lock.
func TestLockInATable(t *testing.T) {
	w := newFullDesk(t)
	yaml := strings.Replace(services.YAML, "{bucket: "+bucket.States+"}",
		"{bucket: "+bucket.States+", dynamodbTable: locks, useLockfile: false}", 1)
	if err := os.WriteFile(os.Getenv("TFPILOT_CONFIG"), []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	w.met(w.opened())
	for _, want := range []string{"DynamoDB table locks", "aws dynamodb delete-item", lockedID} {
		w.says(cli.Failed, want, "environments", "unlock", "core", "dev/app", "--as", "adam", "--reason", "x")
	}
}
