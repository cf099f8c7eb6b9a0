package lifecycle

import (
	"slices"
	"testing"
)

// What Slack refused is posted again; what it took stays, also in a copy of the request.
func TestRetryMessages(t *testing.T) {
	taken, refused := Message{Role: RoleDM, TS: "1.1"}, Message{Role: RoleCard, State: MessageRefused + "is_archived:1"}
	r := Request{}
	r.Slack.Messages = []Message{refused, taken}
	after, err := RetryMessages()(r)
	if err != nil || !slices.EqualFunc(after.Slack.Messages, []Message{taken}, sameMessage) || !slices.EqualFunc(r.Slack.Messages, []Message{refused, taken}, sameMessage) {
		t.Errorf("%v %+v, before %+v", err, after.Slack.Messages, r.Slack.Messages)
	}
}

func sameMessage(a, b Message) bool { return a.Role == b.Role && a.TS == b.TS && a.State == b.State }
