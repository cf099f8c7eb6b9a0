package slackapp

import (
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/story"
)

// drawingOf is what a request is drawn from in the tests.
func drawingOf(t testing.TB, s *story.Story) drawing {
	t.Helper()
	account := map[string]string{}
	for login, user := range story.SlackUsers {
		account[login] = user
	}
	module, _ := testCatalog(t).Module(s.R.Module)
	env := lifecycle.EnvironmentState{
		Holder: &lifecycle.LeaseEntry{CorrelationID: "apply-x", RequestID: "req_other0000000", Title: "IAM role reader",
			Kind: lifecycle.KindApply, By: "ana", Since: story.Start},
		Queue: []lifecycle.LeaseEntry{{CorrelationID: story.Correlation(lifecycle.KindApply, 99), RequestID: s.R.ID,
			Kind: lifecycle.KindApply, By: "omar", Since: story.Start}},
	}
	d := draw(s.R, testDirectory().of(s.R), module, env, s.Now.Add(time.Minute))
	d.account, d.details = account, "https://tfpilot.acme.test/requests/"+s.R.ID
	d.askable = []lifecycle.Person{{Login: "omar", SlackUser: account["omar"]}, {Login: "root"}}
	return d
}
