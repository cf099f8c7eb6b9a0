package worker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// reviewless are the pull requests that had no reviews when they were read, each with the time of
// its last change then. The plan's comment changes every pull request once, and its document
// needs no write for that. Only sync asks: approve, merge, apply and destroy read the reviews.
type reviewless struct {
	mu   sync.Mutex
	seen map[string]string // request → number and time of the last change
}

func (p *reviewless) put(id, change string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == nil {
		p.seen = map[string]string{}
	}
	p.seen[id] = change
}

func (p *reviewless) drop(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.seen, id)
}

func (p *reviewless) has(id, change string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen[id] == change
}

// changeOf names the last change of a pull request.
func changeOf(p github.Pull) string {
	return fmt.Sprintf("%d %s", p.Number, p.UpdatedAt.UTC().Format(time.RFC3339Nano))
}

// onlyTouched reports whether only the time of a pull request changed, and some worker has read
// since that it has no reviews.
func (w *Worker) onlyTouched(ctx context.Context, r *lifecycle.Request, p github.Pull) bool {
	if !touchable(r) || !sameFacts(p, r.PR) {
		return false
	}
	change := changeOf(p)
	if w.reviewless.has(r.ID, change) {
		return true
	}
	if w.Answers.Recall(ctx, "reviewless:"+r.ID) != change {
		return false
	}
	w.reviewless.put(r.ID, change)
	return true
}

// touchable reports whether a comment on the pull request changes nothing in the document.
func touchable(r *lifecycle.Request) bool {
	return r.PR != nil && !r.PR.Foreign && len(r.PR.Objections) == 0
}

// noReviews remembers that a pull request has no reviews as of its last change.
func (w *Worker) noReviews(ctx context.Context, id string, p github.Pull) {
	w.reviewless.put(id, changeOf(p))
	w.Answers.Remember(ctx, "reviewless:"+id, changeOf(p))
}
