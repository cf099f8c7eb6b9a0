// Package request owns what a person may do with requests: open one, act on one, ask GitHub for news
// of it, read it, read its plan, list them; and who links a Slack user to a GitHub account. Each is one method of Service, a use case. It decides on
// rights, on facts, on whether the person saw the newest plan, on what confirms an action, and on what
// was typed; it writes the document and notifies those who wait for the change.
//
// A surface (Slack, the command line, HTTP) parses what a person did, calls one use case, and draws
// the answer or the refusal. It decides nothing, so that all surfaces allow the same and refuse with
// the same words. A refusal is a *Refusal: its class becomes an exit code or a status, its faults
// stand at fields or flags. Checks that need no outside call can be made before the use case, in the
// time in which a form can still be corrected: CheckDraft and CheckAnswers.
//
// It does not carry anything out: an action is recorded as an intent, which a worker carries out after
// checking rights and facts again. It does not say what a request looks like, and it knows no surface.
package request

import (
	"context"
	"iter"
	"log/slog"
	"slices"
	"time"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/internal/store"
)

// Documents are the stored requests.
type Documents interface {
	Get(ctx context.Context, id string) (store.Doc, error)
	Cached(ctx context.Context, id string) (store.Doc, bool)
	Create(ctx context.Context, r lifecycle.Request) (store.Doc, error)
	Patch(ctx context.Context, doc store.Doc, actor lifecycle.Actor, patch lifecycle.Patch) (store.Doc, error)
}

// People are the linked identities.
type People interface {
	Identity(ctx context.Context, team, user string) (lifecycle.Identity, error)
	Identities(ctx context.Context) iter.Seq2[lifecycle.Identity, error]
	PutIdentity(ctx context.Context, id lifecycle.Identity) error
	DeleteIdentity(ctx context.Context, team, user string) error
	Preferences(ctx context.Context, team, user string) (store.Preferences, error)
	PutPreferences(ctx context.Context, team, user string, p store.Preferences) error
}

// Index is what lists are read from.
type Index interface {
	List(ctx context.Context, q queue.Query) (queue.Page, error)
}

// Notifier announces a change to lists, messages and workers. It may fail: workers find by themselves what
// was not enqueued.
type Notifier interface {
	Changed(ctx context.Context, r lifecycle.Request, archived bool) error
	Sync(ctx context.Context, repo string) error
}

// Service is the use cases.
type Service struct {
	Documents Documents        // required
	People    People           // required
	Plans     Summaries        // required
	Index     Index            // required
	Notifier  Notifier         // required
	Policy    rbac.Policy      // required
	Catalog   *catalog.Catalog // required
	Projects  []config.Project // required
	LinkHelp  string           // one sentence on how to link a GitHub account
	Log       *slog.Logger     // required
}

// changed notifies of a commit.
func (s *Service) changed(ctx context.Context, doc store.Doc) {
	if err := s.Notifier.Changed(ctx, doc.Request, doc.Archived); err != nil {
		s.Log.Warn("no worker was notified; one will find the change within a minute", "request", doc.Request.ID, "error", err)
	}
}

func (s *Service) project(name string) (config.Project, bool) {
	i := slices.IndexFunc(s.Projects, func(p config.Project) bool { return p.Name == name })
	if i < 0 {
		return config.Project{}, false
	}
	return s.Projects[i], true
}

// environmentOf is the environment of a request, the zero one when it is no longer configured: nothing
// may be changed there.
func (s *Service) environmentOf(r lifecycle.Request) config.Environment {
	p, _ := s.project(r.Project)
	e, _ := environmentIn(p, r.Environment.String())
	return e
}

func environmentIn(p config.Project, name string) (config.Environment, bool) {
	i := slices.IndexFunc(p.Environments, func(e config.Environment) bool { return e.String() == name })
	if i < 0 {
		return config.Environment{}, false
	}
	return p.Environments[i], true
}

// Limits is an environment as the limits of a module see it.
func Limits(e config.Environment) catalog.Environment {
	return catalog.Environment{Project: e.Project, Key: e.Key, Slug: e.Slug, Protected: e.IsProtected()}
}

// now is the time as it is stored.
func now() time.Time { return time.Now().UTC() }
