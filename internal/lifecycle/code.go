package lifecycle

// ReasonCode is the reason why an action is refused, a step failed or a run did not succeed.
// Programs compare it; problems, results and refusals store it. The table below has words for
// people, which a more specific text replaces where there is one. For a run that left no reason,
// the conclusion is the reason (Conclusion.Code).
type ReasonCode string

// Why the facts do not allow an action.
const (
	CodeClosed     ReasonCode = "closed"
	CodeClosing    ReasonCode = "closing"
	CodeMerged     ReasonCode = "merged"
	CodeNotMerged  ReasonCode = "not_merged"
	CodeNoPlan     ReasonCode = "no_plan"
	CodePlanning   ReasonCode = "planning"
	CodeForeign    ReasonCode = "foreign_content"
	CodeMoved      ReasonCode = "head_moved"
	CodeRetargeted ReasonCode = "retargeted"
	CodeApproved   ReasonCode = "already_approved"
	CodeUnapproved ReasonCode = "not_approved"
	CodeAsked      ReasonCode = "already_asked"
	CodeRunning    ReasonCode = "running"
	CodeApplied    ReasonCode = "already_applied"
	CodeDestroyed  ReasonCode = "already_destroyed"
	CodeDestroying ReasonCode = "destroying"
	CodeNewRound   ReasonCode = "new_round_needed"
	CodeNothing    ReasonCode = "nothing_to_do"
	CodeStale      ReasonCode = "stale"
	CodeTooMany    ReasonCode = "too_many"
	CodeObjected   ReasonCode = "changes_requested"
	CodeDismissed  ReasonCode = "dismissed"
	CodeExpired    ReasonCode = "expired"
	CodeNotYours   ReasonCode = "not_yours"
)

// Why a person may not do something.
const (
	CodeUnknownVerb        ReasonCode = "unknown_verb"
	CodeNotAllowed         ReasonCode = "not_allowed" // not in TFPILOT_ALLOWED_LOGINS
	CodeNotLinked          ReasonCode = "not_linked"
	CodeRole               ReasonCode = "role"
	CodeNotOwn             ReasonCode = "not_own"
	CodeAuthor             ReasonCode = "author"
	CodeRoundRequester     ReasonCode = "round_requester"
	CodeProtected          ReasonCode = "protected"
	CodeEnvironmentUnknown ReasonCode = "environment_unknown"
	CodeNotTyped           ReasonCode = "not_typed" // the environment is protected now, and the approval was not typed
	CodeIdentity           ReasonCode = "identity"  // the Slack account is linked to no GitHub account, or to another
	CodeAccount            ReasonCode = "account"   // the login belongs to another GitHub account now, or to none
)

// Why a use case refuses a person, apart from facts and rights.
const (
	CodeOtherWorkspace ReasonCode = "other_workspace"
	CodeNoProject      ReasonCode = "no_project"
	CodeModule         ReasonCode = "module" // a module that this person or environment must not use
	CodeArchived       ReasonCode = "archived"
	CodeUnknownAction  ReasonCode = "unknown_action"
	CodeUnconfirmed    ReasonCode = "unconfirmed"
	CodeUnread         ReasonCode = "unread"
	CodeInput          ReasonCode = "invalid_input"
	CodeTaken          ReasonCode = "id_taken"
	CodeUnavailable    ReasonCode = "unavailable"
	CodeCursor         ReasonCode = "cursor"
	CodeDigestDiffers  ReasonCode = "digest_differs"  // the stored plan is not the document's plan
	CodePlanUnreadable ReasonCode = "plan_unreadable" // the stored plan cannot be read
)

// Why a step of the worker fails.
const (
	CodeSignIn        ReasonCode = "github_sign_in" // GitHub does not let TfPilot in; nothing about the request
	CodeGitHubRefused ReasonCode = "github_refused"
	CodeNotFound      ReasonCode = "not_found"
	CodeNotDeployed   ReasonCode = "not_deployed"
	CodeRender        ReasonCode = "render"
	CodeQueueFull     ReasonCode = "queue_full"
	CodeBaseChanged   ReasonCode = "base_changed"
	CodeForced        ReasonCode = "force_released"
	CodeStateUnlocked ReasonCode = "state_unlocked" // until the next run
)

// Why a run did not succeed, or its success does not count.
const (
	CodeGuardRefused      ReasonCode = "guard_refused"      // never in a result: nothing is kept before the claim
	CodeStepFailed        ReasonCode = "step_failed"        // a step outside Terraform
	CodeContentDiffers    ReasonCode = "content_differs"    // the commit does not hold what was granted
	CodeBackendDiffers    ReasonCode = "backend_differs"    // backend.tf or the initialized backend is another
	CodeEnvironmentBroken ReasonCode = "environment_broken" // an error in another file
	CodeTerraformFailed   ReasonCode = "terraform_failed"
	CodeNothingPlanned    ReasonCode = "nothing_planned"    // the first plan of a request creates nothing
	CodeOutsideModule     ReasonCode = "outside_module"     // a change is outside the request's module
	CodeNotOnlyDestroy    ReasonCode = "not_only_destroy"   // a destroy plan does something else too
	CodeUnsupported       ReasonCode = "unsupported_action" // an action that TfPilot does not know or allow
	CodePlanTooLarge      ReasonCode = "plan_too_large"
	CodeReferredTo        ReasonCode = "referred_to" // other code uses the module that is to be destroyed
	CodeDigestChanged     ReasonCode = "digest_changed"
	CodeCodeChanged       ReasonCode = "code_changed"    // the code is not the approved one
	CodeNotPinned         ReasonCode = "code_not_pinned" // what the run would execute may change without a commit
	CodeGrantWithdrawn    ReasonCode = "grant_withdrawn"
	CodeStateLocked       ReasonCode = "state_locked"
	CodeInterrupted       ReasonCode = "interrupted"
	CodeStateNotSaved     ReasonCode = "state_not_saved"
	CodeResultMissing     ReasonCode = "result_missing" // the run left no claim or no result
	CodeResultDamaged     ReasonCode = "result_damaged" // its result cannot be read
	CodeResultForeign     ReasonCode = "result_foreign" // the result comes from another run
	CodeResultDiffers     ReasonCode = "result_differs" // the run did not do what was approved
)

// Words tells the person who has to act what the code means; empty for a code of another
// version.
func (c ReasonCode) Words() string { return codeWords[c] }

var codeWords = map[ReasonCode]string{
	CodeClosed:    "This request is closed. Create a new request.",
	CodeClosing:   "This request is being closed.",
	CodeMerged:    "This is already merged. To remove it, destroy it.",
	CodeNotMerged: "This is not merged yet. Merge it first.",
	CodeNoPlan:    "There is no plan to decide on. Re-plan first.",
	CodePlanning:  "A plan is running. Wait until it ends.",
	CodeForeign: "The branch holds commits that TfPilot did not make. Restore the generated content or close the " +
		"request.",
	CodeMoved:      "The branch has a newer commit than this plan. Re-plan first.",
	CodeRetargeted: "The pull request targets another branch. Change its base on GitHub, then re-plan.",
	CodeApproved:   "This plan is already approved.",
	CodeUnapproved: "This plan is not approved yet. An approver must approve it first.",
	CodeAsked:      "This was already requested.",
	CodeRunning:    "A run is in progress. Wait until it ends.",
	CodeApplied:    "This plan is already applied.",
	CodeDestroyed:  "This was already destroyed. Nothing is left to do.",
	CodeDestroying: "This is about to be destroyed. Cancel the destroy first.",
	CodeNewRound:   "The last run did not succeed. Re-plan to see what is left to do.",
	CodeNothing:    "There is nothing to do.",
	CodeStale:      "The plan changed since this button was shown. Review the new plan first.",
	CodeTooMany:    "This was planned too often. Create a new request.",
	CodeObjected: "Changes were requested on GitHub. This is blocked until they are approved there or the review is " +
		"dismissed.",
	CodeDismissed: "This plan was dismissed. The resources stay as they are.",
	CodeExpired:   "This plan expired without a decision. Re-plan first.",
	CodeNotYours:  "Only the person who approved can withdraw the approval.",

	CodeUnknownVerb:        "TfPilot does not know this action, so it is not allowed.",
	CodeNotAllowed:         "This account does not have access to TfPilot. Ask an admin.",
	CodeNotLinked:          "This account is not linked to a GitHub login. Ask an admin to link it.",
	CodeRole:               "This role does not allow the action. Ask an approver or an admin.",
	CodeNotOwn:             "Only the requester, approvers and admins can do this.",
	CodeAuthor:             "Authors can't approve or reject their own requests. Ask another approver.",
	CodeRoundRequester:     "The person who requested this plan can't approve it. Ask another approver.",
	CodeProtected:          "This environment is protected, and only the people on its list can do this.",
	CodeEnvironmentUnknown: "This environment is not in TfPilot's configuration, so nothing can be changed in it.",
	CodeNotTyped:           "The environment is protected now. Approve again, and type its name to confirm.",
	CodeIdentity: "The Slack account is no longer linked to the same GitHub account. " +
		"Ask an admin to link it again.",
	CodeAccount: "The login now belongs to another GitHub account. Ask an admin to link it again.",

	CodeOtherWorkspace: "This account belongs to another Slack workspace. Only members of this workspace can use TfPilot.",
	CodeNoProject:      "No project is configured yet, so there is nothing to request.",
	CodeModule:         "This module is not available here. Choose another module or environment.",
	CodeArchived:       "This request is archived, and nothing is left to do.",
	CodeUnknownAction:  "TfPilot does not know this action.",
	CodeUnconfirmed:    "This needs a confirmation first. Nothing was done.",
	CodeUnread:         "You haven't opened the last page of the plan. Read the whole plan, then approve it.",
	CodeInput:          "Some of the input is not valid. Correct it and try again.",
	CodeTaken:          "This request ID is taken. Start again.",
	CodeUnavailable:    "TfPilot cannot reach its storage right now, so nothing was changed. Try again in a minute.",
	CodeDigestDiffers:  "The stored plan is not the one of this request. Re-plan, and tell your platform team.",
	CodePlanUnreadable: "The stored plan cannot be read. Re-plan to make a new one.",
	CodeCursor:         "This list has expired. Start it again.",

	CodeSignIn:        "GitHub does not accept TfPilot's credentials. Nothing is lost; TfPilot retries by itself.",
	CodeGitHubRefused: "GitHub refused this. Its message explains why.",
	CodeNotFound:      "This was not found. Check the name, or ask your platform team whether TfPilot has access.",
	CodeNotDeployed:   "The environment is not set up in its repository yet. Ask your platform team.",
	CodeRender:        "TfPilot could not write the Terraform file of this request. Ask your platform team.",
	CodeQueueFull:     "Too many requests wait for GitHub. This one starts by itself as soon as there is room.",
	CodeBaseChanged:   "The default branch changed after the approval. Re-plan first.",
	CodeForced:        "An admin released the environment by force. Re-plan to see what is left.",
	CodeStateUnlocked: "An admin removed the lock on the state. Re-plan.",

	CodeGuardRefused:   "TfPilot did not request this run, so the run did nothing.",
	CodeStepFailed:     "A step of the run failed before or after Terraform. Its log on GitHub shows why.",
	CodeContentDiffers: "The commit is not exactly what TfPilot generated. Restore the branch, then re-plan.",
	CodeBackendDiffers: "The environment's backend is not the configured one. The platform team must fix it.",
	CodeEnvironmentBroken: "The error is in another file of this environment, not in this request. The platform team " +
		"must fix it.",
	CodeTerraformFailed: "Terraform failed and printed no error.",
	CodeNothingPlanned:  "The plan creates nothing. Check the inputs.",
	CodeOutsideModule: "The plan would change something outside this request. Ask the platform team to review the " +
		"module.",
	CodeNotOnlyDestroy: "The destroy would also create or change something. Ask the platform team to review the module.",
	CodeUnsupported: "The plan contains an action that TfPilot does not know. Ask the platform team to review " +
		"the module.",
	CodePlanTooLarge: "The plan is too large to be shown, so it cannot be approved.",
	CodeReferredTo:   "Other code in this environment refers to it. Remove that reference first.",
	CodeDigestChanged: "The changes are no longer the approved ones. Nothing was changed. Re-plan and review the " +
		"new plan.",
	CodeCodeChanged: "The code is no longer the approved code. Nothing was changed. Re-plan and review the new plan.",
	CodeNotPinned: "The run would execute code that may change without a review. The platform team must fix it " +
		"in the repository.",
	CodeGrantWithdrawn: "The approval was withdrawn before the run changed anything.",
	CodeStateLocked: "The environment's state is locked, so nothing was changed. Ask the platform team to find out who " +
		"holds the lock.",
	CodeInterrupted:   "The run was interrupted. What it did so far is in the state. Re-plan to see what is left.",
	CodeStateNotSaved: "Terraform could not save its state. Ask the platform team to check it before anything else runs.",
	CodeResultMissing: "GitHub reports that the run succeeded, but the run left no result, so it does not count. " +
		"What it did is in the state: re-plan to see what is left.",
	CodeResultDamaged: "GitHub reports that the run succeeded, but its result cannot be read, so it does not count. " +
		"What it did is in the state: re-plan to see what is left.",
	CodeResultForeign: "GitHub reports that the run succeeded, but the result in the bucket was not written by this " +
		"run, so it does not count. " +
		"Tell your platform team, then re-plan to see what exists.",
	CodeResultDiffers: "GitHub reports that the run succeeded, but its result does not match the approved plan, " +
		"so it does not count. " +
		"Tell your platform team, then re-plan to see what exists.",
}
