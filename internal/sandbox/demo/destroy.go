package demo

import (
	"context"
	"fmt"
	"strings"
)

// destroySteps destroys a request and removes its code.
func (j *journey) destroySteps(r *request) []step {
	asks := step{"adam", "requests to destroy " + r.title, func(ctx context.Context) error { return j.destroy(ctx, r) }}
	switch r {
	case j.bucket:
		asks = step{"adam", "requests to destroy the bucket, and reads what will be destroyed", j.asksToDestroy}
	case j.prod:
		asks = step{"adam", "types the environment to destroy in production", j.typesToDestroy}
	}
	return []step{
		asks,
		{"omar", "reads the destroy plan of " + r.title + ", and approves it",
			func(ctx context.Context) error { return j.approvesDestroy(ctx, r) }},
		{"adam", "sees " + r.title + " destroyed, and its code removed",
			func(ctx context.Context) error { return j.awaitDestroyed(ctx, r) }},
	}
}

func (j *journey) bucketSteps() []step {
	steps := []step{
		{"dana", "re-runs the apply on GitHub, and the run stops at its guard", j.reruns},
		{"dana", "may not destroy, and sees who can", j.mayNotDestroy},
	}
	steps = append(steps, j.destroySteps(j.bucket)...)
	return append(steps, step{"adam", "destroys the bucket again, and nothing happens", j.destroysAgain})
}

// prodSteps destroys with the module that ana changes in the meantime, so it starts when the module is
// restored.
func (j *journey) prodSteps() []step {
	return append([]step{
		{"omar", "may not destroy in production, and sees who can", func(ctx context.Context) error {
			return j.refusedDestroy(ctx, j.omar, j.prod)
		}},
		{"omar", "reverts the log group's module", func(ctx context.Context) error {
			select {
			case <-j.reverted:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}},
	}, j.destroySteps(j.prod)...)
}

func (j *journey) mayNotDestroy(ctx context.Context) error {
	return j.refusedDestroy(ctx, j.dana, j.bucket)
}

func (j *journey) refusedDestroy(ctx context.Context, p *person, r *request) error {
	card, err := p.sees(ctx, r, soon, "[Destroy]")
	if err != nil {
		return err
	}
	p.windows.Lock()
	defer p.windows.Unlock()
	if err := p.clicks(ctx, card, "Destroy"); err != nil {
		return err
	}
	if _, err := p.window(ctx, "Only ", "can destroy", "Ask adam"); err != nil {
		return err
	}
	return p.closes(ctx)
}

// asksToDestroy saves what adam saw before, with a button that outlives the bucket.
func (j *journey) asksToDestroy(ctx context.Context) error {
	old, err := j.adam.asks(ctx, infraDev, "show "+j.bucket.id, j.bucket.title, "[Destroy]")
	if err != nil {
		return err
	}
	j.old = old
	return j.destroy(ctx, j.bucket)
}

func (j *journey) destroy(ctx context.Context, r *request) error {
	card, err := j.adam.sees(ctx, r, soon, "[Destroy]")
	if err != nil {
		return err
	}
	j.adam.windows.Lock()
	defer j.adam.windows.Unlock()
	if err := j.adam.clicks(ctx, card, "Destroy"); err != nil {
		return err
	}
	v, err := j.adam.window(ctx, "This destroys everything that the request created:", r.kind+".")
	if err != nil {
		return err
	}
	if _, err := j.adam.sends(ctx, v, nil); err != nil {
		return err
	}
	if _, err := j.adam.window(ctx, "Destroy of “"+r.title+"” requested"); err != nil {
		return err
	}
	return j.adam.closes(ctx)
}

func (j *journey) typesToDestroy(ctx context.Context) error {
	card, err := j.adam.sees(ctx, j.prod, soon, "[Destroy]")
	if err != nil {
		return err
	}
	return j.confirms(ctx, j.adam, card, "Destroy", production)
}

const approveDestroy = "Approve destroy"

func (j *journey) approvesDestroy(ctx context.Context, r *request) error {
	reply, err := j.omar.seesReply(ctx, r, later, "Destroy plan ready for "+r.title, "destroyed:", r.kind+".",
		"["+approveDestroy+"]")
	if err != nil {
		return err
	}
	if r == j.prod {
		err = j.confirms(ctx, j.omar, reply, approveDestroy, production)
	} else {
		err = j.omar.approvesPlan(ctx, reply, approveDestroy, r, "- destroy "+r.kind+".")
	}
	if err != nil {
		return err
	}
	// The card still shows the approval. The thread does not, since the destroy starts by itself.
	_, err = j.omar.sees(ctx, r, later, "Destroy plan", "Approval: by omar")
	return err
}

func (j *journey) awaitDestroyed(ctx context.Context, r *request) error {
	if _, err := j.adam.sees(ctx, r, later, stateDestroyed, "The resources and their code are removed."); err != nil {
		return err
	}
	if _, err := j.adam.seesReply(ctx, r, later, r.title, " was destroyed."); err != nil {
		return err
	}
	if err := j.inCloud(ctx, r, false); err != nil {
		return err
	}
	return j.awaitCleanup(ctx, r)
}

// awaitCleanup checks the pull request that removes the code.
func (j *journey) awaitCleanup(ctx context.Context, r *request) error {
	owner, _, _ := strings.Cut(r.repo, "/")
	var pulls []pull
	if err := j.adam.reads(ctx, fmt.Sprintf("/repos/%s/pulls?state=all&head=%s:cleanup/%s", r.repo, owner, r.id),
		&pulls); err != nil {
		return err
	}
	if len(pulls) != 1 {
		return notSeen("one pull request from cleanup/"+r.id, fmt.Sprintf("%d", len(pulls)))
	}
	cleanup := *r
	cleanup.pull = pulls[0].Number
	pr, err := j.adam.opens(ctx, &cleanup)
	if err == nil && !pr.Merged {
		return notSeen(fmt.Sprintf("pull request #%d merged", pr.Number), pr.State)
	}
	return err
}

func (j *journey) destroysAgain(ctx context.Context) error {
	j.adam.windows.Lock()
	defer j.adam.windows.Unlock()
	if err := j.adam.clicks(ctx, j.old, "Destroy"); err != nil {
		return err
	}
	if _, err := j.adam.window(ctx, "left to do"); err != nil {
		return err
	}
	return j.adam.closes(ctx)
}
