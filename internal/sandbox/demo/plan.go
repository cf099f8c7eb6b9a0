package demo

import (
	"context"
	"regexp"
)

// planSteps is the third chapter: Terraform ran, and people decide.
func (j *journey) planSteps() []step {
	steps := []step{
		{"dana", "sees the plan on the card", func(ctx context.Context) error {
			_, err := j.dana.sees(ctx, j.bucket, later, statePlanReady, " to add, 0 to change, 0 to destroy")
			return err
		}},
		{"omar", "is mentioned in the card's thread, with Review plan, Approve and Reject", j.seesApprovalRequest},
		{"omar", "opens the plan and reads what will be created", j.reviews},
		{"omar", "finds the same plan in the pull request", func(ctx context.Context) error {
			return j.omar.readsComment(ctx, j.bucket, "tfpilot[bot]: ", "TfPilot plan", "aws_s3_bucket")
		}},
	}
	for _, r := range []*request{j.words, j.anas, j.adams, j.prod} {
		steps = append(steps, step{r.by.name, "sees the plan of " + r.title, func(ctx context.Context) error {
			_, err := r.by.sees(ctx, r, later, statePlanReady)
			return err
		}})
	}
	return steps
}

func (j *journey) seesApprovalRequest(ctx context.Context) error {
	reply, err := j.omar.planReply(ctx, j.bucket)
	if err != nil {
		return err
	}
	if !containsAll(reply.read(), j.bucket.title, " to add, 0 to change, 0 to destroy", "<@"+j.omar.slack+">") {
		return notSeen("the counts and a mention of omar", reply.read())
	}
	_, err = find(reply.Blocks, "Reject")
	return err
}

var added = regexp.MustCompile(`([0-9]+) to add`)

func (j *journey) reviews(ctx context.Context) error {
	reply, err := j.omar.planReply(ctx, j.bucket)
	if err != nil {
		return err
	}
	count := added.FindStringSubmatch(reply.read())
	if count == nil {
		return notSeen("the number of added resources", reply.read())
	}
	if err := j.omar.clicks(ctx, reply, "Review plan"); err != nil {
		return err
	}
	if _, err := j.omar.window(ctx, "Plan", j.bucket.title, "Plan: "+count[1]+" to add.", "aws_s3_bucket",
		j.bucket.name); err != nil {
		return err
	}
	return j.omar.closes(ctx)
}
