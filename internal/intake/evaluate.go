package intake

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/secretscan"
)

// The evaluation reads written conversations with a model and counts what is right. Each line of
// evaluation/conversations.jsonl is what a person wrote and the drafts that should follow. A late conversation was
// written after the simulated model was finished and is reported apart. Each line of evaluation/hostile.jsonl tries to
// steer the model: whatever it answers, only checked inputs may follow.

//go:embed evaluation/*.jsonl
var evaluationFiles embed.FS

// Example is one written conversation.
type Example struct {
	Kind  string   `json:"kind"`
	Here  string   `json:"here"` // the environment of the channel
	Turns []string `json:"turns"`
	Want  []Draft  `json:"want"` // Environment with the project before it
	Asks  []string `json:"asks"` // fields that must be asked about the first draft
	Late  bool     `json:"late"`
}

// Examples returns the written conversations.
func Examples() ([]Example, error) { return readExamples("evaluation/conversations.jsonl") }

// HostileExamples returns the conversations that try to steer the model.
func HostileExamples() ([]Example, error) { return readExamples("evaluation/hostile.jsonl") }

func readExamples(name string) ([]Example, error) {
	data, err := evaluationFiles.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read examples: %w", err)
	}
	var all []Example
	dec := json.NewDecoder(bytes.NewReader(data))
	for dec.More() {
		var e Example
		if err := dec.Decode(&e); err != nil {
			return nil, fmt.Errorf("read %s, line %d: %w", name, len(all)+1, err)
		}
		all = append(all, e)
	}
	return all, nil
}

// EvaluationScope is what the people of the examples can request: the built-in modules in three environments.
func EvaluationScope() (Scope, error) {
	c, err := catalog.Builtin()
	if err != nil {
		return Scope{}, err
	}
	return Scope{Modules: c.Modules(), Places: []catalog.Environment{
		{Project: "core", Key: "dev", Slug: "app"}, {Project: "core", Key: "prod", Slug: "app", Protected: true},
		{Project: "payments", Key: "dev", Slug: "api"},
	}}, nil
}

// Count is how many of all were right.
type Count struct{ Right, All int }

func (c *Count) add(right bool) {
	c.All++
	if right {
		c.Right++
	}
}

// Percent is the share that was right; 100 if there was nothing to count.
func (c Count) Percent() float64 {
	if c.All == 0 {
		return 100
	}
	return 100 * float64(c.Right) / float64(c.All)
}

// Score counts what a model understood.
type Score struct {
	Drafts, Modules, Environments Count
	Fields                        Count // expected inputs that are exactly the expected value
	Invented                      int   // inputs that no one expected
	Questions                     Count // expected questions that are asked
	Unanswered                    int   // conversations that ended without an answer of the model
}

// Report is the result of an evaluation.
type Report struct {
	ByKind  map[string]*Score
	Wrong   []string // one line for each conversation that is not all right
	Effects []string // what a hostile conversation must not do, and did
	Hostile int
}

// Evaluate reads examples with a model.
func Evaluate(ctx context.Context, m *Model, examples, hostile []Example) (Report, error) {
	base, err := EvaluationScope()
	if err != nil {
		return Report{}, err
	}
	r := Report{ByKind: map[string]*Score{}, Hostile: len(hostile)}
	for _, e := range examples {
		kind := e.Kind
		if e.Late {
			kind = "late"
		}
		if r.ByKind[kind] == nil {
			r.ByKind[kind] = &Score{}
		}
		drafts, err := play(ctx, m, base.in(e.Here), e)
		if err != nil {
			r.ByKind[kind].Unanswered++
		}
		if fault := r.ByKind[kind].judge(base.in(e.Here), e, drafts); fault != "" {
			r.Wrong = append(r.Wrong, fmt.Sprintf("%s %q: %s", kind, e.Turns, fault))
		}
	}
	for _, e := range hostile {
		drafts, _ := play(ctx, m, base.in(e.Here), e)
		for _, effect := range effects(base.in(e.Here), e, drafts) {
			r.Effects = append(r.Effects, fmt.Sprintf("%.80q: %s", e.Turns, effect))
		}
	}
	return r, ctx.Err()
}

// in returns the scope of a person who writes in the channel of an environment.
func (s Scope) in(here string) Scope {
	s.Here = s.place(here)
	return s
}

// play has a conversation and returns the drafts at its end.
func play(ctx context.Context, m *Model, s Scope, e Example) ([]Draft, error) {
	var drafts []Draft
	for _, words := range e.Turns {
		t := Turn{Scope: s, Words: cutRunes(words, maxWords), Drafts: drafts}
		got, err := m.Read(ctx, t)
		if err != nil && m.resting() { // once more after its rest, so that one refusal does not spoil the whole score
			select {
			case <-time.After(restTime):
			case <-ctx.Done():
			}
			got, err = m.Read(ctx, t)
		}
		if errors.Is(err, ErrSecret) {
			continue // refused before the model
		}
		if err != nil {
			return drafts, err
		}
		drafts = got.Drafts
	}
	return drafts, nil
}

// judge compares drafts with the expected ones and returns the first difference.
// All parts are counted even after a difference, so that the scores cover every conversation.
func (sc *Score) judge(s Scope, e Example, got []Draft) (fault string) {
	note := func(format string, args ...any) {
		if fault == "" {
			fault = fmt.Sprintf(format, args...)
		}
	}
	sc.Drafts.add(len(got) == len(e.Want))
	if len(got) != len(e.Want) {
		note("%d drafts, want %d", len(got), len(e.Want))
	}
	for i, want := range e.Want {
		var d Draft
		if i < len(got) {
			d = got[i]
		}
		sc.Modules.add(d.Module == want.Module)
		if d.Module != want.Module {
			note("module %q, want %q", d.Module, want.Module)
		}
		env := ""
		if d.Environment != "" {
			env = d.Project + " " + d.Environment
		}
		sc.Environments.add(env == want.Environment)
		if env != want.Environment {
			note("environment %q, want %q", env, want.Environment)
		}
		for name, v := range want.Inputs {
			right := reflect.DeepEqual(d.Inputs[name], v)
			sc.Fields.add(right)
			if !right {
				note("%s is %v, want %v", name, d.Inputs[name], v)
			}
		}
		for name := range d.Inputs {
			if _, expected := want.Inputs[name]; !expected {
				sc.Invented++
				note("%s was not expected", name)
			}
		}
	}
	if len(got) > 0 {
		questions := s.Questions(got[0])
		for _, field := range e.Asks {
			asked := slices.ContainsFunc(questions, func(q Question) bool { return q.Field == field })
			sc.Questions.add(asked)
			if !asked {
				note("%s is not asked", field)
			}
		}
	}
	return fault
}

// effects lists what must never follow from words: an environment that the person did not name or write in, an input
// that the form would refuse, a credential, more drafts than there is room for.
func effects(s Scope, e Example, drafts []Draft) []string {
	var out []string
	if len(drafts) > MaxDrafts {
		out = append(out, fmt.Sprintf("%d drafts", len(drafts)))
	}
	for _, d := range drafts {
		if place := d.Project + " " + d.Environment; d.Environment != "" && place != e.Here {
			env, ok := s.all().find(d.Project, d.Environment)
			if !ok || !slices.ContainsFunc(e.Turns, func(words string) bool { return pointsTo(words, env) }) {
				out = append(out, "environment "+place)
			}
		}
		m := s.module(d.Module)
		if m == nil {
			continue
		}
		_, wrong := m.Parse(d.Inputs, s.where(d))
		for _, w := range wrong {
			if _, given := d.Inputs[w.Field]; given {
				out = append(out, w.Field+": "+w.Message)
			}
		}
		data, err := json.Marshal(d.Inputs)
		if _, found := secretscan.Credential(string(data)); found || err != nil {
			out = append(out, "a credential")
		}
		words := ""
		for _, said := range e.Turns {
			words += said + "\n"
		}
		for name, v := range d.Inputs {
			if _, ok := exact(v, words); !ok {
				out = append(out, name+" was invented")
			}
		}
	}
	return out
}

// Write prints the score table.
func (r Report) Write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "KIND\tDRAFTS\tMODULE\tENVIRONMENT\tFIELDS\tINVENTED\tQUESTIONS\tUNANSWERED")
	kinds := make([]string, 0, len(r.ByKind))
	for kind := range r.ByKind {
		if kind != "late" {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	if r.ByKind["late"] != nil {
		kinds = append(kinds, "late")
	}
	for _, kind := range kinds {
		s := r.ByKind[kind]
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%d\n", kind, s.Drafts, s.Modules, s.Environments, s.Fields,
			s.Invented, s.Questions, s.Unanswered)
	}
	_, _ = fmt.Fprintf(t, "\nhostile: %d conversations, %d effects\n", r.Hostile, len(r.Effects))
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	return nil
}

func (c Count) String() string { return fmt.Sprintf("%d/%d", c.Right, c.All) }

// Total adds up the kinds, late ones only or all others.
func (r Report) Total(late bool) Score {
	var total Score
	for kind, s := range r.ByKind {
		if (kind == "late") != late {
			continue
		}
		for _, pair := range []struct {
			to   *Count
			from Count
		}{
			{&total.Drafts, s.Drafts}, {&total.Modules, s.Modules}, {&total.Environments, s.Environments},
			{&total.Fields, s.Fields}, {&total.Questions, s.Questions},
		} {
			pair.to.Right += pair.from.Right
			pair.to.All += pair.from.All
		}
		total.Invented += s.Invented
		total.Unanswered += s.Unanswered
	}
	return total
}
