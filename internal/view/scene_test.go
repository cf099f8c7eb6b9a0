package view

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/story"
	"github.com/tfpilot/tfpilot/internal/testing/golden"
)

// builtin loads the catalog once: its modules are parsed from Terraform.
var builtin = sync.OnceValues(catalog.Builtin)

// factsOf are the facts of a scene, one minute later, with another request in the environment.
func factsOf(t *testing.T, s *story.Story) Facts {
	t.Helper()
	modules, err := builtin()
	if err != nil {
		t.Fatal(err)
	}
	f := Facts{Request: s.R, Now: s.Now.Add(time.Minute), Protected: s.R.Environment.Key == "prod"}
	f.Module, _ = modules.Module(s.R.Module)
	f.Environment = lifecycle.EnvironmentState{
		Holder: &lifecycle.LeaseEntry{CorrelationID: "apply-x", RequestID: "req_other0000000", Title: "IAM role reader",
			Kind: lifecycle.KindApply, By: "ana", Since: story.Start},
		Queue: []lifecycle.LeaseEntry{{CorrelationID: story.Correlation(lifecycle.KindApply, 99), RequestID: s.R.ID,
			Kind: lifecycle.KindApply, By: "omar", Since: story.Start}},
	}
	return f
}

// Every state that people can see has a golden: the view as data, from which each surface is drawn.
func TestViewsOfRequests(t *testing.T) {
	for name, s := range story.States(t) {
		t.Run(name, func(t *testing.T) {
			var now bytes.Buffer
			enc := json.NewEncoder(&now)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "  ")
			if err := enc.Encode(OfRequest(factsOf(t, s))); err != nil {
				t.Fatal(err)
			}
			golden.Check(t, "testdata/request/"+name+".json", now.String())
		})
	}
}

// What a request waits for, and how far its steps are, in every scene. Each step is one letter:
// done, running, waiting for a person, pending, failed, skipped.
func TestStepsAndWhatComesNext(t *testing.T) {
	letters := map[StepState]string{StepDone: "d", StepRunning: "r", StepWaiting: "w", StepPending: "p",
		StepFailed: "f", StepSkipped: "s"}
	want := map[string]string{
		"created": "work rpppp", "planning": "work drppp", "plan_running": "work drppp", "reading": "work drppp",
		"plan_ready":  "approve ddwpp",
		"plan_failed": "fix dfppp", "plan_canceled": "fix dfppp", "plan_failed_closed": "over dfsss",
		"plan_replaces": "approve ddwpp",
		"approving":     "work ddrpp", "approval_refused": "approve ddwpp", "foreign_run": "approve ddwpp",
		"withdrawn": "approve ddwpp",
		"approved":  "merge dddwp", "merging": "work dddrp", "merge_refused": "merge dddfp", "objected": "fix dddpp",
		"voided": "fix fdppp",
		"merged": "apply ddddw", "merged_foreign": "approve ddwdp", "merged_reading": "work drpdp",
		"queued": "queue ddddr", "applying": "work ddddr", "applied": "none ddddd",
		"apply_failed": "fix ddddf", "replanning": "work drpdf", "replanned": "approve ddwdf",
		"reapproved": "apply ddddf", "requeued": "queue ddddr",
		"unchanged": "none ddddd", "dismissed": "none ddddd", "drifted": "none ddddd", "kept": "none ddddd",
		"kept_approved":    "none ddddd",
		"destroy_rejected": "none ddddd",
		"destroy_asked":    "work rprp", "destroy_plan": "approve dwrp", "destroy_plan_failed": "fix fprp",
		"apply_failed_destroy": "work rprp",
		"merged_destroy":       "work rprp", "destroying": "work ddrp", "destroy_silent": "fix ddrp",
		"destroy_failed":       "fix ddfp",
		"destroy_failed_again": "work rprp", "destroyed": "work dddp", "cleaning": "work dddr", "cleaned": "over dddd",
		"archived": "over dddd",
		"closed":   "over ddsss", "rejected": "over ddfss",
	}
	for name, s := range story.States(t) {
		v := OfRequest(factsOf(t, s))
		got := string(v.Next.Code) + " "
		for _, step := range v.Steps {
			got += letters[step.State]
		}
		if got != want[name] {
			t.Errorf("%s: %q, want %q", name, got, want[name])
		}
	}
}

// A plan whose result is not read yet has not failed.
func TestResultThatIsNotReadIsNoFailure(t *testing.T) {
	for _, name := range []string{"reading", "merged_reading"} {
		if v := OfRequest(factsOf(t, story.States(t)[name])); v.Sentence != readingResult {
			t.Errorf("%s: %s", name, v.Sentence)
		}
	}
}

// Each status, for each purpose of the plan and each problem, has a headline and a sentence, and no gap in its words.
func TestEachStatusPurposeAndProblemHasWords(t *testing.T) {
	seen := map[lifecycle.Status]bool{}
	purposes := []lifecycle.Purpose{lifecycle.PurposeOpen, lifecycle.PurposeEdit, lifecycle.PurposeReapply,
		lifecycle.PurposeDestroy}
	steps := []string{"", "plan", "apply", "destroy", "cleanup", "merge", "approve", "open", "something new"}
	for name, s := range story.States(t) {
		for _, purpose := range purposes {
			for _, step := range steps {
				f := factsOf(t, s)
				if f.Request.Plan != nil {
					plan := *f.Request.Plan
					plan.Purpose = purpose
					f.Request.Plan = &plan
				}
				if step != "" {
					f.Request.Problem = &lifecycle.Problem{Step: step, Code: "code", Text: "Something does not work.",
						Since: story.Start}
				}
				v := OfRequest(f)
				seen[v.Status] = true
				faults := faultsOf(v)
				if len(faults) > 0 {
					t.Errorf("%s, plan %s, problem %q: %s", name, purpose, step, strings.Join(faults, "; "))
				}
			}
		}
	}
	for status := range statusNames {
		if !seen[status] {
			t.Errorf("no scene has the status %s", status)
		}
	}
	if unknown := describe(Facts{Request: story.Ready(t).R}); unknown.status != "" &&
		StatusName("new_status") != "Unknown status" {
		t.Error("an unknown status has a name")
	}
}

// faultsOf are gaps in the words of a view.
func faultsOf(v Request) (faults []string) {
	must := func(ok bool, fault string) {
		if !ok {
			faults = append(faults, fault)
		}
	}
	must(v.Headline != "" && len(strings.Fields(v.Headline)) <= 4 && !strings.HasSuffix(v.Headline, "."),
		"headline "+v.Headline)
	must(strings.HasSuffix(v.Sentence, ".") || strings.HasSuffix(v.Sentence, "…"), "sentence "+v.Sentence)
	must(v.Status == lifecycle.Status("") || v.Icon != "" && v.Icon != IconUnknown, "no icon")
	must(v.Next.Code != "" && v.Next.Text != "", "nothing comes next")
	for _, s := range v.Steps {
		must(s.Name != "" && s.State != "" && s.Note != "", "a step without words")
	}
	for _, p := range v.Problems {
		must(p.Title != "" && p.Text+p.Output != "", "a problem without words")
	}
	for _, e := range v.Events {
		must(e.Topic != "" && e.Icon != "" && e.Headline != "", "an event without words: "+e.Topic)
	}
	for _, text := range []string{v.Summary, v.Sentence, v.Headline} {
		must(!strings.Contains(text, "  ") && !strings.Contains(text, "%!") && !strings.Contains(text, " ."),
			"a gap in "+text)
	}
	return faults
}
