package slackapp

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/terraform"
)

const (
	testID = "req_abcdefghij012"
	head1  = "1111111111111111111111111111111111111111"
	head2  = "3333333333333333333333333333333333333333"
	blob1  = "2222222222222222222222222222222222222222"
)

var t0 = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// teller commits patches one second apart.
type teller struct {
	t   testing.TB
	r   lifecycle.Request
	now time.Time
	ids int64
}

func newTeller(t testing.TB, env lifecycle.Environment) *teller {
	return &teller{t: t, now: t0, r: lifecycle.New(lifecycle.NewRequest{
		ID: testID, Title: "S3 bucket acme-artefacts", Reason: "The deploy job needs a place.",
		Requester: lifecycle.Person{Login: "dana", GithubID: 1001, SlackTeam: team, SlackUser: slackUsers["dana"], Name: "dana"},
		Project:   "core", Environment: env, Module: "s3-bucket", Config: map[string]any{"name": "acme-artefacts"},
		Target: lifecycle.Target{
			Owner: "acme", Repo: "infra-core", Base: "main", Branch: "request/" + testID,
			Path: "envs/" + env.Key + "/" + env.Slug + "/tfpilot_" + testID + ".tf",
		},
	}, lifecycle.Actor{Login: "dana", Source: "slack"}, t0)}
}

func (s *teller) do(p lifecycle.Patch) *teller {
	s.t.Helper()
	s.now = s.now.Add(time.Second)
	after, _, err := lifecycle.Commit(s.r, p, lifecycle.Actor{Login: "dana", Source: "slack"}, s.now)
	if err != nil {
		s.t.Fatalf("patch refused: %v", err)
	}
	s.r = after
	return s
}

func (s *teller) opened() *teller {
	open := true
	return s.do(lifecycle.Opened(5, blob1, lifecycle.PullRequest{
		Number: 7, URL: "https://github.test/acme/infra-core/pull/7", Open: &open, HeadSHA: head1, BaseRef: "main",
	}))
}

// correlation is the name of a run of the tests.
func correlation(kind lifecycle.Kind, n int64) string {
	return string(kind) + "-" + time.Unix(n, 0).UTC().Format("20060102150405") + "000000000000000000"
}

// start begins a run and returns its correlation id.
func (s *teller) start(kind lifecycle.Kind, a lifecycle.Attempt) string {
	s.ids++
	a.CorrelationID, a.Actor = correlation(kind, s.ids), "omar"
	at := s.now
	a.DispatchedAt = &at
	if s.r.Plan != nil && (kind == lifecycle.KindApply || kind == lifecycle.KindDestroy) {
		a.Digest, a.PlanAttempt, a.LeaseToken = s.r.Plan.Digest, s.r.Plan.Attempt, 1
	}
	if kind == lifecycle.KindApply && s.r.Wish(lifecycle.ActionApply) == nil {
		s.r.Wanted = append(s.r.Wanted, s.wish(lifecycle.ActionApply, a.Actor))
	}
	s.do(lifecycle.Started(kind, a))
	s.do(lifecycle.Sending(kind, a.CorrelationID, s.now))
	s.do(lifecycle.RunStarted(kind, a.CorrelationID, 100+s.ids, "https://github.test/acme/infra-core/actions/runs/1"))
	return a.CorrelationID
}

func (s *teller) end(kind lifecycle.Kind, cid, conclusion string) *teller {
	a := s.r.Attempt(kind, cid)
	left := lifecycle.Evidence{
		CorrelationID: cid, SummaryDigest: a.Digest,
		Claim:  &lifecycle.Claim{Kind: kind, RequestID: s.r.ID, RunID: a.RunID, RunAttempt: 1, SHA: a.HeadSHA, ProofHash: lifecycle.ProofHash("p")},
		Result: &lifecycle.Result{CorrelationID: cid, RunID: a.RunID, Proof: "p", Conclusion: "success", Digest: a.Digest},
	}
	return s.do(lifecycle.SeeRun(lifecycle.RunFacts{
		Kind: kind, RunID: a.RunID, RunAttempt: 1, Status: "completed", Conclusion: conclusion, CompletedAt: s.now, Evidence: &left,
	}))
}

func (s *teller) planned(purpose lifecycle.Purpose, sha string, summary terraform.Summary) *teller {
	cid := s.start(lifecycle.KindPlan, lifecycle.Attempt{Purpose: purpose, HeadSHA: sha})
	s.end(lifecycle.KindPlan, cid, "success")
	n := summary.Counts()
	return s.do(lifecycle.ReadPlan(cid, lifecycle.Plan{
		Blob: blob1, Digest: summary.Digest(), Add: n.Add, Change: n.Change, Destroy: n.Destroy, Replace: n.Replace, Removed: summary.Destroyed(), Risk: summary.Risk(),
	}))
}

func (s *teller) wish(what lifecycle.Action, by string) lifecycle.Wish {
	w := lifecycle.Wish{What: what, By: by, ByID: githubIDs[by], SlackTeam: team, SlackUser: slackUsers[by], At: s.now, Source: source, Reason: "It belongs into the other account."}
	if s.r.Plan != nil {
		w.HeadSHA, w.PlanDigest = s.r.Plan.SHA, s.r.Plan.Digest
	}
	return w
}

func (s *teller) want(what lifecycle.Action, by string) *teller {
	return s.do(lifecycle.Want(s.wish(what, by)))
}

func (s *teller) approved(by string) *teller {
	return s.do(lifecycle.Approve(lifecycle.Approver{
		Login: by, SlackUser: slackUsers[by], At: s.now, HeadSHA: s.r.Plan.SHA, PlanDigest: s.r.Plan.Digest, Source: source,
	}))
}

func (s *teller) merged() *teller {
	return s.do(lifecycle.SeePull(lifecycle.PullFacts{Merged: true, MergedSHA: head2, HeadSHA: head1, BaseRef: "main", UpdatedAt: s.now}))
}

func (s *teller) applied() *teller {
	cid := s.start(lifecycle.KindApply, lifecycle.Attempt{Purpose: s.r.Plan.Purpose})
	s.end(lifecycle.KindApply, cid, "success")
	s.do(lifecycle.ReadOutputs(cid, map[string]any{
		"arn": "arn:aws:s3:::acme-artefacts", "bucket": "acme-artefacts", "ports": []any{json.Number("443")},
	}))
	s.do(lifecycle.ReadEnd(lifecycle.KindApply, cid, false))
	return s.do(lifecycle.Released(lifecycle.KindApply, cid))
}

func change(kind, address string, before, after map[string]any) terraform.Change {
	actions := map[string][]string{"create": {"create"}, "update": {"update"}, "delete": {"delete"}, "replace": {"delete", "create"}}
	return terraform.Change{
		Address: "module.tfpilot_" + testID + "." + address, Type: "aws_s3_bucket", Provider: "registry.terraform.io/hashicorp/aws",
		Actions: actions[kind], Before: before, After: after,
	}
}

func aws(region string) []terraform.Provider {
	return []terraform.Provider{{Name: "aws", Source: "registry.terraform.io/hashicorp/aws", Config: map[string]any{"region": region}}}
}

func creating() terraform.Summary {
	return terraform.Summary{Providers: aws("eu-central-1"), Changes: []terraform.Change{
		change("create", "aws_s3_bucket.this", nil, map[string]any{"bucket": "acme-artefacts", "force_destroy": false}),
		change("create", "aws_s3_bucket_versioning.this", nil, map[string]any{"bucket": "acme-artefacts"}),
	}}
}

func replacing() terraform.Summary {
	commands := change("replace", "aws_s3_bucket.this", map[string]any{"bucket": "acme-old"}, map[string]any{"bucket": "acme-artefacts"})
	commands.Configuration = "aws.us"
	commands.Commands = []any{map[string]any{"type": "local-exec", "config": map[string]any{"command": "echo <!channel> *bold*"}}}
	return terraform.Summary{Providers: aws("<!here> `x`"), Changes: []terraform.Change{
		commands,
		change("delete", "aws_s3_bucket_policy.this[\"<!channel> *bold*\"]", map[string]any{"id": "acme-old"}, nil),
		change("update", "aws_s3_bucket_versioning.this", map[string]any{"status": "Suspended"}, map[string]any{"status": "Enabled"}),
	}}
}

func destroying() terraform.Summary {
	return terraform.Summary{Changes: []terraform.Change{
		change("delete", "aws_s3_bucket.this", map[string]any{"id": "acme-artefacts"}, nil),
		change("delete", "aws_s3_bucket_versioning.this", map[string]any{"id": "acme-artefacts"}, nil),
	}}
}

func dev() lifecycle.Environment  { return lifecycle.Environment{Key: "dev", Slug: "app"} }
func prod() lifecycle.Environment { return lifecycle.Environment{Key: "prod", Slug: "app"} }

func ready(t testing.TB) *teller {
	return newTeller(t, dev()).opened().planned(lifecycle.PurposeOpen, head1, creating())
}

func live(t testing.TB) *teller { return ready(t).approved("omar").merged().applied() }

// told are requests in every state that a card can show.
func told(t testing.TB) map[string]*teller {
	again := func() *teller {
		return applyFailed(t).planned(lifecycle.PurposeReapply, head2, creating())
	}
	replanning := applyFailed(t)
	replanning.start(lifecycle.KindPlan, lifecycle.Attempt{Purpose: lifecycle.PurposeReapply, HeadSHA: head2})
	requeued := again().approved("omar").want(lifecycle.ActionApply, "omar")
	requeued.do(lifecycle.Named(lifecycle.ActionApply, correlation(lifecycle.KindApply, 99)))

	unplanned := live(t).want(lifecycle.ActionDestroy, "adam")
	cid := unplanned.start(lifecycle.KindPlan, lifecycle.Attempt{Purpose: lifecycle.PurposeDestroy, HeadSHA: head2})
	unplanned.end(lifecycle.KindPlan, cid, "failure")
	unplanned.do(lifecycle.ReadFailure(lifecycle.KindPlan, cid, "terraform_failed", "Error: No valid credential sources found", "Plan", unplanned.now))

	applying := ready(t).approved("omar").merged()
	applying.start(lifecycle.KindApply, lifecycle.Attempt{Purpose: lifecycle.PurposeOpen})

	queued := ready(t).approved("omar").merged().want(lifecycle.ActionApply, "omar")
	queued.do(lifecycle.Named(lifecycle.ActionApply, correlation(lifecycle.KindApply, 99)))

	foreign := ready(t).approved("omar")
	yes := true
	foreign.do(lifecycle.SeePull(lifecycle.PullFacts{Open: true, HeadSHA: head2, BaseRef: "main", UpdatedAt: foreign.now, Foreign: &yes}))

	destroyPlan := live(t).want(lifecycle.ActionDestroy, "adam").planned(lifecycle.PurposeDestroy, head2, destroying())
	gone := live(t).want(lifecycle.ActionDestroy, "adam").planned(lifecycle.PurposeDestroy, head2, destroying()).approved("omar")
	cid = gone.start(lifecycle.KindDestroy, lifecycle.Attempt{Purpose: lifecycle.PurposeDestroy})
	runs := *gone
	gone.end(lifecycle.KindDestroy, cid, "success")

	kept := live(t).want(lifecycle.ActionDestroy, "adam").planned(lifecycle.PurposeDestroy, head2, destroying())
	keptLate := live(t).want(lifecycle.ActionDestroy, "adam").planned(lifecycle.PurposeDestroy, head2, destroying()).approved("omar")
	spared := live(t).want(lifecycle.ActionDestroy, "adam").planned(lifecycle.PurposeDestroy, head2, destroying()).want(lifecycle.ActionReject, "omar")

	closed := ready(t).approved("omar").want(lifecycle.ActionClose, "dana")
	rejected := ready(t).want(lifecycle.ActionReject, "omar")
	rejected.do(lifecycle.Reject(rejected.wish(lifecycle.ActionReject, "omar"))).do(lifecycle.Closed(rejected.now))
	refused := ready(t).approved("omar").want(lifecycle.ActionMerge, "omar")
	refused.do(lifecycle.Refused(lifecycle.ActionMerge, "omar", "blocked", "GitHub says: at least one more review is required.", refused.now))

	objected := ready(t).approved("omar").do(lifecycle.Objected([]lifecycle.Objection{{Review: 7, Login: "ana", GithubID: 1002, At: t0}}, nobody, t0))
	unlinked := ready(t).want(lifecycle.ActionApprove, "ana")
	unlinked.do(lifecycle.RefusedWish(*unlinked.r.Wish(lifecycle.ActionApprove), "identity", "The Slack account of ana is no longer linked to a GitHub account.", unlinked.now))
	unchanged := live(t).replanned("ana", terraform.Summary{})
	dismissed := live(t).replanned("ana", creating()).want(lifecycle.ActionReject, "omar")
	withdrawn := ready(t).approved("omar")

	foreignRun := ready(t)
	foreignRun.do(lifecycle.SawForeignRun(lifecycle.ForeignRun{
		RunID: 900, Actor: "mallory", Kind: lifecycle.KindPlan, URL: "https://github.test/acme/infra-core/actions/runs/900", At: foreignRun.now,
	}))

	return map[string]*teller{
		"objected":             objected,
		"foreign_run":          foreignRun,
		"approval_refused":     unlinked,
		"unchanged":            unchanged,
		"dismissed":            dismissed.do(lifecycle.Reject(dismissed.wish(lifecycle.ActionReject, "omar"))),
		"withdrawn":            withdrawn.do(lifecycle.WithdrawApproval(lifecycle.Person{Login: "omar"}, withdrawn.now)),
		"plan_failed_closed":   planFailed(t).want(lifecycle.ActionClose, "dana").do(lifecycle.Closed(t0)),
		"created":              newTeller(t, dev()),
		"planning":             newTeller(t, dev()).opened(),
		"plan_ready":           ready(t),
		"plan_replaces":        newTeller(t, prod()).opened().planned(lifecycle.PurposeOpen, head1, replacing()),
		"approving":            ready(t).want(lifecycle.ActionApprove, "omar"),
		"approved":             ready(t).approved("omar"),
		"merging":              ready(t).approved("omar").want(lifecycle.ActionMerge, "omar"),
		"merge_refused":        refused,
		"voided":               foreign,
		"merged":               ready(t).approved("omar").merged(),
		"merged_foreign":       ready(t).merged(),
		"queued":               queued,
		"applying":             applying,
		"applied":              live(t),
		"destroy_asked":        live(t).want(lifecycle.ActionDestroy, "adam"),
		"destroy_plan":         destroyPlan,
		"destroying":           &runs,
		"destroyed":            gone,
		"kept":                 kept.do(lifecycle.Keep(t0)),
		"kept_approved":        keptLate.do(lifecycle.Keep(t0)),
		"destroy_rejected":     spared.do(lifecycle.Reject(spared.wish(lifecycle.ActionReject, "omar"))),
		"destroy_failed":       destroyFailed(t),
		"plan_failed":          planFailed(t),
		"apply_failed":         applyFailed(t),
		"destroy_plan_failed":  unplanned,
		"replanning":           replanning,
		"replanned":            again(),
		"reapproved":           again().approved("omar"),
		"requeued":             requeued,
		"apply_failed_destroy": applyFailed(t).want(lifecycle.ActionDestroy, "adam"),
		"destroy_failed_again": destroyFailed(t).want(lifecycle.ActionDestroy, "adam"),
		"merged_destroy":       ready(t).approved("omar").merged().want(lifecycle.ActionDestroy, "adam"),
		"rejected":             rejected,
		"closed":               closed.do(lifecycle.Closed(closed.now)),
	}
}

func nobody(lifecycle.Approver) bool { return false }

// planFailed is a request whose first plan failed.
func planFailed(t testing.TB) *teller {
	s := newTeller(t, dev()).opened()
	cid := s.start(lifecycle.KindPlan, lifecycle.Attempt{Purpose: lifecycle.PurposeOpen, HeadSHA: head1})
	s.end(lifecycle.KindPlan, cid, "failure")
	return s.do(lifecycle.ReadFailure(lifecycle.KindPlan, cid, "terraform_failed", "Error: Invalid value for variable\n\n  on tfpilot.tf line 3", "Plan", s.now))
}

// replanned is a new plan of what exists, requested by a person.
func (s *teller) replanned(by string, summary terraform.Summary) *teller {
	s.want(lifecycle.ActionPlan, by)
	p := s.r.Wish(lifecycle.ActionPlan).Person()
	cid := s.start(lifecycle.KindPlan, lifecycle.Attempt{Purpose: lifecycle.PurposeReapply, HeadSHA: head2, RequestedBy: &p})
	s.end(lifecycle.KindPlan, cid, "success")
	n := summary.Counts()
	return s.do(lifecycle.ReadPlan(cid, lifecycle.Plan{
		Blob: blob1, Digest: summary.Digest(), Add: n.Add, Change: n.Change, Nothing: len(summary.Changes) == 0,
	}))
}

// applyFailed made a part of it, perhaps.
func applyFailed(t testing.TB) *teller {
	s := ready(t).approved("omar").merged()
	cid := s.start(lifecycle.KindApply, lifecycle.Attempt{Purpose: lifecycle.PurposeOpen})
	s.end(lifecycle.KindApply, cid, "failure")
	return s.do(lifecycle.ReadFailure(lifecycle.KindApply, cid, "terraform_failed", "Error: creating S3 Bucket: AccessDenied", "Apply", s.now))
}

// destroyFailed was stopped half-way.
func destroyFailed(t testing.TB) *teller {
	s := live(t).want(lifecycle.ActionDestroy, "adam").planned(lifecycle.PurposeDestroy, head2, destroying()).approved("omar")
	cid := s.start(lifecycle.KindDestroy, lifecycle.Attempt{Purpose: lifecycle.PurposeDestroy})
	s.end(lifecycle.KindDestroy, cid, "failure")
	return s.do(lifecycle.ReadFailure(lifecycle.KindDestroy, cid, "terraform_failed", "Error: deleting S3 Bucket: BucketNotEmpty", "Destroy", s.now))
}

// drawingOf is what a request is drawn from in the tests.
func drawingOf(t testing.TB, s *teller) drawing {
	t.Helper()
	account := map[string]string{}
	for login, user := range slackUsers {
		account[login] = user
	}
	module, _ := testCatalog(t).Module(s.r.Module)
	env := lifecycle.EnvironmentState{
		Holder: &lifecycle.LeaseEntry{CorrelationID: "apply-x", RequestID: "req_other0000000", Title: "IAM role reader", Kind: lifecycle.KindApply, By: "ana", Since: t0},
		Queue:  []lifecycle.LeaseEntry{{CorrelationID: correlation(lifecycle.KindApply, 99), RequestID: s.r.ID, Kind: lifecycle.KindApply, By: "omar", Since: t0}},
	}
	d := draw(s.r, testDirectory().of(s.r), module, env, s.now.Add(time.Minute))
	d.account, d.details = account, "https://tfpilot.acme.test/requests/"+s.r.ID
	d.askable = []lifecycle.Person{{Login: "omar", SlackUser: account["omar"]}, {Login: "root"}}
	return d
}
