package rbac

import (
	"slices"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Verb is something that a person may be allowed to do.
type Verb string

// The verbs.
const (
	List         Verb = "list"
	Show         Verb = "show"
	Stream       Verb = "stream"
	Create       Verb = "create"
	Edit         Verb = "edit"
	Plan         Verb = "plan"
	Close        Verb = "close"
	Restore      Verb = "restore"
	TakeBack     Verb = "takeback"
	Withdraw     Verb = "withdraw"
	Keep         Verb = "keep"
	Approve      Verb = "approve"
	Reject       Verb = "reject"
	Merge        Verb = "merge"
	Apply        Verb = "apply"
	Retry        Verb = "retry"
	UpdateBranch Verb = "update-branch"
	Destroy      Verb = "destroy"
	Sync         Verb = "sync"
	Repair       Verb = "repair"
	EnvNew       Verb = "env-new"
	EnvDeploy    Verb = "env-deploy"
	EnvDestroy   Verb = "env-destroy"
	ForceRelease Verb = "force-release"
	Unlock       Verb = "unlock"
	Reindex      Verb = "reindex"
	LinkIdentity Verb = "link"
)

// VerbOf gives the verb of an action. An action that it does not know has the
// empty verb, which nobody is allowed.
func VerbOf(a lifecycle.Action) Verb {
	row, _ := a.Row()
	return Verb(row.Verb)
}

// Grant says how far a role may use a verb.
type Grant int

// The grants. An own request is one that the subject asked for.
const (
	No         Grant = iota
	Own              // own requests
	OwnApply         // own requests where the environment says apply: requester
	OwnDestroy       // own requests where the environment says destroy: requester
	Yes              // every request
)

// ProtectedList is the list of logins that a protected environment asks for besides
// the role.
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
	Phrase string // after "may": "approve requests"
	Needs  Need
	// Viewer, Developer, Approver and Admin say how far each role goes.
	Viewer, Developer, Approver, Admin Grant
	BarsAuthor                         bool          // never by a person who wrote the config
	BarsRequester                      bool          // never by a person who requested this round
	Protected                          ProtectedList // in protected environments also named there
}

// Need says what a verb is about.
type Need int

// A verb is about nothing in particular or about one configured environment.
const (
	NeedsNothing Need = iota
	NeedsEnvironment
)

// Grant gives the grant of a role.
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

// Matrix gives the whole matrix, in the order of the documentation.
func Matrix() []Row {
	env := NeedsEnvironment
	return []Row{
		{List, "list requests", NeedsNothing, Yes, Yes, Yes, Yes, false, false, NoList},
		{Show, "look at requests", NeedsNothing, Yes, Yes, Yes, Yes, false, false, NoList},
		{Stream, "follow changes", NeedsNothing, Yes, Yes, Yes, Yes, false, false, NoList},
		{Create, "ask for infrastructure", env, No, Yes, Yes, Yes, false, false, NoList},
		{Edit, "edit this request", env, No, Own, Yes, Yes, false, false, NoList},
		{Plan, "plan this request again", env, No, Own, Yes, Yes, false, false, ProdList},
		{Close, "close this request", env, No, Own, Yes, Yes, false, false, NoList},
		{Restore, "restore this request's branch", env, No, Own, Yes, Yes, false, false, NoList},
		{TakeBack, "take back what waits here", env, No, Own, Yes, Yes, false, false, NoList},
		{Withdraw, "withdraw an approval of one's own", env, No, No, Yes, Yes, false, false, NoList},
		{Keep, "keep what exists as it is", env, No, Own, Yes, Yes, false, false, NoList},
		{Approve, "approve", env, No, No, Yes, Yes, true, true, ProdList},
		{Reject, "reject", env, No, No, Yes, Yes, true, false, NoList},
		{Merge, "merge this request", env, No, OwnApply, Yes, Yes, false, false, ProdList},
		{Apply, "apply this request", env, No, OwnApply, Yes, Yes, false, false, ProdList},
		{Retry, "retry this request", env, No, OwnApply, Yes, Yes, false, false, ProdList},
		{UpdateBranch, "update this request's branch", env, No, OwnApply, Yes, Yes, false, false, NoList},
		{Destroy, "destroy what this request made", env, No, OwnDestroy, No, Yes, false, false, DestroyProdList},
		{Sync, "sync with GitHub", NeedsNothing, No, Yes, Yes, Yes, false, false, NoList},
		{Repair, "repair a request", NeedsNothing, No, Yes, Yes, Yes, false, false, NoList},
		{EnvNew, "add environments", NeedsNothing, No, No, No, Yes, false, false, NoList},
		{EnvDeploy, "deploy environments", env, No, No, No, Yes, false, false, ProdList},
		{EnvDestroy, "destroy environments", env, No, No, No, Yes, false, false, DestroyProdList},
		{ForceRelease, "release an environment by force", env, No, No, No, Yes, false, false, NoList},
		{Unlock, "remove the lock on a state", env, No, No, No, Yes, false, false, NoList},
		{Reindex, "rebuild the index", NeedsNothing, No, No, No, Yes, false, false, NoList},
		{LinkIdentity, "link other people's identities", NeedsNothing, No, No, No, Yes, false, false, NoList},
	}
}

// reserved are verbs whose rights are settled and that no feature uses yet.
var reserved = []Verb{Stream, Edit, Retry, UpdateBranch, EnvNew, EnvDeploy, EnvDestroy}

// Reserved says that nothing in TfPilot asks for the verb yet.
func (r Row) Reserved() bool { return slices.Contains(reserved, r.Verb) }

// rows is the matrix by verb.
var rows = func() map[Verb]Row {
	m := map[Verb]Row{}
	for _, r := range Matrix() {
		m[r.Verb] = r
	}
	return m
}()
