package store

import (
	"encoding/json"
	"fmt"
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
	Name  string // app, run-plan, run-apply
	Rules []Rule
	Table []TableRule
}

// Policies is least rights: app and worker share one identity; a run has another,
// and the role that may write state is a third. A run reads grants and cannot make
// them; it makes claims and results and cannot change or delete them.
var Policies = []Principal{
	{Name: "app", Rules: []Rule{
		{
			Sid: "ListObjects", Why: "sweep, logs, identities, and to tell a missing object from a forbidden one",
			Bucket: BucketRequests, Actions: []string{"s3:ListBucket"},
		},
		{
			Sid: "ReadObjects", Why: "read every object of TfPilot",
			Bucket: BucketRequests, Actions: []string{"s3:GetObject"},
			Prefixes: []string{
				PrefixRequests, PrefixHistory, PrefixRunIndex, PrefixPRIndex, PrefixLogs, PrefixEnvironments,
				PrefixGrants, PrefixClaims, PrefixResults, PrefixIdentities, PrefixProbe,
			},
		},
		{
			Sid: "WriteObjects", Why: "write what is the app's own; never claims or results, which are a run's",
			Bucket: BucketRequests, Actions: []string{"s3:PutObject"},
			Prefixes: []string{
				PrefixRequests, PrefixHistory, PrefixRunIndex, PrefixPRIndex, PrefixLogs, PrefixEnvironments,
				PrefixGrants, PrefixIdentities, PrefixProbe,
			},
			Conditional: true,
		},
		{
			Sid: "DeleteObjects", Why: "archive a document, take back a grant, unlink an identity, clean up the probe",
			Bucket: BucketRequests, Actions: []string{"s3:DeleteObject"},
			Prefixes: []string{PrefixRequests, PrefixGrants, PrefixIdentities, PrefixProbe},
		},
	}},
	{Name: "run-plan", Rules: append(runRules(), Rule{
		Sid: "ListState", Why: "Terraform's s3 backend lists workspaces and must see that there is no state yet",
		Bucket: BucketState, Actions: []string{"s3:ListBucket"},
	}, Rule{
		Sid: "ReadState", Why: "plan and drift_plan read the state and never lock it",
		Bucket: BucketState, Actions: []string{"s3:GetObject"},
	}), Table: []TableRule{{
		Sid: "ReadLock", Why: "the state's checksum is in the table", Actions: []string{"dynamodb:GetItem"},
	}}},
	{Name: "run-apply", Rules: append(runRules(), Rule{
		Sid: "ListState", Why: "Terraform's s3 backend lists workspaces and must see that there is no state yet",
		Bucket: BucketState, Actions: []string{"s3:ListBucket"},
	}, Rule{
		Sid: "WriteState", Why: "apply and destroy write the state and its lock file",
		Bucket: BucketState, Actions: []string{"s3:GetObject", "s3:PutObject"},
	}, Rule{
		Sid: "Unlock", Why: "delete the lock file; the state itself cannot be deleted",
		Bucket: BucketState, Actions: []string{"s3:DeleteObject"}, Suffix: ".tflock",
	}), Table: []TableRule{{
		Sid: "LockTable", Why: "take and release the lock, keep the state's checksum",
		Actions: []string{"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"},
	}}},
}

// runRules is what every run may do in the requests bucket.
func runRules() []Rule {
	return []Rule{
		{
			Sid: "ReadGrant", Why: "the guard compares the grant with the run's inputs, and reads it again before the effect",
			Bucket: BucketRequests, Actions: []string{"s3:GetObject"}, Prefixes: []string{PrefixGrants},
		},
		{
			Sid: "ReadBack", Why: "after an answer that was lost, a run looks whether its own bytes are stored",
			Bucket: BucketRequests, Actions: []string{"s3:GetObject"}, Prefixes: []string{PrefixClaims, PrefixResults},
		},
		{
			Sid: "CreateClaimAndResult", Why: "take the correlation id; report how the run ended",
			Bucket: BucketRequests, Actions: []string{"s3:PutObject"}, Prefixes: []string{PrefixClaims, PrefixResults},
			CreateOnly: true,
		},
	}
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
		policy.Statement = append(policy.Statement, statement{Sid: r.Sid, Effect: "Allow", Action: r.Actions, Resource: []string{arn}})
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
		if p[len(p)-1] == '/' {
			p += "*"
		}
		all = append(all, arn+"/"+p+r.Suffix)
	}
	return all
}
