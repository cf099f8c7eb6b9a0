package demo

import (
	"context"
	"fmt"
)

// pullSteps is the second chapter: each request became one pull request with one file.
func (j *journey) pullSteps() []step {
	steps := []step{{"dana", "follows the card's link to the pull request", j.followsLink}}
	for _, r := range []**request{&j.bucket, &j.words, &j.anas, &j.adams, &j.prod} {
		steps = append(steps, step{(*r).by.name, "finds exactly one file in the pull request of " + (*r).title,
			func(ctx context.Context) error {
				return j.oneFile(ctx, *r)
			}})
	}
	return steps
}

func (j *journey) followsLink(ctx context.Context) error {
	card, err := j.dana.sees(ctx, j.bucket, later, "Pull request #")
	if err != nil {
		return err
	}
	if err := j.bucket.follow(card); err != nil {
		return err
	}
	pr, err := j.dana.opens(ctx, j.bucket)
	if err != nil {
		return err
	}
	if !containsAll(pr.Body, "dana", "| `name` |", j.bucket.name, requestReason, j.bucket.id) {
		return notSeen("who, what, why and the inputs as a table in the pull request", pr.Body)
	}
	return nil
}

func (j *journey) oneFile(ctx context.Context, r *request) error {
	card, err := r.by.sees(ctx, r, later, "Pull request #")
	if err != nil {
		return err
	}
	if err := r.follow(card); err != nil {
		return err
	}
	pr, err := r.by.opens(ctx, r)
	if err != nil {
		return err
	}
	var files []struct{ Filename, Status, Patch string }
	if err := r.by.reads(ctx, r.pullPath()+"/files", &files); err != nil {
		return err
	}
	want := "envs/" + r.env() + "/tfpilot_" + r.id + ".tf"
	if len(files) != 1 || files[0].Filename != want || files[0].Status != "added" {
		return notSeen("one added file, "+want, fmt.Sprint(files))
	}
	if pr.Head.Ref != "request/"+r.id || pr.Base.Ref != "main" {
		return notSeen("the branch request/"+r.id+" into main", pr.Head.Ref+" into "+pr.Base.Ref)
	}
	return nil
}
