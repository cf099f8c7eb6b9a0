package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

const reqA, reqB = "req_aaaaaaaaaaaaa", "req_bbbbbbbbbbbbb"

var dev = lifecycle.Environment{Key: "dev", Slug: "app"}

// newRequest is what the form saves.
func newRequest(t testing.TB, id, by string, env lifecycle.Environment) lifecycle.Request {
	t.Helper()
	m, _ := builtin().Module("s3-bucket")
	conf, errs := m.Parse(map[string]any{"name": "acme-builds"}, catalog.Environment{Project: "core", Key: env.Key,
		Slug: env.Slug, Protected: env.Key == "prod"})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	path, err := lifecycle.RequestPath(env, id)
	if err != nil {
		t.Fatal(err)
	}
	return lifecycle.New(lifecycle.NewRequest{
		ID: id, Title: "s3-bucket acme-builds in " + env.String(), Reason: "a place for artifacts", Project: "core",
		Environment: env,
		Requester: lifecycle.Person{Login: by, GithubID: people[by].id, SlackTeam: team, SlackUser: people[by].slack,
			Name: by},
		Module: m.Name, CatalogDigest: m.Digest, Config: conf,
		Target: lifecycle.Target{Owner: "acme", Repo: "infra-core", Base: "main", Branch: "request/" + id, Path: path},
	}, lifecycle.Actor{Login: by, Source: "slack"}, time.Now().UTC())
}

// ask opens a request, as a person does in Slack.
func (w *harness) ask(id, by string) { w.askIn(id, by, dev) }

func (w *harness) askIn(id, by string, env lifecycle.Environment) {
	w.t.Helper()
	doc, err := w.store.Create(context.Background(), newRequest(w.t, id, by, env))
	w.must(err)
	w.enqueue(doc)
}

func (w *harness) enqueue(doc store.Doc) {
	_ = w.notifier.Reconcile(context.Background(), doc.Request.ID, doc.Request.Version)
}

// click records the intent of a person about what they see now.
func (w *harness) click(id string, what lifecycle.Action, by string) {
	w.t.Helper()
	w.must(w.try(id, what, by))
}

func (w *harness) try(id string, what lifecycle.Action, by string) error {
	w.t.Helper()
	return w.change(id, by, lifecycle.RecordIntent(w.intent(id, what, by)))
}

func (w *harness) intent(id string, what lifecycle.Action, by string) lifecycle.Intent {
	w.t.Helper()
	r := w.request(id)
	intent := lifecycle.Intent{
		What: what, By: by, ByID: people[by].id, SlackTeam: team, SlackUser: people[by].slack, At: time.Now().UTC(),
		Source: "slack", Reason: "because",
		Typed: r.Environment.Key == "prod",
	}
	if r.Plan != nil {
		intent.HeadSHA, intent.PlanDigest = r.Plan.SHA, r.Plan.Digest
	}
	return intent
}

func (w *harness) change(id, by string, p lifecycle.Patch) error {
	w.t.Helper()
	doc, err := w.store.Update(context.Background(), id, lifecycle.Actor{Login: by, Source: "slack"}, p)
	if err == nil {
		w.enqueue(doc)
	}
	return err
}

func (w *harness) doc(id string) store.Doc {
	w.t.Helper()
	doc, err := w.store.Get(context.Background(), id)
	w.must(err)
	return doc
}

func (w *harness) request(id string) lifecycle.Request { w.t.Helper(); return w.doc(id).Request }

func (w *harness) status(id string) lifecycle.Status {
	w.t.Helper()
	return lifecycle.DeriveLifecycleStatus(w.request(id), time.Now().UTC())
}

// patience is how long a story waits for what must come by itself: longer than any
// chain of recoveries that one fault may need.
const patience = 45 * time.Minute

// until waits for something to come about and ends the test when it does not.
func (w *harness) until(id, what string, done func(store.Doc) bool) {
	w.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Second) {
		if done(w.doc(id)) {
			return
		}
	}
	w.t.Fatalf("%s: never %s\n%s", id, what, w.describe(id))
}

// atWork waits until the current run of a kind has begun.
func (w *harness) atWork(id string, kind lifecycle.Kind) {
	w.t.Helper()
	w.until(id, "at work", func(d store.Doc) bool {
		a := d.Request.CurrentRun(kind)
		return a != nil && a.RunID != 0 && len(w.ledger.claimed(a.CorrelationID)) > 0
	})
}

func (w *harness) reach(id string, want lifecycle.Status) {
	w.t.Helper()
	w.until(id, "status "+string(want), func(d store.Doc) bool {
		return lifecycle.DeriveLifecycleStatus(d.Request, time.Now().UTC()) == want
	})
}

func (w *harness) archived(id string) {
	w.t.Helper()
	w.until(id, "archived", func(d store.Doc) bool { return d.Archived })
}

// planned waits for a plan that can be decided on.
func (w *harness) planned(id string, purpose lifecycle.Purpose) {
	w.t.Helper()
	w.until(id, "planned for "+string(purpose), func(d store.Doc) bool {
		r := d.Request
		return r.Plan != nil && r.Plan.Purpose == purpose && lifecycle.Can(r, lifecycle.ActionApprove) == nil
	})
}

// served waits until an intent has left the document.
func (w *harness) served(id string, what lifecycle.Action) {
	w.t.Helper()
	w.until(id, "served: "+string(what), func(d store.Doc) bool { return d.Request.Intent(what) == nil })
}

// pass lets time pass.
func (w *harness) pass(d time.Duration) { time.Sleep(d) }

func (w *harness) describe(id string) string {
	w.t.Helper()
	doc, err := w.store.Get(context.Background(), id)
	if err != nil {
		return err.Error()
	}
	r := doc.Request
	r.Audit.Pending = nil
	data, _ := json.MarshalIndent(r, "", "  ")
	var steps []string
	for _, s := range lifecycle.Next(doc.Request, lifecycle.EnvironmentState{}, time.Now().UTC()) {
		steps = append(steps, fmt.Sprintf("%s %s %s", s.Name, s.Kind, s.After.Format("15:04:05")))
	}
	env, err := w.store.Environment(context.Background(), r.Project, r.Environment)
	lease, _ := json.Marshal(env)
	return fmt.Sprintf("at %s\n%s\nnext: %s\nlease: %s %v", time.Now().Format("15:04:05"), data,
		strings.Join(steps, "; "), lease, err)
}

// events are the audit events of a request so far, those in the log included.
func (w *harness) events(id string) []lifecycle.Event {
	w.t.Helper()
	logged, err := w.store.Log(context.Background(), id)
	w.must(err)
	all := logged
	for _, e := range w.request(id).Audit.Pending {
		if e.Seq > int64(len(logged)) {
			all = append(all, e)
		}
	}
	return all
}

// assertEvent asserts an audit event of a type whose text holds some words.
func (w *harness) assertEvent(id string, typ lifecycle.EventType, words string) {
	w.t.Helper()
	for _, e := range w.events(id) {
		if e.Type == typ && strings.Contains(e.Text, words) {
			return
		}
	}
	w.t.Errorf("no audit event %s with %q in:", typ, words)
	for _, e := range w.events(id) {
		w.t.Logf("  %s %s: %s", e.Actor, e.Type, e.Text)
	}
}

// refusedWith asserts a refusal by the facts.
func refusedWith(t testing.TB, err error, code lifecycle.ReasonCode) {
	t.Helper()
	var no *lifecycle.Refusal
	if !errors.As(err, &no) || no.Code != code {
		t.Fatalf("got %v, want a refusal with code %s", err, code)
	}
}

// The steps of the journey, each from where the one before ended.
func (w *harness) open(id string) { w.ask(id, "dana"); w.planned(id, lifecycle.PurposeOpen) }
func (w *harness) approve(id string) {
	w.click(id, lifecycle.ActionApprove, "omar")
	w.until(id, "approved", func(d store.Doc) bool { return d.Request.Approval.Approved })
}
func (w *harness) merge(id string) {
	w.click(id, lifecycle.ActionMerge, "omar")
	w.until(id, "merged", func(d store.Doc) bool { return d.Request.MergedSHA != "" })
}
func (w *harness) apply(id string) {
	w.click(id, lifecycle.ActionApply, "omar")
	w.reach(id, lifecycle.StatusApplied)
	w.settled(id)
}
func (w *harness) destroy(id string) {
	w.click(id, lifecycle.ActionDestroy, "adam")
	w.planned(id, lifecycle.PurposeDestroy)
	w.click(id, lifecycle.ActionApprove, "omar")
	w.reach(id, lifecycle.StatusDestroyed)
}

// settled waits until nothing is due.
func (w *harness) settled(id string) {
	w.t.Helper()
	w.until(id, "settled", func(d store.Doc) bool {
		return d.Archived || len(lifecycle.Next(d.Request, lifecycle.EnvironmentState{}, time.Now().UTC())) == 0
	})
}

// journey is the whole of it.
func (w *harness) journey(id string) {
	w.t.Helper()
	w.open(id)
	w.approve(id)
	w.merge(id)
	w.apply(id)
	w.destroy(id)
	w.archived(id)
}
