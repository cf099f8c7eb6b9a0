package slackapp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
	"pgregory.net/rapid"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	sandbox "github.com/tfpilot/tfpilot/internal/sim/slack"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// offer makes the modules of a file system those that people are offered.
func (w *fixture) offer(fsys fstest.MapFS) {
	w.t.Helper()
	c, err := catalog.Load(fsys)
	w.must(err)
	w.app.Requests.Catalog, w.cards.Catalog = c, c
}

func (w *fixture) offerTeamModules() {
	w.t.Helper()
	c, err := catalog.Load(os.DirFS("../internal/catalog/testdata/modules"))
	w.must(err)
	w.app.Requests.Catalog, w.cards.Catalog = c, c
}

// requests are those that were made, the oldest first.
func (w *fixture) requests() []lifecycle.Request {
	w.t.Helper()
	var all []lifecycle.Request
	for e, err := range w.store.List(w.t.Context()) {
		w.must(err)
		all = append(all, w.request(e.ID))
	}
	slices.SortFunc(all, func(a, b lifecycle.Request) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return all
}

// TestUntouchedFieldsAreNoInput sends forms in which only the name was filled in: no default
// becomes an input, none another value.
func TestUntouchedFieldsAreNoInput(t *testing.T) {
	for _, module := range []string{"long-list", "multi-line-text", "long-text", "unusual-text", "fields-to-empty",
		"rule-calls-index"} {
		t.Run(module, func(t *testing.T) {
			withFixture(t, func(w *fixture) {
				w.offerTeamModules()
				w.command("dana", devCh, "request "+module+" dev")
				if r := w.submit("dana", map[string]any{"field.name": "acme-one",
					"reason": "Because."}); r.Outcome != sandbox.Acked {
					t.Fatalf("%s %v", r.Outcome, r.Errors)
				}
				if diff := cmp.Diff(map[string]any{"name": "acme-one"}, w.onlyRequest().Config); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestFieldsSayWhatEmptyMeans(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.offerTeamModules()
		for module, want := range map[string][]string{
			"long-list":       {"The default, a list of 250 items, cannot be shown here. Leave this empty to keep it."},
			"long-text":       {"The default, a text of 3200 characters, cannot be shown here."},
			"unusual-text":    {`The default, " - ", cannot be shown here.`, "a map of 1 entry"},
			"fields-to-empty": {"Empty means: made by the platform.", "Empty means: 30."},
		} {
			w.command("dana", devCh, "request "+module+" dev")
			has(t, wordsIn(w.view("dana")), want...)
		}
	})
}

// TestEmptiedListIsEmpty empties every field: a list and a map are then empty, a text and a number
// have their default.
func TestEmptiedListIsEmpty(t *testing.T) {
	empty := map[string]any{"field.open_to": "", "field.labels": "", "field.note": "", "field.days": ""}
	want := map[string]any{"name": "acme-one", "open_to": []any{}, "labels": map[string]any{}}
	withFixture(t, func(w *fixture) {
		w.offerTeamModules()
		w.command("dana", devCh, "request fields-to-empty dev")
		w.submit("dana", map[string]any{"field.name": "acme-one", "reason": "Because."}) // the others are left alone
		time.Sleep(time.Second)
		w.command("dana", devCh, "request fields-to-empty dev")
		w.submit("dana", empty) // the name is missing: the form stays, and so does what was emptied
		if r := w.submit("dana", map[string]any{"field.name": "acme-one",
			"reason": "Because."}); r.Outcome != sandbox.Acked {
			t.Fatalf("%s %v", r.Outcome, r.Errors)
		}
		var got []map[string]any
		for _, r := range w.requests() {
			got = append(got, r.Config)
		}
		if diff := cmp.Diff([]map[string]any{{"name": "acme-one"}, want}, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestEmptiedFieldStaysEmptyWhereItIsNotShown folds an emptied list away and back, and sends it folded.
func TestEmptiedFieldStaysEmptyWhereItIsNotShown(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.offer(folding)
		w.command("dana", devCh, "request folding dev")
		w.act("dana", "fold", nil, map[string]any{"field.name": "acme-one", "reason": "Because."})
		w.act("dana", "fold", nil, map[string]any{"field.open_to": "", "field.greeting": "one\ntwo\nthree"})
		w.act("dana", "fold", nil, nil)
		if got := w.entered("dana"); got["field.open_to"] != nil || got["field.greeting"] != "one\ntwo\nthree" ||
			got["field.labels"] != "team=platform" {
			t.Errorf("shown again: %v", got)
		}
		w.act("dana", "fold", nil, nil)
		if r := w.submit("dana", nil); r.Outcome != sandbox.Acked {
			t.Fatalf("%s %v", r.Outcome, r.Errors)
		}
		want := map[string]any{"name": "acme-one", "open_to": []any{}, "greeting": "one\ntwo\nthree"}
		if diff := cmp.Diff(want, w.onlyRequest().Config); diff != "" {
			t.Error(diff)
		}
	})
}

// TestEmptiedFieldOfAnotherModuleSaysNothing: what was emptied belongs to the module in whose form it was.
func TestEmptiedFieldOfAnotherModuleSaysNothing(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.offer(folding)
		w.command("dana", devCh, "request folding dev")
		w.act("dana", "fold", nil, map[string]any{"field.name": "acme-one", "reason": "Because."})
		w.act("dana", "fold", nil, map[string]any{"field.open_to": ""})
		w.act("dana", "module", "other", nil)
		if r := w.submit("dana", nil); r.Outcome != sandbox.Acked {
			t.Fatalf("%s %v", r.Outcome, r.Errors)
		}
		if diff := cmp.Diff(map[string]any{"name": "acme-one"}, w.onlyRequest().Config); diff != "" {
			t.Error(diff)
		}
	})
}

// TestDefaultThatAnEnvironmentRefusesIsNotAnEmptiedOne moves between two environments; one of them
// allows the default.
func TestDefaultThatAnEnvironmentRefusesIsNotAnEmptiedOne(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.offer(folding)
		w.command("dana", devCh, "request other dev")
		w.act("dana", "environment", "prod/app", map[string]any{"field.name": "acme-one", "reason": "Because."})
		if got := w.entered("dana"); got["field.open_to"] != nil {
			t.Errorf("production shows %v, which it refuses", got["field.open_to"])
		}
		w.act("dana", "environment", "dev/app", nil)
		if got := w.entered("dana"); got["field.open_to"] != "10.0.0.0/8" {
			t.Errorf("dev shows %v", got["field.open_to"])
		}
		w.submit("dana", nil)
		if diff := cmp.Diff(map[string]any{"name": "acme-one"}, w.onlyRequest().Config); diff != "" {
			t.Error(diff)
		}
	})
}

// TestFormOfAnEarlierModuleIsRefused: another default would turn what was left alone into an input,
// or into an emptied list.
func TestFormOfAnEarlierModuleIsRefused(t *testing.T) {
	later := maps.Clone(folding)
	later["other/main.tf"] = &fstest.MapFile{Data: bytes.ReplaceAll(folding["other/main.tf"].Data,
		[]byte("10.0.0.0/8"), []byte("10.1.0.0/16"))}
	withFixture(t, func(w *fixture) {
		w.offer(folding)
		w.command("dana", devCh, "request other dev")
		w.offer(later)
		if r := w.submit("dana", map[string]any{"field.name": "acme-one",
			"reason": "Because."}); r.Outcome != sandbox.FieldErrors {
			t.Errorf("sent: %s", r.Outcome)
		}
		w.act("dana", "environment", "prod/app", nil)
		has(t, wordsIn(w.view("dana")), "from another version")
	})
}

var folding = fstest.MapFS{
	"folding/main.tf": {Data: []byte(`
variable "name" { type = string }
variable "open_to" {
  type    = list(string)
  default = ["10.0.0.0/8"]
}
variable "labels" {
  type    = map(string)
  default = { team = "platform" }
}
variable "greeting" {
  type    = string
  default = "one\ntwo\n"
}`)},
	"folding/tfpilot.yaml": {Data: []byte("title: Folding\nfields: [{name: name}, {name: open_to, group: advanced}, " +
		"{name: labels, group: advanced}, {name: greeting, group: advanced}]\n")},
	"other/main.tf": {Data: []byte(`
variable "name" { type = string }
variable "open_to" {
  type    = list(string)
  default = ["10.0.0.0/8"]
}`)},
	"other/tfpilot.yaml": {Data: []byte("title: Other\nfields: [{name: name}, {name: open_to, limits: [{protected: " +
		"true, allowed: [192.168.0.0/16]}]}]\n")},
}

// manyModules is a catalog of n modules.
func manyModules(n int) fstest.MapFS {
	fsys := fstest.MapFS{}
	for i := range n {
		dir := fmt.Sprintf("mod-%04d/", i+1)
		fsys[dir+"main.tf"] = &fstest.MapFile{Data: []byte(`variable "name" { type = string }`)}
		fsys[dir+"tfpilot.yaml"] = &fstest.MapFile{Data: fmt.Appendf(nil, "title: Module %d\n", i+1)}
	}
	return fsys
}

// TestEveryModuleCanBeRequested names one after the command, and chooses one in the menu.
func TestEveryModuleCanBeRequested(t *testing.T) {
	for _, tc := range []struct {
		modules       int
		named, chosen string
	}{{120, "mod-0119", "mod-0120"}, {1200, "mod-1199", "mod-0999"}} {
		t.Run(fmt.Sprint(tc.modules), func(t *testing.T) {
			withFixture(t, func(w *fixture) {
				w.offer(manyModules(tc.modules))
				for _, module := range []string{tc.named, tc.chosen} {
					if module == tc.named {
						w.command("dana", devCh, "request "+module+" dev")
					} else {
						w.command("dana", devCh, "request dev")
						w.act("dana", "module", module, nil)
					}
					if r := w.submit("dana", map[string]any{"field.name": "acme-one",
						"reason": "Because."}); r.Outcome != sandbox.Acked {
						t.Fatalf("%s: %s %v", module, r.Outcome, r.Errors)
					}
					time.Sleep(time.Second)
				}
				var got []string
				for _, r := range w.requests() {
					got = append(got, r.Module)
				}
				if diff := cmp.Diff([]string{tc.named, tc.chosen}, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestLineEndsOfAnotherSystemAreNoInput(t *testing.T) {
	c, err := catalog.Load(folding)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := c.Module("folding")
	if got := inputsOf(m, catalog.Environment{}, map[string]string{"greeting": "one\r\ntwo\r\n"}); len(got) > 0 {
		t.Errorf("%v", got)
	}
}

func TestLongMenuSaysWhatIsMissing(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.offer(manyModules(1200))
		w.command("dana", devCh, "request mod-1199 dev")
		has(t, wordsIn(w.view("dana")), "200 more are not listed.")
	})
}

// TestFormsOfAnyModuleComeBackAsTheyWereDrawn draws modules at random: what is left alone is no
// input, what is emptied is empty where that is possible, and a choice is itself.
func TestFormsOfAnyModuleComeBackAsTheyWereDrawn(t *testing.T) {
	env := catalog.Environment{Project: "core", Key: "dev", Slug: "app"}
	rapid.Check(t, func(t *rapid.T) {
		m := drawnModule(t)
		left, emptied, want := map[string]string{}, map[string]string{}, map[string]any{}
		for _, f := range m.Fields {
			raw, _ := prefill(f, env)
			back := blocks.Raw(sentBack(element(fieldIn(f, env), raw)))
			left[f.Name], emptied[f.Name] = back, ""
			if raw == "" {
				continue
			}
			switch f.Kind {
			case catalog.List:
				want[f.Name] = []any{}
			case catalog.Map:
				want[f.Name] = map[string]any{}
			}
		}
		if diff := cmp.Diff(map[string]any{}, inputsOf(m, env, left)); diff != "" {
			t.Fatalf("left alone: %s", diff)
		}
		if diff := cmp.Diff(want, inputsOf(m, env, emptied)); diff != "" {
			t.Fatalf("emptied: %s", diff)
		}
		for _, f := range m.Fields {
			for _, c := range f.Choices {
				value := any(c.Value)
				if f.Kind == catalog.List {
					value = []any{c.Value}
				}
				raw, ok := rawOf(f, value)
				config, errs := m.Parse(inputsOf(m, env, map[string]string{f.Name: blocks.Raw(sentBack(element(f, raw)))}), env)
				got := config[f.Name]
				if _, entered := config[f.Name]; !entered {
					got = f.Default
				}
				if !ok || errs != nil || !cmp.Equal(got, value) {
					t.Fatalf("%s: %v became %v, %v", f.Name, value, got, errs)
				}
			}
		}
	})
}

// drawnModule has a field of each kind, with defaults and choices at random.
func drawnModule(t *rapid.T) *catalog.Module {
	text := rapid.OneOf(rapid.StringMatching(`[a-z]{0,3}`), rapid.StringMatching(`[ab =,.\n#"-]{0,5}`),
		rapid.SampledFrom([]string{strings.Repeat("x", 80), "yes", "#a"}))
	var tf, overlay strings.Builder
	declare := func(name, typ string, def any) {
		data, err := json.Marshal(def)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&tf, "variable %q {\n  type = %s\n  default = %s\n}\n", name, typ, data)
	}
	declare("text", "string", text.Draw(t, "text"))
	declare("flag", "bool", rapid.Bool().Draw(t, "flag"))
	declare("number", "number", rapid.IntRange(-5, 5).Draw(t, "number"))
	declare("texts", "list(string)", rapid.SliceOfN(text, 0, 3).Draw(t, "texts"))
	declare("table", "map(string)", rapid.MapOfN(text, text, 0, 3).Draw(t, "table"))
	choices := rapid.SliceOfNDistinct(rapid.StringMatching(`([a-cA-C]{1,2}|[a-c][ ,#=][a-c]|x{74,78})`), 1, 5,
		rapid.ID[string]).Draw(t, "choices")
	declare("kind", "string", rapid.SampledFrom(append(slices.Clone(choices), "other")).Draw(t, "kind"))
	declare("kinds", "list(string)", rapid.SliceOfN(rapid.SampledFrom(append(slices.Clone(choices), "other")), 0,
		4).Draw(t, "kinds"))
	listed, _ := json.Marshal(choices)
	fmt.Fprintf(&overlay, "title: T\nfields: [{name: kind, choices: %s}, {name: kinds, choices: %s}]\n", listed, listed)
	c, err := catalog.Load(fstest.MapFS{"m/main.tf": {Data: []byte(tf.String())},
		"m/tfpilot.yaml": {Data: []byte(overlay.String())}})
	if err != nil {
		t.Fatalf("%v\n%s", err, tf.String())
	}
	m, _ := c.Module("m")
	return m
}

// sentBack is an untouched element as it comes back in a view's state.
func sentBack(e slack.BlockElement) slack.BlockAction {
	a := slack.BlockAction{Type: slack.ActionType(e.ElementType())}
	switch e := e.(type) {
	case *slack.PlainTextInputBlockElement:
		a.Value = e.InitialValue
	case *slack.NumberInputBlockElement:
		a.Value = e.InitialValue
	case *slack.RadioButtonsBlockElement:
		if e.InitialOption != nil {
			a.SelectedOption = *e.InitialOption
		}
	case *slack.SelectBlockElement:
		if e.InitialOption != nil {
			a.SelectedOption = *e.InitialOption
		}
	case *slack.MultiSelectBlockElement:
		for _, o := range e.InitialOptions {
			a.SelectedOptions = append(a.SelectedOptions, *o)
		}
	}
	return a
}
