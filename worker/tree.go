package worker

import (
	"time"

	"github.com/tfpilot/tfpilot/internal/github"
)

// tipLasts is how long the tip of a branch serves as the base of new branches.
const tipLasts = 5 * time.Second

// tree gives the tree of a commit that was read before. What a commit holds never changes.
func (w *watch) tree(repo github.Repo, commit string) (github.Tree, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t, ok := w.trees[repo.String()]
	return t, ok && t.Commit == commit
}

func (w *watch) keepTree(repo github.Repo, t github.Tree) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.trees == nil {
		w.trees = map[string]github.Tree{}
	}
	w.trees[repo.String()] = t
}

// freshTip gives the tree of a branch's tip that was read a moment ago.
func (w *watch) freshTip(repo github.Repo, branch string) (github.Tree, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	tip := w.tips[repo.String()+" "+branch]
	return tip.tree, tip.tree.Commit != "" && now().Sub(tip.at) < tipLasts
}

func (w *watch) keepTip(repo github.Repo, branch string, t github.Tree) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tips == nil {
		w.tips = map[string]tip{}
	}
	w.tips[repo.String()+" "+branch] = tip{t, now()}
}

// tip is a branch as it was read at some time.
type tip struct {
	tree github.Tree
	at   time.Time
}
