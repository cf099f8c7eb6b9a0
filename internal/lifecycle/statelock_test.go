package lifecycle

import (
	"testing"
	"time"
)

// An unlock is decided only while the lease is free, and done once.
func TestUnlockIsDecidedOnce(t *testing.T) {
	u := StateUnlock{Lock: StateLock{ID: "x"}, By: "adam", At: time.Now()}
	held := EnvironmentState{}.Enqueue(LeaseEntry{CorrelationID: "apply-1", RequestID: "req_abcdefghijklm",
		Kind: KindApply}, time.Now())
	if _, refusal := held.Unlocking(u); refusal == nil {
		t.Error("decided while an apply holds the environment")
	}
	free, refusal := EnvironmentState{}.Unlocking(u)
	if refusal != nil || free.Unlock == nil || free.Unlock.Done {
		t.Fatalf("%+v, %v", free.Unlock, refusal)
	}
	later := u
	later.By = "omar"
	if again, _ := free.Unlocking(later); again.Unlock.By != "adam" {
		t.Errorf("decided by %s", again.Unlock.By)
	}
	if done := free.Unlocked("x"); !done.Unlock.Done || free.Unlock.Done {
		t.Errorf("%+v, before %+v", done.Unlock, free.Unlock)
	}
}
