package demo

import (
	"context"
	"fmt"
	"net/http"
)

// applyTracks is the fifth chapter: merge, apply, the queue, and attempts to bypass the approval.
func (j *journey) applyTracks() [][]step {
	return [][]step{{
		{"dana", "may not merge, and sees who can", func(ctx context.Context) error {
			card, err := j.dana.sees(ctx, j.bucket, soon, stateApproved, "[Merge]")
			if err != nil {
				return err
			}
			return j.dana.clicksAndSees(ctx, card, "Merge", "Only approvers and admins can merge", "Ask ana, omar or adam")
		}},
		{"omar", "merges the bucket", func(ctx context.Context) error { return j.merges(ctx, j.omar, j.bucket) }},
	}, {
		{"omar", "merges adam's pull request on GitHub, and nothing can be applied", j.mergesOnGitHub},
		{"dana", "starts apply.yml by hand, and the run stops at its guard", j.dispatches},
		{"omar", "approves the merged request", j.approvesMerged},
	}}
}

// queueSteps is the sixth chapter: one request waits for another.
func (j *journey) queueSteps() []step {
	return []step{
		{"omar", "applies the bucket while the cloud is slow", j.appliesSlowly},
		{"adam", "applies his own request, and sees his position, who holds the environment and since when", j.queues},
		{"adam", "cancels the queued apply", j.cancelsApply},
		{"dana", "sees the bucket applied, with its outputs", j.seesOutputs},
		{"dana", "finds the bucket in the cloud", func(ctx context.Context) error { return j.inCloud(ctx, j.bucket, true) }},
		{"dana", "finds the state under the key in backend.tf", j.findsState},
	}
}

// clicksAction clicks a button of the card that requests an action.
func (j *journey) clicksAction(ctx context.Context, p *person, r *request, label string) error {
	card, err := p.sees(ctx, r, later, "["+label+"]")
	if err != nil {
		return err
	}
	return p.clicksAndSees(ctx, card, label, label+" of “"+r.title+"” requested")
}

func (j *journey) merges(ctx context.Context, p *person, r *request) error {
	if err := j.clicksAction(ctx, p, r, "Merge"); err != nil {
		return err
	}
	if _, err := p.sees(ctx, r, later, stateMerged, "Ready to apply."); err != nil {
		return err
	}
	pr, err := p.opens(ctx, r)
	if err == nil && !pr.Merged {
		return notSeen(fmt.Sprintf("pull request #%d merged on GitHub", r.pull), pr.State)
	}
	return err
}

func (j *journey) mergesOnGitHub(ctx context.Context) error {
	if err := j.omar.github(ctx, http.MethodPut, j.adams.pullPath()+"/merge", map[string]any{}, nil); err != nil {
		return err
	}
	card, err := j.adam.sees(ctx, j.adams, later, stateMerged, "The merged plan is not approved.")
	if err == nil && has(card.Blocks, "Apply") {
		return notSeen("no Apply on the card", card.read())
	}
	return err
}

func (j *journey) approvesMerged(ctx context.Context) error {
	if err := j.approves(ctx, j.omar, j.adams, ""); err != nil {
		return err
	}
	_, err := j.adam.sees(ctx, j.adams, later, stateMerged, "Ready to apply.", "[Apply]")
	return err
}

// appliesSlowly delays the cloud for the bucket until another request is seen in the queue.
func (j *journey) appliesSlowly(ctx context.Context) error {
	slow := cloudFault{Op: "create", Type: "aws_s3_bucket", ID: j.bucket.name, Count: 1, Delay: int64(3 * later)}
	if err := j.fault(ctx, faults{Cloud: []cloudFault{slow}}); err != nil {
		return err
	}
	if err := j.clicksAction(ctx, j.omar, j.bucket, "Apply"); err != nil {
		return err
	}
	_, err := j.omar.sees(ctx, j.bucket, later, "Applying · ")
	return err
}

func (j *journey) queues(ctx context.Context) error {
	if err := j.clicksAction(ctx, j.adam, j.adams, "Apply"); err != nil {
		return err
	}
	_, err := j.adam.sees(ctx, j.adams, later, "Apply queued by adam (position ",
		"Waiting for the apply of “"+j.bucket.title+"” by omar, since ", "[Cancel apply]")
	return err
}

func (j *journey) cancelsApply(ctx context.Context) error {
	card, err := j.adam.sees(ctx, j.adams, soon, "[Cancel apply]")
	if err != nil {
		return err
	}
	if err := j.adam.clicksAndSees(ctx, card, "Cancel apply", "is canceled"); err != nil {
		return err
	}
	if _, err := j.adam.sees(ctx, j.adams, later, stateMerged, "Ready to apply.", "[Apply]"); err != nil {
		return err
	}
	return j.clearFaults(ctx)
}

func (j *journey) seesOutputs(ctx context.Context) error {
	outputs := []string{"Outputs", "bucket = " + j.bucket.name, "arn = arn:aws:s3:::" + j.bucket.name}
	if _, err := j.dana.seesIn(ctx, j.bucket, infraDev, later, append(outputs, stateApplied, "[Destroy]")...); err != nil {
		return err
	}
	own, err := j.dana.seesIn(ctx, j.bucket, "dm", later, append(outputs, stateApplied)...)
	if err != nil {
		return err
	}
	if text := own.read(); containsAll(text, "[Destroy]") || containsAll(text, "[Approve]") {
		return notSeen("a card with only the actions that she may use", text)
	}
	_, err = j.dana.seesReply(ctx, j.bucket, later, append(outputs, j.bucket.title, " was applied.")...)
	return err
}

func (j *journey) inCloud(ctx context.Context, r *request, want bool) error {
	there, err := j.exists(ctx, r.kind, r.name)
	if err == nil && there != want {
		return notSeen(fmt.Sprintf("%s %s in the cloud: %v", r.kind, r.name, want), fmt.Sprint(there))
	}
	return err
}

func (j *journey) findsState(ctx context.Context) error {
	backend, err := j.file(ctx, j.dana, j.bucket.repo, "envs/"+j.bucket.env()+"/backend.tf")
	if err != nil {
		return err
	}
	bucket, key := setting(backend, "bucket"), setting(backend, "key")
	if bucket == "" || key == "" {
		return notSeen("bucket and key of the state in backend.tf", backend)
	}
	state, err := j.read(ctx, bucket, key)
	if err != nil {
		return err
	}
	if !containsAll(state, j.bucket.name, "tfpilot_"+j.bucket.id) {
		return notSeen("the bucket in the state s3://"+bucket+"/"+key, state)
	}
	return nil
}
