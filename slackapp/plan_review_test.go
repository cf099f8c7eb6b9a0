package slackapp

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/story"
	"github.com/tfpilot/tfpilot/internal/terraform"
)

// manyChanges is a plan of several pages. The resource that grants access is the last one by address.
func manyChanges() terraform.Summary {
	s := terraform.Summary{}
	for i := range 500 {
		s.Changes = append(s.Changes, story.Change("create", fmt.Sprintf("aws_cloudwatch_log_group.this[%d]", i), nil,
			map[string]any{
				"name": fmt.Sprintf("/acme/%03d", i), "note": strings.Repeat("x", 90), "retention_in_days": json.Number("30"),
			}))
	}
	role := story.Change("create", "aws_iam_role.zz_admin", nil,
		map[string]any{"assume_role_policy": `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"*"}}]}`})
	role.Type = "aws_iam_role"
	s.Changes = append(s.Changes, role)
	return s
}

// A plan that is longer than a window is read in pages, and approved on the last one only.
func TestLongPlanIsReadToItsEnd(t *testing.T) {
	withFixture(t, func(w *fixture) {
		long := manyChanges()
		w.put(story.New(t, story.Dev()).Opened().Planned(lifecycle.PurposeOpen, story.Head1, long), long)
		w.click("omar", w.card("omar", devCh), "do.approve")
		v := w.view("omar")
		has(t, wordsIn(v), "The deploy job needs a place.", "aws_iam_role.zz_admin", `"AWS": "*"`, "Page 1 of")
		if v.Submit != nil {
			t.Fatalf("it can be approved on page 1: %v", v.Submit)
		}
		var read strings.Builder
		read.WriteString(wordsIn(v))
		for range 20 {
			if v = w.view("omar"); v.Submit != nil {
				break
			}
			w.act("omar", actPlanNext, "", nil)
			read.WriteString(wordsIn(w.view("omar")))
		}
		for i := range 500 {
			has(t, read.String(), fmt.Sprintf("this[%d]\n", i))
		}
		w.act("omar", actPlanBack, "", nil)
		if v := w.view("omar"); v.Submit == nil {
			t.Error("a plan that was read to its end can be approved on any page")
		}
		w.submit("omar", nil)
		if w.request(story.ID).Intent(lifecycle.ActionApprove) == nil {
			t.Error("no intent was written")
		}
	})
}

// Which pages were opened is bound to the plan that they showed.
func TestWindowOfAnotherPlanIsNotTurned(t *testing.T) {
	withFixture(t, func(w *fixture) {
		long := manyChanges()
		w.put(story.New(t, story.Dev()).Opened().Planned(lifecycle.PurposeOpen, story.Head1, long), long)
		w.click("omar", w.card("omar", devCh), "do.approve")
		w.update(story.ID, func(r lifecycle.Request) (lifecycle.Request, error) {
			other := story.Creating()
			r.Plan.Digest = other.Digest()
			return r, nil
		})
		w.act("omar", actPlanLast, "", nil)
		has(t, wordsIn(w.view("omar")), "The plan changed while this window was open.")
	})
}

// A window that says nothing of its last page approves nothing, whatever sent it.
func TestUnreadWindowApprovesNothing(t *testing.T) {
	x := reading{buttonValue: buttonValue{ID: story.ID, Digest: "d", Confirm: lifecycle.ConfirmPlan}, approve: true}
	for _, c := range []struct {
		change func(*reading)
		read   bool
	}{
		{func(*reading) {}, false},
		{func(x *reading) { x.page = 3 }, false},
		{func(x *reading) { x.seen = true }, true},
		{func(x *reading) { x.seen, x.approve = true, false }, false},
	} {
		one := x
		c.change(&one)
		g, read, err := confirmedValue(lifecycle.ActionApprove, one.String())
		if err != nil || read != c.read || g != one.buttonValue {
			t.Errorf("%s: %v %v", one, read, err)
		}
	}
	if _, _, err := confirmedValue(lifecycle.ActionApprove, x.buttonValue.String()); err == nil {
		t.Error("the window of another version was taken")
	}
}
