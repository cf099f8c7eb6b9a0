package slackapp

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
	"pgregory.net/rapid"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
	sandbox "github.com/tfpilot/tfpilot/internal/sim/slack"
	"github.com/tfpilot/tfpilot/internal/story"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

func TestFormsSurviveTheirTravel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := form{
			ID: story.ID, Project: "core", Env: "dev/app", Module: "s3-bucket", Page: rapid.IntRange(0, 3).Draw(t, "page"),
			Hidden: rapid.MapOfN(rapid.StringMatching(`[a-z_]{1,10}`), rapid.String(), 1, 20).Draw(t, "hidden"),
			Reason: rapid.String().Draw(t, "reason"),
		}
		for k, v := range f.Hidden {
			f.Hidden[k] = strings.ToValidUTF8(v, "?")
		}
		f.Reason = strings.ToValidUTF8(f.Reason, "?")
		packed, err := f.pack()
		if errors.Is(err, errTooMuch) {
			return
		}
		if err != nil || len(packed) > blocks.MaxMetadata {
			t.Fatalf("%d %v", len(packed), err)
		}
		got, err := unpack(packed)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(f, got, cmp.AllowUnexported(form{})); diff != "" {
			t.Error(diff)
		}
	})
}

func TestTooMuchIsRefused(t *testing.T) {
	hidden := map[string]string{}
	for i := range 300 {
		hidden[fmt.Sprint(i)] = request.NewID() + request.NewID()
	}
	if _, err := (form{Hidden: hidden}).pack(); !errors.Is(err, errTooMuch) {
		t.Errorf("%v", err)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add("{}")
	f.Add("q1YqSy0qzszPU7JSMlDSUSpKLU4tSi0oykxRsjI0qgUA")
	f.Fuzz(func(t *testing.T, packed string) {
		if got, err := unpack(packed); err == nil && len(got.Hidden) > maxForm {
			t.Error("inflates without end")
		}
	})
}

// TestEveryElementGivesBackItsValue draws each field of each module with a value
// and reads it back as Slack would send it.
func TestEveryElementGivesBackItsValue(t *testing.T) {
	for _, m := range testCatalog(t).Modules() {
		for _, f := range m.Fields {
			raw := map[catalog.Kind]string{catalog.Text: "some text", catalog.Number: "42", catalog.Bool: rawNo,
				catalog.List: "one,two\nthree", catalog.Map: "a=b\nc=d"}[f.Kind]
			if len(f.Choices) > 0 {
				raw = choiceKey(f, f.Choices[len(f.Choices)-1])
			}
			got := blocks.Raw(sentBack(element(f, raw)))
			if got != raw {
				t.Errorf("%s.%s: %q became %q", m.Name, f.Name, raw, got)
			}
			if got := blocks.Raw(sentBack(element(f, ""))); f.Kind != catalog.Bool && got != "" {
				t.Errorf("%s.%s: nothing became %q", m.Name, f.Name, got)
			}
		}
	}
}

// wide is a module with more fields than one view holds.
func wide(t testing.TB, fields int) *catalog.Catalog {
	t.Helper()
	var tf strings.Builder
	for i := range fields {
		fmt.Fprintf(&tf, "variable \"field_%03d\" {\n  type = string\n  description = \"One of many.\"\n  default = "+
			"\"\"\n}\n", i)
	}
	long := strings.Repeat("x", 90)
	tf.WriteString("variable \"kind\" {\n  type = string\n  description = \"A choice with long values.\"\n  default = \"" + long + "1\"\n}\n")
	c, err := catalog.Load(fstest.MapFS{
		"wide/variables.tf": {Data: []byte(tf.String())},
		"wide/main.tf":      {Data: []byte("terraform {\n  required_version = \">= 1.5\"\n}\n")},
		"wide/tfpilot.yaml": {Data: []byte("title: Wide\nfields:\n  - name: kind\n    choices: [" + long + "1, " + long +
			"2]\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestManyFieldsComeInPages(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.app.Requests.Catalog, w.cards.Catalog = wide(t, 150), wide(t, 150)
		w.command("dana", devCh, "request wide dev")
		for _, page := range []string{"Field 000", "Field 100"} {
			v := w.view("dana")
			has(t, wordsIn(v), page)
			if n := len(v.Blocks); n > 100 {
				t.Fatalf("%d blocks", n)
			}
			if page == "Field 000" {
				if r := w.submit("dana", map[string]any{"field.field_003": "three"}); r.Outcome != sandbox.Acked {
					t.Fatalf("%s %v", r.Outcome, r.Errors)
				}
				continue
			}
			w.act("dana", "back", nil, map[string]any{"field.field_100": "hundred", "reason": "Because."})
			if got := w.view("dana").Values["field:wide:field_003"]["field.field_003"]["value"]; got != "three" {
				t.Errorf("the first page lost its value: %v", got)
			}
			w.submit("dana", nil)
		}
		if got := w.view("dana").Values["field:wide:field_100"]["field.field_100"]["value"]; got != "hundred" {
			t.Errorf("the second page lost its value: %v", got)
		}
		w.submit("dana", nil)
		want := map[string]any{"field_003": "three", "field_100": "hundred"}
		if diff := cmp.Diff(want, w.onlyRequest().Config); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSentTwiceIsMadeOnce(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.command("dana", devCh, "request s3-bucket")
		v := w.view("dana")
		body := slack.View{
			ID: v.ID, CallbackID: viewRequest, Hash: v.Hash,
			State: &slack.ViewState{Values: map[string]map[string]slack.BlockAction{
				"n": {"field.name": {Type: "plain_text_input", Value: "acme-x"}},
				"r": {actReason: {Type: "plain_text_input", Value: "Because."}},
			}},
		}
		m, _ := w.app.Requests.Catalog.Module("s3-bucket")
		body.PrivateMetadata, _ = form{ID: story.ID, Project: "core", Env: "dev/app", Module: "s3-bucket",
			Digest: m.Digest}.pack()
		cb := slack.InteractionCallback{Type: slack.InteractionTypeViewSubmission, View: body}
		cb.Team.ID, cb.User.ID, cb.User.Name = teamID, story.SlackUsers["dana"], "dana"
		for range 2 {
			w.app.Interaction(w.t.Context(), cb, func(any) {})
		}
		if r := w.onlyRequest(); r.ID != story.ID || len(w.messages("dana", devCh)) != 1 {
			t.Errorf("%s, %d cards", r.ID, len(w.messages("dana", devCh)))
		}
	})
}

// TestSentForAnotherChoiceIsHeldBack sends a form whose menu was used just before.
func TestSentForAnotherChoiceIsHeldBack(t *testing.T) {
	a := testApp(t)
	m, _ := a.Requests.Catalog.Module("s3-bucket")
	packed, err := form{ID: story.ID, Project: "core", Env: "dev/app", Module: m.Name, Digest: m.Digest}.pack()
	if err != nil {
		t.Fatal(err)
	}
	pick := func(v string) slack.BlockAction {
		return slack.BlockAction{Type: "static_select", SelectedOption: slack.OptionBlockObject{Value: v}}
	}
	_, wrong := a.read(slack.View{PrivateMetadata: packed,
		State: &slack.ViewState{Values: map[string]map[string]slack.BlockAction{
			"p": {actProject: pick("core")}, "e": {actEnvironment: pick("prod/app")}, "m": {actModule: pick(m.Name)},
			"n": {"field.name": {Type: "plain_text_input", Value: "acme-x"}},
			"r": {actReason: {Type: "plain_text_input", Value: "Because."}},
		}}})
	if len(wrong) != 1 || !strings.Contains(wrong["e"], "Loading the fields") {
		t.Errorf("%v", wrong)
	}
}

func TestMessagesArePutOnceIntoTheirPlace(t *testing.T) {
	x := slot{role: lifecycle.RoleCard}
	mine := lifecycle.Message{Role: x.role, State: "posting:mine"}
	other := lifecycle.Request{Slack: lifecycle.Slack{Messages: []lifecycle.Message{{Role: x.role,
		State: "posting:other"}}}}
	if _, err := setMessage(x, "", &mine)(other); !errors.Is(err, errMoved) {
		t.Errorf("the intent of another process was overwritten: %v", err)
	}
	got, err := setMessage(x, "posting:other", &mine)(other)
	if err != nil || len(got.Slack.Messages) != 1 || got.Slack.Messages[0].State != "posting:mine" {
		t.Errorf("%+v %v", got.Slack, err)
	}
}

func TestGripsAndTrailsComeBack(t *testing.T) {
	g := buttonValue{story.ID, lifecycle.PurposeDestroy, story.Head1, "sha256:" + strings.Repeat("a", 64),
		lifecycle.ConfirmTyped, "apply,merge"}
	got, err := readButtonValue(g.String())
	if err != nil || got != g || len(g.String()) > 2000 {
		t.Errorf("%+v %v", got, err)
	}
	for _, bad := range []string{"", "x", "||||", "a|b|c"} {
		if _, err := readButtonValue(bad); err == nil {
			t.Errorf("%q was read as a button value", bad)
		}
	}
	tr := trail{filter: "prod | @dana"}
	for range 100 {
		tr = tr.older("kx1234567-req_abcdefghij012")
	}
	if n := len(tr.String()); n > 2000 {
		t.Errorf("a trail of %d characters", n)
	}
	if diff := cmp.Diff(tr.String(), readTrail(tr.String()).String()); diff != "" {
		t.Error(diff)
	}
}

// entered is the content of the fields of the open view.
func (w *fixture) entered(user string) map[string]any {
	w.t.Helper()
	got := map[string]any{}
	for _, block := range w.view(user).Values {
		for action, v := range block {
			got[action] = v["value"]
		}
	}
	return got
}

func TestAnotherProjectKeepsWhatWasEntered(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.command("dana", devCh, "request s3-bucket dev")
		w.act("dana", "project", "payments", map[string]any{"field.name": "acme-one", "reason": "Because."})
		w.act("dana", "environment", "dev/api", nil)
		if got := w.entered("dana"); got["field.name"] != "acme-one" || got["reason"] != "Because." {
			t.Errorf("%v", got)
		}
	})
}

// TestErrorsOfFoldedFieldsNameThem: they stand at another field.
func TestErrorsOfFoldedFieldsNameThem(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.command("dana", devCh, "request s3-bucket dev")
		w.act("dana", "fold", nil, map[string]any{"field.name": "acme-one", "reason": "Because."})
		w.act("dana", "fold", nil, map[string]any{"field.noncurrent_expire_days": "-5", "field.tags": "novalue"})
		r := w.submit("dana", nil)
		if len(r.Errors) != 1 {
			t.Fatalf("%v", r.Errors)
		}
		for _, text := range r.Errors {
			has(t, text, "“Delete previous versions after (days)” among the advanced options: ",
				"“Additional tags” among the advanced options: ")
		}
	})
}

// TestARefusedPlaceKeepsWhatWasEntered: who chooses wrongly chooses again.
func TestARefusedPlaceKeepsWhatWasEntered(t *testing.T) {
	a := testApp(t)
	vic := request.Caller{Person: lifecycle.Person{Login: "vic", GithubID: 1005}}
	f := form{ID: story.ID, Project: "core", Env: "dev/app", Module: "s3-bucket"}
	c := a.formContents(vic, f, map[string]string{"name": "acme-one"}, "")
	if c.refusal == "" || c.form.Hidden["name"] != "acme-one" {
		t.Errorf("%q %v", c.refusal, c.form.Hidden)
	}
}

// TestWhatIsTooLongToHideStays folds and turns pages over more than a form remembers.
func TestWhatIsTooLongToHideStays(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.app.Requests.Catalog, w.cards.Catalog = wide(t, 150), wide(t, 150)
		w.command("dana", devCh, "request wide dev")
		values := map[string]any{}
		for i := range 79 {
			values[fmt.Sprintf("field.field_%03d", i)] = request.NewID() + request.NewID() + request.NewID()
		}
		w.submit("dana", values)
		has(t, wordsIn(w.view("dana")), "too long to hide")
		if got := w.entered("dana"); got["field.field_003"] != values["field.field_003"] {
			t.Errorf("%v", got["field.field_003"])
		}
		w.act("dana", "project", "payments", nil)
		has(t, wordsIn(w.view("dana")), "too long to hide")
		if got := w.entered("dana"); got["field.field_078"] != values["field.field_078"] {
			t.Errorf("%v", got["field.field_078"])
		}
	})
}

// TestLongChoiceStaysItselfWhereFewerAreAllowed reads a menu of fewer choices back
// with all of them.
func TestLongChoiceStaysItselfWhereFewerAreAllowed(t *testing.T) {
	m, _ := wide(t, 1).Module("wide")
	f, _ := m.Field("kind")
	last := f.Choices[len(f.Choices)-1:]
	fewer := *f
	fewer.Choices = last
	want := last[0].Value
	raw, ok := rawOf(fewer, want)
	if got := valueOf(*f, blocks.Raw(sentBack(element(fewer, raw)))); !ok || got != want {
		t.Errorf("%q became %q", want, got)
	}
}
