package rbac

import (
	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Verb is an action that needs permission.
type Verb string

// The verbs.
const (
	List          Verb = "list"
	Show          Verb = "show"
	Create        Verb = "create"
	Plan          Verb = "plan"
	Close         Verb = "close"
	Restore       Verb = "restore"
	CancelIntent  Verb = "takeback"
	Withdraw      Verb = "withdraw"
	CancelDestroy Verb = "keep"
	Approve       Verb = "approve"
	Reject        Verb = "reject"
	Merge         Verb = "merge"
	Apply         Verb = "apply"
	Destroy       Verb = "destroy"
	Sync          Verb = "sync"
	Repair        Verb = "repair"
	ForceRelease  Verb = "force-release"
	Unlock        Verb = "unlock"
	Reindex       Verb = "reindex"
	LinkIdentity  Verb = "link"
)

// VerbOf returns the verb of an action. The verb of an unknown action is empty, and
// Decide refuses it.
func VerbOf(a lifecycle.Action) Verb {
	row, _ := a.Row()
	return Verb(row.Verb)
}

// Grant is the set of requests for which a role has a verb.
type Grant int

// The grants. A subject's own requests are those that they created.
const (
	No         Grant = iota
	Own              // own requests
	OwnApply         // own requests where the environment has apply: requester
	OwnDestroy       // own requests where the environment has destroy: requester
	Yes              // every request
)

// ProtectedList is the list of logins that a protected environment requires in addition
// to the role.
type ProtectedList int

// The lists of protected environments.
const (
	NoList          ProtectedList = iota
	ProdList                      // TFPILOT_PROD_ALLOWED_USERS
	DestroyProdList               // TFPILOT_DESTROY_PROD_ALLOWED_USERS
)

// Row is one verb of the matrix.
type Row struct {
	Verb   Verb
	Phrase string // after "can": "approve requests"
	Needs  Need
	// The grant of each role.
	Viewer, Developer, Approver, Admin Grant
	BarsAuthor                         bool          // not for people who wrote the config
	BarsRequester                      bool          // not for people who requested this round
	Protected                          ProtectedList // required in protected environments
}

// Need is what a verb applies to.
type Need int

// A verb applies to one configured environment, or to none.
const (
	NeedsNothing Need = iota
	NeedsEnvironment
)

// Grant returns the grant of a role.
func (r Row) Grant(role Role) Grant {
	switch role {
	case Viewer:
		return r.Viewer
	case Developer:
		return r.Developer
	case Approver:
		return r.Approver
	case Admin:
		return r.Admin
	default:
		return No
	}
}

// Matrix returns the whole matrix, in the order of the documentation.
func Matrix() []Row {
	env := NeedsEnvironment
	return []Row{
		{List, "list requests", NeedsNothing, Yes, Yes, Yes, Yes, false, false, NoList},
		{Show, "view requests", NeedsNothing, Yes, Yes, Yes, Yes, false, false, NoList},
		{Create, "request infrastructure", env, No, Yes, Yes, Yes, false, false, NoList},
		{Plan, "re-plan this request", env, No, Own, Yes, Yes, false, false, ProdList},
		{Close, "close this request", env, No, Own, Yes, Yes, false, false, NoList},
		{Restore, "restore this request's branch", env, No, Own, Yes, Yes, false, false, NoList},
		{CancelIntent, "cancel queued actions here", env, No, Own, Yes, Yes, false, false, NoList},
		{Withdraw, "withdraw an approval", env, No, No, Yes, Yes, false, false, NoList},
		{CancelDestroy, "cancel a destroy", env, No, Own, Yes, Yes, false, false, NoList},
		{Approve, "approve", env, No, No, Yes, Yes, true, true, ProdList},
		{Reject, "reject", env, No, No, Yes, Yes, true, false, NoList},
		{Merge, "merge this request", env, No, OwnApply, Yes, Yes, false, false, ProdList},
		{Apply, "apply this request", env, No, OwnApply, Yes, Yes, false, false, ProdList},
		{Destroy, "destroy the resources of this request", env, No, OwnDestroy, No, Yes, false, false, DestroyProdList},
		{Sync, "sync with GitHub", NeedsNothing, No, Yes, Yes, Yes, false, false, NoList},
		{Repair, "check the run of a request", NeedsNothing, No, Yes, Yes, Yes, false, false, NoList},
		{ForceRelease, "force-release an environment", env, No, No, No, Yes, false, false, NoList},
		{Unlock, "unlock a state", env, No, No, No, Yes, false, false, NoList},
		{Reindex, "rebuild the index", NeedsNothing, No, No, No, Yes, false, false, NoList},
		{LinkIdentity, "link identities", NeedsNothing, No, No, No, Yes, false, false, NoList},
	}
}

// rows is the matrix by verb.
var rows = func() map[Verb]Row {
	m := map[Verb]Row{}
	for _, r := range Matrix() {
		m[r.Verb] = r
	}
	return m
}()
