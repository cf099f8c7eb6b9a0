package slackapp

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"pgregory.net/rapid"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/sim/slack/blockkit"
	"github.com/tfpilot/tfpilot/internal/story"
	"github.com/tfpilot/tfpilot/internal/terraform"
	"github.com/tfpilot/tfpilot/internal/testing/golden"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// goldenJSON compares v, as indented JSON, with a file.
func goldenJSON(t *testing.T, name string, v any) {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, filepath.Join("testdata", name+".json"), buf.Bytes())
}

// goldenMessage is a message as a golden keeps it.
type goldenMessage struct {
	Topic  string        `json:"topic,omitempty"`
	Text   string        `json:"text"`
	Blocks []slack.Block `json:"blocks"`
}

// checkMessage checks a message against Slack's rules.
func checkMessage(t rapid.TB, where string, m blocks.Message) {
	t.Helper()
	data, err := json.Marshal(slack.Blocks{BlockSet: m.Blocks})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range blockkit.Message(data) {
		t.Errorf("%s: %s", where, p)
	}
	if m.Text == "" || len([]rune(m.Text)) > blocks.MaxMessageText {
		t.Errorf("%s: text of %d characters", where, len([]rune(m.Text)))
	}
}

func TestCardsAndReplies(t *testing.T) {
	for name, s := range story.States(t) {
		t.Run(name, func(t *testing.T) {
			d := drawingOf(t, s)
			card := d.card()
			checkMessage(t, "card", card)
			all := []goldenMessage{{Topic: "card", Text: card.Text, Blocks: card.Blocks}}
			for _, r := range d.replies() {
				checkMessage(t, r.topic, r.Message)
				topic := r.topic
				if r.due {
					topic += " (due)"
				}
				all = append(all, goldenMessage{Topic: topic, Text: r.Text, Blocks: r.Blocks})
			}
			goldenJSON(t, "message/"+name, all)
		})
	}
}

// TestPastRepliesLoseTheirButtons draws replies whose time is over.
func TestPastRepliesLoseTheirButtons(t *testing.T) {
	s := story.ApplyFailed(t).Planned(lifecycle.PurposeReapply, story.Head2, story.Creating()).Approved("omar").Applied()
	s.R.Approval.Approvers[0].VoidedAt, s.R.Approval.Approvers[0].VoidReason = &story.Start, "a newer plan"
	topics := []string{
		"plan:1", "plan:9", "plan:x", "failed:apply:1", "failed:drift_plan:1", "foreign:abc", "voided:1", "voided:9",
		"problem:merge:1", "applied:9", "drift:1",
		"objection:7", "refused:merge:omar:1", "unchanged:2", "rejected:1", "unheard of",
	}
	for _, topic := range topics {
		s.R.Slack.Messages = append(s.R.Slack.Messages, lifecycle.Message{Role: lifecycle.RoleThread, Topic: topic,
			TS: "1.2"})
	}
	var all []goldenMessage
	for _, r := range drawingOf(t, s).replies() {
		checkMessage(t, r.topic, r.Message)
		if r.due {
			continue
		}
		for _, b := range r.Blocks {
			if b.BlockType() == slack.MBTAction && r.topic != "plan:2" { // the one that counts
				t.Errorf("%s keeps its buttons", r.topic)
			}
		}
		all = append(all, goldenMessage{Topic: r.topic, Text: r.Text, Blocks: r.Blocks})
	}
	goldenJSON(t, "message/past", all)
}

// TestRejectionsAreShownInFull: the person who rejects is promised it.
func TestRejectionsAreShownInFull(t *testing.T) {
	for _, name := range []string{"rejected", "destroy_rejected"} {
		s := story.States(t)[name]
		s.R.Rejection.Reason = strings.Repeat("why ", maxReason/4-1) + "last"
		replies := drawingOf(t, s).replies()
		data, err := json.Marshal(replies[len(replies)-1].Blocks)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(data), "last") || !strings.Contains(string(data), story.SlackUsers["dana"]) {
			t.Errorf("%s: %s", name, data)
		}
	}
}

// TestAnyTextIsValidAndStaysText puts whatever people, models and Terraform may say
// into every place that holds their words.
func TestAnyTextIsValidAndStaysText(t *testing.T) {
	base := story.States(t)
	rapid.Check(t, func(rt *rapid.T) {
		prompt := rapid.OneOf(rapid.String(), rapid.StringN(0, 5000, -1),
			rapid.SampledFrom([]string{"<!channel>", "<@U0ANA00002>", "*b* _i_ `c` ~s~", "<https://evil.test|Approve>",
				"\u202ereversed", "a\x00b", "&lt;", "\x1b[2J\a", "x\u200by\r", "\u2066z"}))
		name := rapid.SampledFrom([]string{"created", "plan_ready", "plan_replaces", "apply_failed", "applied",
			"rejected", "merge_refused"}).Draw(rt, "state")
		s := *base[name]
		r := &s.R
		r.Title, r.Reason, r.Requester.SlackUser = prompt.Draw(rt, "title"), prompt.Draw(rt, "reason"), ""
		r.Requester.Login = prompt.Draw(rt, "login")
		r.Outputs = map[string]any{prompt.Draw(rt, "output"): prompt.Draw(rt, "value")}
		r.Problem = &lifecycle.Problem{Step: "x", Text: prompt.Draw(rt, "problem"), Since: story.Start}
		if r.Rejection != nil {
			no := *r.Rejection
			no.Reason = prompt.Draw(rt, "rejection")
			r.Rejection = &no
		}
		if r.Plan != nil {
			plan := *r.Plan
			plan.Removed = rapid.SliceOfN(prompt, 0, 30).Draw(rt, "removed")
			r.Plan = &plan
		}
		d := drawingOf(t, &s)
		card := d.card()
		checkMessage(rt, "card", card)
		inert(rt, card)
		for _, r := range d.replies() {
			checkMessage(rt, r.topic, r.Message)
			inert(rt, r.Message)
		}
	})
}

// unseen are some of the characters that a reader cannot see.
const unseen = "\x00\a\r\x1b\u200b\u202e\u2066"

// inert looks for markup that came from outside: the only mentions and links are
// ours. It also looks for characters that a reader cannot see.
func inert(t rapid.TB, m blocks.Message) {
	t.Helper()
	if strings.Contains(m.Text, "<!channel>") || strings.Contains(m.Text, "<https://evil") {
		t.Errorf("markup in the text: %s", m.Text)
	}
	if strings.ContainsAny(m.Text, unseen) {
		t.Errorf("hidden characters in the text: %q", m.Text)
	}
	for _, b := range m.Blocks {
		data, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(data, &v); err != nil {
			t.Fatal(err)
		}
		walkMarkup(t, v)
	}
}

func walkMarkup(t rapid.TB, v any) {
	switch v := v.(type) {
	case map[string]any:
		if text, _ := v["text"].(string); v["type"] == "mrkdwn" &&
			(strings.Contains(text, "<!channel>") || strings.Contains(text, "<@U0ANA") ||
				strings.Contains(text, "<https://evil")) {
			t.Errorf("markup from outside: %s", text)
		}
		if text, _ := v["text"].(string); strings.ContainsAny(text, unseen) {
			t.Errorf("hidden characters: %q", text)
		}
		for _, item := range v {
			walkMarkup(t, item)
		}
	case []any:
		for _, item := range v {
			walkMarkup(t, item)
		}
	}
}

func checkView(t *testing.T, v slack.ModalViewRequest) {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range blockkit.View(data) {
		t.Error(p)
	}
}

func TestRequestForms(t *testing.T) {
	a := testApp(t)
	dana := request.Caller{Person: lifecycle.Person{Login: "dana", GithubID: 1001}}
	blank := form{ID: story.ID}
	at := func(env, module string) form {
		return form{ID: story.ID, Project: "core", Env: env, Module: module, Reason: "Because."}
	}
	advanced := at("prod/app", "s3-bucket")
	advanced.Advanced = true
	filled := at("dev/app", "s3-bucket")
	filled.Filled, filled.Note = []string{"name"},
		"AI filled in this form from your description. Check every field before you create the request."
	cases := map[string]formContents{
		"blank":    a.formContents(dana, blank, nil, ""),
		"project":  a.formContents(dana, form{ID: story.ID, Project: "core"}, nil, ""),
		"place":    a.formContents(dana, at("dev/app", ""), nil, ""),
		"advanced": a.formContents(dana, advanced, map[string]string{"name": "acme-x", "tags": "Team=core"}, ""),
		"filled":   a.formContents(dana, filled, map[string]string{"name": "acme-artifacts"}, ""),
		"unsaved": a.formContents(dana, at("dev/app", "s3-bucket"), map[string]string{"name": "acme-x"},
			"Saving did not work."),
		"gone": a.formContents(dana, at("gone/app", "nothing"), nil, ""),
		"viewer": a.formContents(request.Caller{Person: lifecycle.Person{Login: "vic"}}, at("dev/app", "s3-bucket"), nil,
			""),
	}
	nothing := a.formContents(dana, at("dev/app", ""), nil, "")
	nothing.modules = nil
	cases["nothing"] = nothing
	for _, m := range a.Requests.Catalog.Modules() {
		cases["module-"+m.Name] = a.formContents(dana, at("dev/app", m.Name), nil, "")
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			v, err := requestView(c)
			if err != nil {
				t.Fatal(err)
			}
			c.form.Digest = "" // changes with every module
			v.PrivateMetadata, _ = c.form.pack()
			checkView(t, v)
			goldenJSON(t, "view/request-"+name, v)
		})
	}
}

// summaries serves what a plan run left.
type summaries map[string][]byte

func (s summaries) put(cid string, sum terraform.Summary) { s[cid] = sum.Bytes() }

func TestDecisionViews(t *testing.T) {
	states := story.States(t)
	big := terraform.Summary{}
	for range 40 {
		big.Changes = append(big.Changes, story.Change("create", "aws_s3_bucket.this", nil,
			map[string]any{"policy": strings.Repeat("long ", 600)}))
	}
	plans := summaries{}
	for _, s := range []*story.Story{states["plan_ready"],
		states["destroy_plan"]} { // runs of different stories share their names
		for _, a := range s.R.Runs.Plan.Attempts {
			sum := story.Creating()
			if a.Purpose == lifecycle.PurposeDestroy {
				sum = story.Destroying()
			}
			plans.put(a.CorrelationID, sum)
		}
	}
	replaces := states["plan_replaces"]
	other := summaries{}
	other.put(replaces.R.Runs.Plan.Attempts[0].CorrelationID, story.Replacing())
	large := story.New(t, story.Dev()).Opened().Planned(lifecycle.PurposeOpen, story.Head1, big)
	many := summaries{}
	many.put(large.R.Runs.Plan.Attempts[0].CorrelationID, big)
	for name, c := range map[string]struct {
		s       *story.Story
		action  lifecycle.Action
		confirm lifecycle.Confirmation
		facts   summaries
	}{
		"approve":         {states["plan_ready"], lifecycle.ActionApprove, "list", plans},
		"approve-typed":   {replaces, lifecycle.ActionApprove, lifecycle.ConfirmTyped, other},
		"approve-big":     {large, lifecycle.ActionApprove, "list", many},
		"approve-tamper":  {states["plan_ready"], lifecycle.ActionApprove, "list", other},
		"approve-expired": {states["plan_ready"], lifecycle.ActionApprove, "list", summaries{}},
		"approve-destroy": {states["destroy_plan"], lifecycle.ActionApprove, "list", plans},
		"reject":          {states["plan_ready"], lifecycle.ActionReject, lifecycle.ConfirmReason, plans},
		"reject-destroy":  {states["destroy_plan"], lifecycle.ActionReject, lifecycle.ConfirmReason, plans},
		"destroy":         {states["applied"], lifecycle.ActionDestroy, "list", plans},
		"destroy-nothing": {states["merged"], lifecycle.ActionDestroy, "list", plans},
		"destroy-typed":   {inProd(t), lifecycle.ActionDestroy, lifecycle.ConfirmTyped, plans},
	} {
		t.Run(name, func(t *testing.T) {
			a := testApp(t)
			a.Requests.Plans = fakeFacts{c.facts}
			g := buttonValue{ID: c.s.R.ID, Confirm: c.confirm}
			if c.s.R.Plan != nil {
				g.Digest = c.s.R.Plan.Digest
			}
			v := a.confirmView(t.Context(), c.s.R, c.action, g)
			checkView(t, v)
			goldenJSON(t, "view/"+name, v)
		})
	}
	t.Run("saved", func(t *testing.T) {
		v := savedView(states["created"].R, []hyperlink{{"https://acme.slack.com/archives/C1/p1", "Card in the channel"}},
			devCh)
		checkView(t, v)
		goldenJSON(t, "view/saved", v)
	})
}

func inProd(t testing.TB) *story.Story {
	return story.New(t, story.Prod()).Opened().Planned(lifecycle.PurposeOpen, story.Head1,
		story.Creating()).Approved("omar").Merged().Applied()
}
