package demo

import (
	"context"
	"strings"
)

// endTracks is the last chapter with runs: code that was not approved, a cloud that refuses, the commands
// that find requests, and the end of each request.
func (j *journey) endTracks() [][]step {
	adams := []step{
		{"ana", "changes the log group's module on main, after adam's plan was approved", j.changesModule},
		{"adam", "applies his own request, and the run stops before Terraform, since the module changed", j.stopsAtChange},
		{"adam", "re-plans after omar reverted the module", j.plansWhatIsReviewed},
		{"omar", "approves it", j.approvesAgain},
		{"adam", "applies it, and reads the refusal of the cloud in Terraform's error", j.failsToApply},
		{"adam", "re-plans, and sees the remaining changes", j.plansAgain},
		{"omar", "approves the new plan", j.approvesAgain},
		{"adam", "applies it", j.appliesAgain},
	}
	return [][]step{append(adams, j.destroySteps(j.adams)...), append(j.commandSteps(), j.bucketSteps()...), j.prodSteps()}
}

// commandSteps finds requests with commands.
func (j *journey) commandSteps() []step {
	return []step{
		{"dana", "types /tfpilot help", func(ctx context.Context) error {
			_, err := j.dana.asks(ctx, infraDev, "help", "/tfpilot request", "/tfpilot list", "/tfpilot show", "/tfpilot sync")
			return err
		}},
		{"dana", "types an unknown command", func(ctx context.Context) error {
			_, err := j.dana.asks(ctx, infraDev, "lst", "Unknown command “lst”", "/tfpilot list", "/tfpilot help")
			return err
		}},
		{"dana", "lists all requests, newest first", j.listsRequests},
		{"dana", "shows a request by its id, and one by words", j.showsRequests},
		{"dana", "shows a request that does not exist", j.showsNothing},
		{"dana", "refreshes from GitHub", func(ctx context.Context) error {
			_, err := j.dana.asks(ctx, infraDev, "sync "+j.bucket.id, "Syncing ", j.bucket.title)
			return err
		}},
	}
}

const refusalCode = "LimitExceededException"

func (j *journey) failsToApply(ctx context.Context) error {
	refuse := cloudFault{Op: "create", Type: j.adams.kind, ID: j.adams.name, Count: 1, Code: refusalCode}
	if err := j.fault(ctx, faults{Cloud: []cloudFault{refuse}}); err != nil {
		return err
	}
	if err := j.clicksAction(ctx, j.adam, j.adams, "Apply"); err != nil {
		return err
	}
	j.adams.failing = true
	_, err := j.adam.seesReply(ctx, j.adams, later, "The apply of "+j.adams.title, refusalCode, "[Re-plan]")
	return err
}

func (j *journey) plansAgain(ctx context.Context) error {
	m, err := j.adam.seesReply(ctx, j.adams, later, "The apply of "+j.adams.title, "[Re-plan]")
	if err != nil {
		return err
	}
	if err := j.adam.clicksAndSees(ctx, m, "Re-plan", "Re-plan of “"); err != nil {
		return err
	}
	_, err = j.adam.seesReply(ctx, j.adams, later, "New plan ready for "+j.adams.title, ": 1 to add", "[Approve]")
	return err
}

func (j *journey) approvesAgain(ctx context.Context) error {
	return j.approves(ctx, j.omar, j.adams, "")
}

func (j *journey) appliesAgain(ctx context.Context) error {
	if err := j.clicksAction(ctx, j.adam, j.adams, "Apply"); err != nil {
		return err
	}
	if _, err := j.adam.sees(ctx, j.adams, later, stateApplied, "Outputs"); err != nil {
		return err
	}
	j.adams.failing = false
	return j.inCloud(ctx, j.adams, true)
}

const because = "The bucket of the other request is enough for both"

func (j *journey) rejects(ctx context.Context) error {
	reply, err := j.omar.planReply(ctx, j.words)
	if err != nil {
		return err
	}
	j.omar.windows.Lock()
	defer j.omar.windows.Unlock()
	if err := j.omar.clicks(ctx, reply, "Reject"); err != nil {
		return err
	}
	v, err := j.omar.window(ctx, "Reason: …")
	if err != nil {
		return err
	}
	field, err := find(v.Blocks, "Reason")
	if err != nil {
		return err
	}
	r, err := j.omar.submits(ctx, v, map[string]any{"Reason": "  "})
	if err != nil {
		return err
	}
	if r.Errors[field.block] == "" {
		return notSeen("an error at “Reason”", strings.Join([]string{r.Outcome, r.Note}, " "))
	}
	if _, err := j.omar.sends(ctx, v, map[string]any{"Reason": because}); err != nil {
		return err
	}
	if _, err := j.omar.window(ctx, "Your rejection of “"+j.words.title+"” is saved"); err != nil {
		return err
	}
	return j.omar.closes(ctx)
}

func (j *journey) readsReason(ctx context.Context) error {
	if _, err := j.dana.seesReply(ctx, j.words, later, "omar rejected", because); err != nil {
		return err
	}
	if _, err := j.dana.seesIn(ctx, j.words, "dm", later, stateRejected, "omar rejected this request"); err != nil {
		return err
	}
	return j.closedOnGitHub(ctx, j.words)
}

func (j *journey) closedOnGitHub(ctx context.Context, r *request) error {
	pr, err := r.by.opens(ctx, r)
	if err == nil && (pr.State != "closed" || pr.Merged) {
		return notSeen("the pull request closed and not merged", pr.State)
	}
	return err
}

func (j *journey) closesOwn(ctx context.Context) error {
	card, err := j.ana.sees(ctx, j.anas, soon, "[Close request]")
	if err != nil {
		return err
	}
	if err := j.ana.clicksAndSees(ctx, card, "Close request", "Closing “"); err != nil {
		return err
	}
	if _, err := j.ana.sees(ctx, j.anas, later, stateClosed, "Nothing was created."); err != nil {
		return err
	}
	return j.closedOnGitHub(ctx, j.anas)
}

func (j *journey) listsRequests(ctx context.Context) error {
	m, err := j.dana.asks(ctx, infraDev, "list", "Requests")
	if err != nil {
		return err
	}
	text, at := m.read(), -1
	for _, r := range []*request{j.prod, j.adams, j.anas, j.words, j.bucket} {
		i := strings.Index(text, r.title)
		if i <= at {
			return notSeen("“"+r.title+"” at its position, newest first", text)
		}
		at = i
	}
	return nil
}

func (j *journey) showsRequests(ctx context.Context) error {
	if _, err := j.dana.asks(ctx, infraDev, "show "+j.bucket.id, j.bucket.title, stateApplied,
		"Pull request #"); err != nil {
		return err
	}
	_, err := j.dana.asks(ctx, infraDev, "show "+j.words.name, j.words.title, stateRejected)
	return err
}

func (j *journey) showsNothing(ctx context.Context) error {
	if _, err := j.dana.asks(ctx, infraDev, "show req_0000000000000", "not found", "/tfpilot list"); err != nil {
		return err
	}
	_, err := j.dana.asks(ctx, infraDev, "show a yacht", "No request matches", "/tfpilot list")
	return err
}
