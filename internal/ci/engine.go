package ci

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/secretscan"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/terraform"
	"github.com/tfpilot/tfpilot/internal/view"
)

// The bridge between a run and internal/terraform: it reads the files that Terraform left, passes
// them on as values, and saves what people may see. Secrets exist here in two forms: in plan.json
// and state.json, which never leave the runner, and as placeholders in summary.json and plan.txt,
// which do.

// summary is the part of a plan's summary that the rest of the run needs.
type summary struct {
	Digest    string
	Counts    lifecycle.Counts
	Addresses []string // destroyed or replaced first
}

// summarize reads the saved plan, saves the document that approvers see, shows it in the run,
// and returns the facts by which the run is judged.
func (j *job) summarize() (summary, error) {
	plan, err := j.readPlan()
	if err != nil {
		return summary{}, err
	}
	file, err := j.read("tfplan", maxPlanJSON)
	if err != nil {
		return summary{}, err
	}
	config, err := terraform.ReadConfig(file)
	if err != nil {
		return summary{}, planRefusal(err)
	}
	key, err := j.fingerprintKey()
	if err != nil {
		return summary{}, err
	}
	code, err := j.code()
	if err != nil {
		return summary{}, err
	}
	s, err := terraform.Summarize(plan, terraform.Scope{
		RequestID: j.in.RequestID, Purpose: j.in.scopePurpose(), Config: config, Code: code, FingerprintKey: key,
	})
	if err != nil {
		return summary{}, planRefusal(err)
	}
	document := s.Bytes()
	// A shortened summary could hide a change from the approver, so a plan that is too large to
	// review is refused.
	if len(document) > store.MaxSummary {
		return summary{}, refuse(lifecycle.CodePlanTooLarge, "the plan is too large to be reviewed: %d bytes", len(document))
	}
	if err := j.keepText("summary.json", document); err != nil {
		return summary{}, err
	}
	out := summary{Digest: terraform.Digest(document), Counts: lifecycle.Counts(s.Counts()), Addresses: s.Destroyed()}
	for _, c := range s.Changes {
		if kind := c.Kind(); kind != "delete" && kind != "replace" {
			out.Addresses = append(out.Addresses, c.Address)
		}
	}
	j.showPlan(s)
	return out, j.keepText("plan.txt", []byte(cut(view.OfPlan(s).Text(), store.MaxPlan-len("…"))))
}

// fingerprintKey is the key of the fingerprints of hidden values. The grant contains it.
func (j *job) fingerprintKey() ([]byte, error) {
	key, err := hex.DecodeString(j.in.Key)
	if err != nil {
		return nil, fmt.Errorf("read the key for fingerprints: %w", err)
	}
	return key, nil
}

// scopePurpose is the purpose that the plan must fulfill. An apply of a first round may find
// that everything is already done; the plan of that round may not.
func (in inputs) scopePurpose() lifecycle.Purpose {
	if in.Kind == lifecycle.KindApply {
		return lifecycle.PurposeReapply
	}
	return in.Purpose
}

// summarizeDrift lists the differences in the whole environment, by address.
func (j *job) summarizeDrift() (summary, error) {
	plan, err := j.readPlan()
	if err != nil {
		return summary{}, err
	}
	// An address can contain a value as the key of for_each.
	redactor := terraform.NewRedactor(plan)
	var out summary
	seen := map[string]bool{}
	for _, rc := range append(append([]*tfjson.ResourceChange{}, plan.ResourceChanges...), plan.ResourceDrift...) {
		if rc == nil || rc.Change == nil || rc.Mode == tfjson.DataResourceMode || rc.Change.Actions.NoOp() ||
			seen[rc.Address] {
			continue
		}
		seen[rc.Address] = true
		out.Addresses = append(out.Addresses, redactor.Redact(rc.Address))
		switch a := rc.Change.Actions; {
		case a.Replace():
			out.Counts.Replace++
		case a.Create():
			out.Counts.Add++
		case a.Delete():
			out.Counts.Destroy++
		default:
			out.Counts.Change++
		}
	}
	return out, nil
}

// planRefusal converts the error of a refused plan into a refusal with a result code.
func planRefusal(err error) error {
	var p *terraform.PlanError
	if !errors.As(err, &p) {
		return err
	}
	return refuse(p.Code, "%s", p.Error())
}

// readPlan reads the output of terraform show -json, with exact numbers.
func (j *job) readPlan() (*tfjson.Plan, error) {
	data, err := j.read("plan.json", maxPlanJSON)
	if err != nil {
		return nil, err
	}
	plan, err := terraform.ParsePlan(data)
	if err != nil {
		return nil, planRefusal(err)
	}
	return plan, nil
}

// redact removes from a text what the plan and the state of this run mark as sensitive, and
// everything with the format of a credential.
func (j *job) redact(text string) string {
	var secrets []string
	for name, v := range j.env {
		// Providers print their own configuration in errors, including tokens that they read from
		// the environment. A short value is skipped: it would match everywhere in the text.
		if secret := secretscan.Name(name) || strings.HasPrefix(name, "TF_TOKEN_"); secret && len(v) > 8 {
			secrets = append(secrets, v)
		}
	}
	if plan, err := j.readPlan(); err == nil {
		secrets = append(secrets, terraform.SecretsOf(plan)...)
	}
	if state, err := j.readState(); err == nil {
		secrets = append(secrets, terraform.SecretsOf(&tfjson.Plan{PriorState: state})...)
	}
	return terraform.NewRedactor(nil, secrets...).Redact(text)
}

// readState reads what learnState saved. Its values have the same form as a plan's prior state,
// so redact passes it to the same code.
func (j *job) readState() (*tfjson.State, error) {
	data, err := j.read("state.json", maxPlanJSON)
	if err != nil {
		return nil, err
	}
	var state tfjson.State
	state.UseJSONNumber(true)
	if err := json.Unmarshal(data, &state); err != nil {
		return nil, fmt.Errorf("parse state: %w", err)
	}
	return &state, nil
}
