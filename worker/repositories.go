package worker

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// repositories caches what this worker read from GitHub's repositories: the time of the last
// sync, the lists at that time, and the newest tips and trees. The cache saves calls; nothing
// that runs or is merged depends on it.
type repositories struct {
	mu    sync.Mutex
	next  map[string]time.Time   // repository → when its last sync was due
	seen  map[string]lists       // repository → what its last sync saw
	trees map[string]github.Tree // repository → the last tree of its base branch that was read
	tips  map[string]branchTip   // repository and branch → its tip, as it was read last
}

// due reports whether this repository's time has come, and starts the next wait.
func (p *repositories) due(repo string, every time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next == nil {
		p.next = map[string]time.Time{}
	}
	if last, ok := p.next[repo]; ok && now().Sub(last) < every {
		return false
	}
	p.next[repo] = now()
	return true
}

// forget makes every repository due, and its lists unread.
func (p *repositories) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next, p.seen = nil, nil
}

// lists describes the lists of a repository that were processed completely for some requests at
// some versions: their ETags, which prove nothing for other requests, and the time up to which
// pull requests were read.
type lists struct {
	of, pulls, runs string
	ids             map[string]bool // of the requests
	until           time.Time       // GitHub's updated_at of the newest pull request
	whole           time.Time       // when all of them were last read
	runsRead        time.Time       // when the runs were last listed
}

// unlistedSince is the time from which runs may not have been listed; zero before the first list.
func (p *repositories) unlistedSince(repo github.Repo) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen[repo.String()].runsRead
}

func (p *repositories) lists(repo github.Repo, requests []lifecycle.Request) lists {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.seen[repo.String()]; l.of == versions(requests) {
		return l
	}
	return lists{}
}

const (
	listLate  = 10 * time.Minute // by which a pull request may turn up late in a list
	listWhole = 15 * time.Minute // how often all are read again, whatever turned up
)

// since returns the time from which pull requests are read: the last list or, for requests that
// did not exist then, their beginning. In a busy repository, everything that changed since the
// oldest open request would be many pages.
func (p *repositories) since(repo github.Repo, requests []lifecycle.Request) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, oldest := p.seen[repo.String()], now()
	recent := !l.until.IsZero() && now().Sub(l.whole) < listWhole
	if recent {
		oldest = l.until.Add(-listLate)
	}
	for _, r := range requests {
		if (!recent || !l.ids[r.ID]) && r.CreatedAt.Before(oldest) {
			oldest = r.CreatedAt
		}
	}
	return oldest.Add(-time.Minute)
}

func (p *repositories) listed(repo github.Repo, requests []lifecycle.Request, pulls github.Listing[github.Pull],
	runs string, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == nil {
		p.seen = map[string]lists{}
	}
	old := p.seen[repo.String()]
	l := lists{
		of: versions(requests), pulls: pulls.ETag, runs: runs, ids: map[string]bool{}, until: old.until, whole: old.whole,
		runsRead: at,
	}
	for _, r := range requests {
		l.ids[r.ID] = true
	}
	for _, pull := range pulls.Items {
		if pull.UpdatedAt.After(l.until) {
			l.until = pull.UpdatedAt
		}
	}
	if !pulls.Same && now().Sub(old.whole) >= listWhole {
		l.whole = now()
	}
	p.seen[repo.String()] = l
}

func versions(requests []lifecycle.Request) string {
	var all []string
	for _, r := range requests {
		all = append(all, r.ID+"@"+strconv.FormatInt(r.Version, 10))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// tip is a branch as it was read at some time.
type branchTip struct {
	tree github.Tree
	at   time.Time
}

// tipLasts is how long the tip of a branch serves as the base of new branches.
const tipLasts = 5 * time.Second

// tree returns the tree of a commit that was read before. What a commit holds never changes.
func (p *repositories) tree(repo github.Repo, commit string) (github.Tree, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, ok := p.trees[repo.String()]
	return t, ok && t.Commit == commit
}

func (p *repositories) keepTree(repo github.Repo, t github.Tree) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.trees == nil {
		p.trees = map[string]github.Tree{}
	}
	p.trees[repo.String()] = t
}

// freshTip returns the tree of a branch's tip that was read a moment ago.
func (p *repositories) freshTip(repo github.Repo, branch string) (github.Tree, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	tip := p.tips[repo.String()+" "+branch]
	return tip.tree, tip.tree.Commit != "" && now().Sub(tip.at) < tipLasts
}

func (p *repositories) keepTip(repo github.Repo, branch string, t github.Tree) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tips == nil {
		p.tips = map[string]branchTip{}
	}
	p.tips[repo.String()+" "+branch] = branchTip{t, now()}
}
