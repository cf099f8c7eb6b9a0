// Package requesttest owns the refusals that every surface has to give with the same words: what is
// stored, who does what, and what they read. Each surface has one test that plays all of them. It
// is imported by tests only.
package requesttest

import (
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/terraform"
)

// Surfaces that play the cases.
const (
	UseCase = "use case"
	Slack   = "slack"
	CLI     = "cli"
)

// Case is one refusal.
type Case struct {
	Name    string
	Stored  *lifecycle.Request // nil: no request is stored
	Archive bool
	Who     string // login; nora is not linked
	Command *request.Command
	Draft   *request.Draft    // instead of a command
	Words   string            // part of what the person reads
	Field   string            // the field with the fault, if any
	Except  map[string]string // why a surface cannot reach this case
}

// IDs of GitHub accounts and Slack users, by login. Nora has a Slack account without a link.
var (
	GithubIDs  = map[string]int64{"dana": 1001, "ana": 1002, "omar": 1003, "adam": 1004, "vic": 1005}
	SlackUsers = map[string]string{"dana": "U0DANA0001", "ana": "U0ANA00002", "omar": "U0OMAR0003", "adam": "U0ADAM0004", "vic": "U0VIC00005", "nora": "U0NEW00009"}
)

// Team is the Slack workspace.
const Team = "T0ACME0001"

// Policy is who may do what.
func Policy() rbac.Policy {
	return rbac.Policy{
		Admins: []string{"adam"}, Approvers: []string{"ana", "omar"}, Viewers: []string{"vic"},
		ProdAllowed: []string{"omar", "adam"}, DestroyProdAllowed: []string{"adam"},
	}
}

// Projects is where requests are made.
func Projects() []config.Project {
	return []config.Project{{Name: "core", Title: "core", Owner: "acme", Repo: "infra-core", Base: "main", Environments: []config.Environment{
		{Project: "core", Key: "dev", Slug: "app", Channel: "C0INFRADEV", Apply: "approvers", Destroy: "admins"},
		{Project: "core", Key: "prod", Slug: "app", Channel: "C0INFRAPRD", Protected: true, Apply: "approvers", Destroy: "admins"},
	}}}
}

// Person is someone with a linked identity.
func Person(login string) lifecycle.Person {
	return lifecycle.Person{Login: login, GithubID: GithubIDs[login], SlackTeam: Team, SlackUser: SlackUsers[login], Name: login}
}

const (
	// ID is the request of every case.
	ID          = "req_abcdefghij012"
	unknownID   = "req_zzzzzzzzzzzzz"
	head        = "1111111111111111111111111111111111111111"
	blob        = "2222222222222222222222222222222222222222"
	correlation = "plan-00000000000000000000000000000001"
	token       = "ghp_0123456789012345678901234567890123456789"
)

// At is when everything was requested.
var At = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// Summary is the stored summary of the plan of every case.
func Summary() terraform.Summary {
	return terraform.Summary{Changes: []terraform.Change{{
		Address: "module.tfpilot_" + ID + ".aws_s3_bucket.this", Type: "aws_s3_bucket", Provider: "registry.terraform.io/hashicorp/aws",
		Actions: []string{"create"}, After: map[string]any{"bucket": "acme-artifacts"},
	}}}
}

// Correlation is the correlation id of the plan of every case.
func Correlation() string { return correlation }

type change func(*lifecycle.Request)

// planned is a request with a plan that waits for a decision.
func planned(key string, changes ...change) *lifecycle.Request {
	env := lifecycle.Environment{Key: key, Slug: "app"}
	r := lifecycle.New(lifecycle.NewRequest{
		ID: ID, Title: "S3 bucket acme-artifacts", Reason: "The deploy job needs it.", Requester: Person("dana"),
		Project: "core", Environment: env, Module: "s3-bucket", Config: map[string]any{"name": "acme-artifacts"},
		Target: lifecycle.Target{
			Owner: "acme", Repo: "infra-core", Base: "main", Branch: "request/" + ID, Blob: blob,
			Path: "envs/" + env.Key + "/" + env.Slug + "/tfpilot_" + ID + ".tf",
		},
	}, lifecycle.Actor{Login: "dana", Source: request.SourceSlack}, At)
	open, done := true, At.Add(time.Minute)
	r.PR = &lifecycle.PullRequest{Number: 7, URL: "https://github.test/acme/infra-core/pull/7", Open: &open, HeadSHA: head, BaseRef: "main"}
	r.Runs.Plan = lifecycle.RunSet{CurrentAttempt: 1, Attempts: []lifecycle.Attempt{{
		Number: 1, Purpose: lifecycle.PurposeOpen, CorrelationID: correlation, RunID: 101, RunAttempt: 1, Conclusion: lifecycle.ConclusionSuccess,
		DispatchedAt: &r.CreatedAt, CompletedAt: &done, ResultRead: true, HeadSHA: head,
	}}}
	r.Plan = &lifecycle.Plan{Attempt: 1, Purpose: lifecycle.PurposeOpen, SHA: head, Blob: blob, Digest: digest(), Add: 1, CompletedAt: &done}
	for _, c := range changes {
		c(&r)
	}
	return &r
}

func merged(r *lifecycle.Request) {
	r.PR.Merged, r.PR.Open, r.MergedSHA = true, nil, head
}

func archived(r *lifecycle.Request) {
	merged(r)
	done := At.Add(time.Hour)
	r.Runs.Destroy = lifecycle.RunSet{CurrentAttempt: 1, Attempts: []lifecycle.Attempt{{Number: 1, Conclusion: lifecycle.ConclusionSuccess, CompletedAt: &done, Released: true}}}
}

func wrote(login string) change {
	return func(r *lifecycle.Request) {
		r.Requester = Person(login)
		r.Authors, r.AuthorIDs = []string{login}, []int64{GithubIDs[login]}
	}
}

func requested(action lifecycle.Action, login string) change {
	return func(r *lifecycle.Request) {
		r.Wanted = append(r.Wanted, lifecycle.Intent{
			What: action, By: login, ByID: GithubIDs[login], SlackTeam: Team, SlackUser: SlackUsers[login], At: At, Source: request.SourceSlack,
			HeadSHA: head, PlanDigest: r.Plan.Digest,
		})
	}
}

func elsewhere(r *lifecycle.Request) { r.Environment.Slug = "gone" }

// act is an action on the plan of the request, read to its end.
func act(action lifecycle.Action, in request.Answers) *request.Command {
	return &request.Command{ID: ID, Action: action, Answers: in, Seen: request.Seen{
		Purpose: lifecycle.PurposeOpen, HeadSHA: head, Digest: digest(), Read: true,
	}}
}

func with(cmd *request.Command, change func(*request.Command)) *request.Command {
	change(cmd)
	return cmd
}

// draft is a request for a bucket.
func draft(change func(*request.Draft)) *request.Draft {
	d := &request.Draft{ID: "req_abcdefghij345", Project: "core", Environment: "dev/app", Module: "s3-bucket", Reason: "Because.", Inputs: map[string]any{"name": "acme-x"}}
	change(d)
	return d
}

// otherDigest names no plan.
var otherDigest = "sha256:" + strings.Repeat("0123456789abcdef", 4)

func digest() string {
	s := Summary()
	return s.Digest()
}

// Planned is a request of dana's whose plan waits for a decision.
func Planned(key string) *lifecycle.Request { return planned(key) }

// Draft is a request for a bucket, filled in well.
func Draft() request.Draft { return *draft(func(*request.Draft) {}) }
