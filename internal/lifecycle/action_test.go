package lifecycle

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// constantsOf are the values of the package's constants of a type, by name, as the source
// declares them.
func constantsOf(t *testing.T, typ string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, f := range sources(t) {
		for _, d := range f.Decls {
			group, ok := d.(*ast.GenDecl)
			if !ok || group.Tok != token.CONST {
				continue
			}
			for _, spec := range group.Specs {
				v := spec.(*ast.ValueSpec)
				if name, ok := v.Type.(*ast.Ident); !ok || name.Name != typ {
					continue
				}
				for i, name := range v.Names {
					value, err := strconv.Unquote(v.Values[i].(*ast.BasicLit).Value)
					if err != nil {
						t.Fatal(err)
					}
					found[name.Name] = value
				}
			}
		}
	}
	if len(found) == 0 {
		t.Fatalf("no constants of type %s", typ)
	}
	return found
}

// sources are the parsed files of the package, without its tests.
func sources(t *testing.T) []*ast.File {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// Every action has exactly one row, and every row says all that is required.
func TestActionRowsAreComplete(t *testing.T) {
	rows, commands := map[string]bool{}, map[string]bool{}
	for _, row := range ActionRows() {
		if rows[string(row.Action)] || commands[row.Command] {
			t.Errorf("%s: two rows have this action or its command %q", row.Action, row.Command)
		}
		rows[string(row.Action)], commands[row.Command] = true, true
		for _, fault := range faultsOf(row) {
			t.Errorf("%s: %s", row.Action, fault)
		}
	}
	for name, value := range constantsOf(t, "Action") {
		if !rows[value] {
			t.Errorf("%s has no row", name)
		}
		delete(rows, value)
	}
	for value := range rows {
		t.Errorf("the row %q has no constant", value)
	}
}

func faultsOf(row ActionRow) (faults []string) {
	must := func(ok bool, fault string) {
		if !ok {
			faults = append(faults, fault)
		}
	}
	must(row.Rule != nil, "no rule")
	for name, text := range map[string]string{"verb": row.Verb, "label": row.Label, "phrase": row.Phrase,
		"command": row.Command, "help": row.Help} {
		must(text != "" && text == strings.TrimSpace(text), "no "+name)
	}
	must(!row.RecordsIntent() || row.direct == nil, "it is carried out at once and by a step")
	must(row.RecordsIntent() || row.direct != nil || row.Action == ActionSync, "nothing carries it out")
	onPlan := row.Binds == BindPlan || row.Binds == BindPlanIfNamed
	must(!onPlan || row.RecordsIntent(), "it is bound to a plan, and no intent names one")
	must(row.Binds != BindIntents || row.direct != nil, "it cancels intents, and is one")
	must(row.Protected == ConfirmNone || row.Confirm != ConfirmNone, "it is confirmed only in protected environments")
	must((row.Confirm == ConfirmNone) == (row.Submit == ""), "its window has no button, or its button no window")
	must(row.Saved != nil, "it does not say what happens next")
	if row.Saved != nil {
		said := row.Saved(Request{}, "“logs”")
		must(strings.Contains(said, "“logs”") && strings.HasSuffix(said, "."), "its sentence is "+strconv.Quote(said))
	}
	return faults
}

// What happens next after an approval, or after its withdrawal, depends on what was approved.
func TestSavedSaysWhatIsNext(t *testing.T) {
	running := RunSet{CurrentAttempt: 1, Attempts: []Attempt{{Number: 1}}}
	for name, c := range map[string]struct {
		action Action
		r      Request
		want   string
	}{
		"approved":                         {ActionApprove, Request{}, "Next step: merge."},
		"approved, with its plan":          {ActionApprove, Request{Plan: &Plan{Purpose: PurposeOpen}}, "Next step: merge."},
		"approved after the merge":         {ActionApprove, Request{MergedSHA: head, Plan: &Plan{Purpose: PurposeReapply}}, "Next step: apply."},
		"a destroy":                        {ActionApprove, Request{MergedSHA: head, Plan: &Plan{Purpose: PurposeDestroy}}, "starts automatically."},
		"withdrawn":                        {ActionWithdraw, Request{}, "Nothing runs until"},
		"withdrawn while an apply runs":    {ActionWithdraw, Request{Runs: Runs{Apply: running}}, "The run stops unless"},
		"withdrawn while a destroy runs":   {ActionWithdraw, Request{Runs: Runs{Destroy: running}}, "The run stops unless"},
		"withdrawn while a plan runs only": {ActionWithdraw, Request{Runs: Runs{Plan: running}}, "Nothing runs until"},
	} {
		row, _ := c.action.Row()
		if got := row.Saved(c.r, "x"); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// The step of an intent is one that Next gives, of the same name.
func TestIntentStepsAreKnown(t *testing.T) {
	steps := constantsOf(t, "StepName")
	known := func(step StepName) bool {
		for _, value := range steps {
			if value == string(step) {
				return true
			}
		}
		return false
	}
	for _, row := range ActionRows() {
		if row.RecordsIntent() && (!known(row.Step) || string(row.Step) != string(row.Action)) {
			t.Errorf("%s is carried out by the step %q", row.Action, row.Step)
		}
	}
}

func TestConfirmationIn(t *testing.T) {
	for action, want := range map[Action][2]Confirmation{
		ActionApprove: {ConfirmPlan, ConfirmTyped}, ActionDestroy: {ConfirmPlan, ConfirmTyped},
		ActionReject: {ConfirmReason, ConfirmReason},
		ActionMerge:  {}, ActionApply: {}, ActionClose: {}, ActionPlan: {}, ActionRestore: {}, ActionCancelIntent: {},
		ActionWithdraw:      {},
		ActionCancelDestroy: {}, ActionSync: {}, ActionRepair: {},
	} {
		row, ok := action.Row()
		got := [2]Confirmation{row.ConfirmationIn(false), row.ConfirmationIn(true)}
		if !ok || got != want || row.NeedsReason() != (want[0] == ConfirmReason) {
			t.Errorf("%s: %v, want %v", action, got, want)
		}
	}
}

// A click that is carried out at once is never stored, whatever it is sent as, and neither
// is one of another version.
func TestWhatIsDoneAtOnceIsNoIntent(t *testing.T) {
	for _, s := range stages(t) {
		for _, row := range ActionRows() {
			if row.RecordsIntent() {
				continue
			}
			if after, err := RecordIntent(Intent{What: row.Action, By: "ana", At: t0})(s.r); err == nil ||
				len(after.Wanted) != len(s.r.Wanted) {
				t.Errorf("%s: %s was recorded", s.name, row.Action)
			}
		}
		if _, err := RecordIntent(Intent{What: "promote", By: "ana", At: t0})(s.r); err == nil {
			t.Errorf("%s: an unknown action was recorded", s.name)
		}
	}
	if row, ok := Action("promote").Row(); ok || row.Rule != nil {
		t.Error("an unknown action has a row")
	}
}

// The patch of a row does what it is for: an intent is stored under the row's action, what
// is done at once changes the facts, and sync changes nothing.
func TestActionPatches(t *testing.T) {
	at := t0.Add(time.Hour)
	for _, s := range stages(t) {
		for _, row := range ActionRows() {
			patch := row.Patch(Intent{What: "something else", By: "omar", At: at, HeadSHA: headOf(s.r),
				PlanDigest: digestOf(s.r)})
			if patch == nil {
				if row.Action != ActionSync {
					t.Errorf("%s has no patch", row.Action)
				}
				continue
			}
			after, _, err := Commit(s.r, patch, Actor{Login: "omar"}, at)
			allowed := row.Rule(s.r) == nil
			switch stored := slices.ContainsFunc(after.Wanted, func(w Intent) bool {
				return w.What == row.Action && w.At.Equal(at)
			}); {
			case row.RecordsIntent() && s.r.Intent(row.Action) == nil && stored != allowed:
				t.Errorf("%s: %s: an intent was stored: %v (%v), the rule allows it: %v", s.name, row.Action, stored, err, allowed)
			case !row.RecordsIntent() && stored:
				t.Errorf("%s: %s was stored as an intent", s.name, row.Action)
			case !row.RecordsIntent() && row.Action != ActionWithdraw && (err == nil) != allowed: // of one's own approval only
				t.Errorf("%s: %s: %v, the rule allows it: %v", s.name, row.Action, err, allowed)
			}
		}
	}
}

func headOf(r Request) string {
	if r.Plan == nil {
		return ""
	}
	return r.Plan.SHA
}

func digestOf(r Request) string {
	if r.Plan == nil {
		return ""
	}
	return r.Plan.Digest
}
