package store

import (
	"encoding/json"
	"fmt"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Which of the two buckets a rule is about.
const (
	BucketRequests = "requests"
	BucketState    = "state"
)

// Rule lets a principal do some actions on some objects of one bucket.
type Rule struct {
	Sid      string
	Why      string   // what needs it
	Bucket   string   // BucketRequests or BucketState
	Actions  []string // "s3:GetObject" …
	Prefixes []string // of keys; none means every key
	Suffix   string   // of keys, besides a prefix; "" means any
	// Conditional allows a write only with If-None-Match or If-Match.
	Conditional bool
	// CreateOnly allows a write only with If-None-Match: never over an object.
	CreateOnly bool
}

// TableRule lets a principal do some actions on the items of the DynamoDB table that
// locks states, where an environment names one.
type TableRule struct {
	Sid     string
	Why     string
	Actions []string // "dynamodb:GetItem" …
}

// Principal is one identity and all that it may do.
type Principal struct {
	Name  string // app, run-plan-<project>, run-apply-<project>
	Role  string // app, run-plan, run-apply, unlock: the name of its manifest
	Rules []Rule
	Table []TableRule
}

// Policies lists the least rights that are enough: app and worker share one identity; each
// project has a pair of its own for its runs, one that plans and one that may write state. A run
// reads grants and cannot make them; it makes claims and results and cannot change or delete
// them. A result can be made only by the role that does that kind of run, so that what runs in a
// plan cannot report an apply.
func Policies(projects ...string) []Principal {
	all := []Principal{appPolicy()}
	for _, project := range projects {
		all = append(all, planPolicy(project), applyPolicy(project))
	}
	return append(all, unlockPolicy())
}

// unlockPolicy is what an operator's own credentials need to remove a lock that a killed
// run left on a state. No process of TfPilot has it.
func unlockPolicy() Principal {
	return Principal{Name: "unlock", Role: "unlock", Rules: []Rule{
		{
			Sid: "FindLock", Why: "an operator at the command line tells a state without a lock from one that may not be read",
			Bucket: BucketState, Actions: []string{"s3:ListBucket"},
		},
		{
			Sid: "RemoveLock", Why: "an operator reads who holds a lock and removes the lock file; never the state",
			Bucket: BucketState, Actions: []string{"s3:GetObject", "s3:DeleteObject"}, Suffix: ".tflock",
		},
	}}
}

func appPolicy() Principal {
	return Principal{Name: "app", Role: "app", Rules: []Rule{
		{
			Sid: "ListObjects", Why: "sweep, logs, identities, and to tell a missing object from a forbidden one",
			Bucket: BucketRequests, Actions: []string{"s3:ListBucket"},
		},
		{
			Sid: "ReadObjects", Why: "read every object of TfPilot",
			Bucket: BucketRequests, Actions: []string{"s3:GetObject"},
			Prefixes: []string{
				PrefixRequests, PrefixHistory, PrefixRunIndex, PrefixPRIndex, PrefixLogs, PrefixEnvironments,
				PrefixGrants, PrefixClaims, PrefixResults, PrefixIdentities, PrefixDrafts,
				PrefixPreferences, PrefixProbe,
			},
		},
		{
			Sid: "WriteObjects", Why: "write what is the app's own; never claims or results, which are a run's",
			Bucket: BucketRequests, Actions: []string{"s3:PutObject"},
			Prefixes: []string{
				PrefixRequests, PrefixHistory, PrefixRunIndex, PrefixPRIndex, PrefixLogs, PrefixEnvironments,
				PrefixGrants, PrefixIdentities, PrefixDrafts,
				PrefixPreferences, PrefixProbe,
			},
			Conditional: true,
		},
		{
			Sid: "DeleteObjects", Why: "archive a document, revoke a grant, unlink an identity, clean up the probe",
			Bucket: BucketRequests, Actions: []string{"s3:DeleteObject"},
			Prefixes: []string{PrefixRequests, PrefixGrants, PrefixIdentities, PrefixProbe},
		},
	}}
}

func planPolicy(project string) Principal {
	return Principal{Name: "run-plan-" + project, Role: "run-plan", Rules: []Rule{
		readGrant(project),
		{
			Sid: "ReadBack", Why: "after an answer that was lost, a run checks whether its own bytes are stored",
			Bucket: BucketRequests, Actions: []string{"s3:GetObject"},
			Prefixes: append([]string{PrefixClaims + project + "/"}, results(project, planKinds)...),
		},
		{
			Sid: "CreateClaim", Why: "take the correlation id; runs of every kind do so before they have any other role",
			Bucket: BucketRequests, Actions: []string{"s3:PutObject"}, Prefixes: []string{PrefixClaims + project + "/"},
			CreateOnly: true,
		},
		{
			Sid: "CreateResult", Why: "report how a plan, drift plan or cleanup ended, and no other run",
			Bucket: BucketRequests, Actions: []string{"s3:PutObject"}, Prefixes: results(project, planKinds), CreateOnly: true,
		},
		listState,
		{
			Sid: "ReadState", Why: "plan and drift_plan read the state and never lock it",
			Bucket: BucketState, Actions: []string{"s3:GetObject"},
		},
	}, Table: []TableRule{{
		Sid: "ReadLock", Why: "the state's checksum is in the table", Actions: []string{"dynamodb:GetItem"},
	}}}
}

func applyPolicy(project string) Principal {
	return Principal{Name: "run-apply-" + project, Role: "run-apply", Rules: []Rule{
		readGrant(project),
		{
			Sid: "ReadBackEffect", Why: "after an answer that was lost, a run checks whether its own result is stored",
			Bucket: BucketRequests, Actions: []string{"s3:GetObject"}, Prefixes: results(project, effectKinds),
		},
		{
			Sid: "CreateEffectResult", Why: "report how an apply or destroy ended, and no other run",
			Bucket: BucketRequests, Actions: []string{"s3:PutObject"}, Prefixes: results(project, effectKinds), CreateOnly: true,
		},
		listState,
		{
			Sid: "WriteState", Why: "apply and destroy write the state and its lock file",
			Bucket: BucketState, Actions: []string{"s3:GetObject", "s3:PutObject"},
		},
		{
			Sid: "Unlock", Why: "delete the lock file; the state itself cannot be deleted",
			Bucket: BucketState, Actions: []string{"s3:DeleteObject"}, Suffix: ".tflock",
		},
	}, Table: []TableRule{{
		Sid: "LockTable", Why: "take and release the lock, keep the state's checksum",
		Actions: []string{"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"},
	}}}
}

// Which role reports which kinds of runs.
var (
	planKinds   = []lifecycle.Kind{lifecycle.KindPlan, lifecycle.KindDriftPlan, lifecycle.KindCleanup}
	effectKinds = []lifecycle.Kind{lifecycle.KindApply, lifecycle.KindDestroy}
)

// results are the prefixes of the results of some kinds: a correlation id begins with
// the kind of its run.
func results(project string, kinds []lifecycle.Kind) []string {
	var all []string
	for _, kind := range kinds {
		all = append(all, PrefixResults+project+"/"+string(kind)+"-")
	}
	return all
}

func readGrant(project string) Rule {
	return Rule{
		Sid: "ReadGrant", Why: "the guard compares the grant with the run's inputs, and reads it again before the effect",
		Bucket: BucketRequests, Actions: []string{"s3:GetObject"}, Prefixes: []string{PrefixGrants + project + "/"},
	}
}

var listState = Rule{
	Sid: "ListState", Why: "Terraform's s3 backend lists workspaces and must see that there is no state yet",
	Bucket: BucketState, Actions: []string{"s3:ListBucket"},
}

// statement is one statement of an IAM policy.
type statement struct {
	Sid       string                       `json:"Sid"`
	Effect    string                       `json:"Effect"`
	Action    []string                     `json:"Action"`
	Resource  []string                     `json:"Resource"`
	Condition map[string]map[string]string `json:"Condition,omitempty"`
}

// Resources names what the policies are about, by name or by a placeholder.
type Resources struct {
	RequestsBucket, StateBucket string
	Account, LockTable          string // of the table; it may be in any region
}

// RenderIAM writes a principal's rules as an IAM policy.
func RenderIAM(p Principal, on Resources) ([]byte, error) {
	policy := struct {
		Version   string      `json:"Version"`
		Statement []statement `json:"Statement"`
	}{Version: "2012-10-17"}
	for _, r := range p.Rules {
		arn := "arn:aws:s3:::" + on.RequestsBucket
		if r.Bucket == BucketState {
			arn = "arn:aws:s3:::" + on.StateBucket
		}
		policy.Statement = append(policy.Statement, r.statements(arn)...)
	}
	for _, r := range p.Table {
		arn := "arn:aws:dynamodb:*:" + on.Account + ":table/" + on.LockTable
		policy.Statement = append(policy.Statement, statement{Sid: r.Sid, Effect: "Allow", Action: r.Actions,
			Resource: []string{arn}})
	}
	data, err := json.MarshalIndent(policy, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("render policy of %s: %w", p.Name, err)
	}
	return append(data, '\n'), nil
}

// statements is one statement, or two for a conditional write: IAM has no other way
// to say "one header or the other".
func (r Rule) statements(arn string) []statement {
	st := statement{Sid: r.Sid, Effect: "Allow", Action: r.Actions, Resource: r.resources(arn)}
	created, replaced := st, st
	created.Condition = map[string]map[string]string{"Null": {"s3:if-none-match": "false"}}
	replaced.Condition = map[string]map[string]string{"Null": {"s3:if-match": "false"}}
	switch {
	case r.CreateOnly:
		return []statement{created}
	case r.Conditional:
		created.Sid, replaced.Sid = r.Sid+"New", r.Sid+"Changed"
		return []statement{created, replaced}
	default:
		return []statement{st}
	}
}

func (r Rule) resources(arn string) []string {
	if len(r.Actions) == 1 && r.Actions[0] == "s3:ListBucket" {
		return []string{arn}
	}
	if len(r.Prefixes) == 0 {
		return []string{arn + "/*" + r.Suffix}
	}
	var all []string
	for _, p := range r.Prefixes {
		all = append(all, arn+"/"+p+"*"+r.Suffix)
	}
	return all
}
