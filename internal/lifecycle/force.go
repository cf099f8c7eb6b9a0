package lifecycle

import (
	"fmt"
	"time"
)

// ForceReleased records that an admin took the lease from an apply or destroy of this request.
// Its attempt is concluded as stale, whatever its run does from then on; an intent without an
// attempt is removed. The card shows both with the reason.
func ForceReleased(kind Kind, correlationID, by, reason string, now time.Time) Patch {
	return func(r Request) (Request, error) {
		text := fmt.Sprintf("%s force-released the environment from this %s: %s", by, kind, reason)
		a, w := r.Attempt(kind, correlationID), r.Intent(Action(kind))
		switch {
		case a != nil && a.giveUp(ConclusionStale, text, now):
			text += "\nIts run may have changed something. Re-plan to see what is left."
		case a == nil && w != nil && w.CorrelationID == correlationID:
			r.drop(w.What, "")
		default:
			return r, nil
		}
		r.Problem = &Problem{Step: string(kind), Code: CodeForced, Text: text, Since: now}
		return r, nil
	}
}
