package lifecycle

import (
	"slices"
	"strings"
	"testing"
	"unicode"
)

// Every conclusion of GitHub is a verb, so that a sentence can be made of it.
func TestOutcomesAreVerbs(t *testing.T) {
	for name, value := range constantsOf(t, "Conclusion") {
		row, known := conclusionTable[Conclusion(value)]
		if !known || row.outcome == "" || Conclusion(value).Outcome() != row.outcome || row.advice != "" &&
			!isSentence(row.advice) {
			t.Errorf("%s has no words", name)
		}
	}
	if len(conclusionTable) != len(constantsOf(t, "Conclusion")) {
		t.Error("words for a conclusion that is no constant")
	}
	if got := Conclusion("").Outcome(); got != "is in progress" {
		t.Error(got)
	}
	if got := (&Attempt{Conclusion: "brand_new"}).Outcome(); got != "ended with the conclusion brand new" {
		t.Error(got)
	}
}

func isSentence(s string) bool {
	return s != "" && unicode.IsUpper([]rune(s)[0]) && strings.HasSuffix(s, ".") && s == strings.TrimSpace(s) &&
		len(s) < 300
}

// Every code has words, a sentence that people understand without the code, and no two codes
// have one value.
func TestCodesHaveWords(t *testing.T) {
	values := map[string]string{}
	for name, value := range constantsOf(t, "ReasonCode") {
		if other, twice := values[value]; twice {
			t.Errorf("%s and %s are both %q", name, other, value)
		}
		values[value] = name
		if words := ReasonCode(value).Words(); !isSentence(words) || strings.Contains(words, "_") {
			t.Errorf("%s says %q", name, words)
		}
	}
	for code := range codeWords {
		if values[string(code)] == "" {
			t.Errorf("words for %q, which is no constant", code)
		}
	}
	if words := ReasonCode("of another version").Words(); words != "" {
		t.Error(words)
	}
}

// Every type of event has a title and its place in the order, and no other type is written.
func TestEventTypesHaveTitles(t *testing.T) {
	values := constantsOf(t, "EventType")
	if len(values) != len(eventRows) {
		t.Errorf("%d types, %d rows", len(values), len(eventRows))
	}
	for name, value := range values {
		e := EventType(value)
		if title := e.Title(); title == "" || !unicode.IsUpper([]rune(title)[0]) || strings.HasSuffix(title, ".") ||
			eventRows[e.rank()].event != e {
			t.Errorf("%s has the title %q", name, title)
		}
	}
	if e := EventType("of another version"); e.Title() != "" || e.rank() != len(eventRows) {
		t.Error("an unknown type has a title")
	}
}

// The resources were created by the first plan that was applied, not by a later one.
func TestAppliedPlanRun(t *testing.T) {
	r := Request{Runs: Runs{Plan: RunSet{Attempts: []Attempt{{Number: 1}, {Number: 2, CorrelationID: "plan-2"}, {Number: 3}}}}}
	if run := r.AppliedPlanRun(); run != nil {
		t.Errorf("nothing was applied, and %+v", run)
	}
	r.Runs.Apply.Attempts = []Attempt{{PlanAttempt: 2}, {PlanAttempt: 3}}
	if run := r.AppliedPlanRun(); run == nil || run.CorrelationID != "plan-2" {
		t.Errorf("%+v", run)
	}
}

func TestCorrelationIDs(t *testing.T) {
	r := Request{
		Runs:    Runs{Plan: RunSet{Attempts: []Attempt{{CorrelationID: "plan-1"}, {}}}, Destroy: RunSet{Attempts: []Attempt{{CorrelationID: "destroy-1"}}}},
		Cleanup: &Cleanup{Attempt: Attempt{CorrelationID: "cleanup-1"}},
	}
	if got := r.CorrelationIDs(); !slices.Equal(got, []string{"plan-1", "destroy-1", "cleanup-1"}) {
		t.Errorf("%v", got)
	}
}
