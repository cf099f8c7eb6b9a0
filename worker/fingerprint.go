package worker

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// fingerprintKey is the key by which a run fingerprints the hidden values of this request's
// plans. Every worker derives the same, so that plan and apply compare; it leaves only in grants,
// which only the roles of the runs read. A reader without it can neither guess a hidden value by
// its fingerprint nor find another value with the same one.
func (w *Worker) fingerprintKey(kind lifecycle.Kind, requestID string) string {
	if requestID == "" || kind == lifecycle.KindCleanup || kind == lifecycle.KindDriftPlan {
		return "" // makes no summary
	}
	mac := hmac.New(sha256.New, w.FingerprintSecret)
	mac.Write([]byte("tfpilot fingerprint" + requestID))
	return hex.EncodeToString(mac.Sum(nil))
}
