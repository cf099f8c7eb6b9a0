package slackapp

import "github.com/tfpilot/tfpilot/internal/lifecycle"

// Command is the one slash command.
const Command = "/tfpilot"

// Subcommands of it.
const (
	subRequest = "request"
	subList    = "list"
	subShow    = "show"
	subSync    = "sync"
	subNotify  = "notify"
	subHelp    = "help"
)

var subcommands = []string{subRequest, subList, subShow, subSync, subNotify, subHelp}

// Views, by callback_id.
const (
	viewNotice  = "notice"  // shows text only
	viewRequest = "request" // the form
	viewReview  = "review"  // a page of a plan
	viewApprove = "approve" // a page of a plan that can be approved there
	viewReject  = "reject"
	viewDestroy = "destroy"
)

// Actions of the request form, by action_id.
const (
	actProject     = "project"
	actEnvironment = "environment"
	actModule      = "module"
	actReason      = "reason"
	actFold        = "fold"   // show or hide advanced options
	actBack        = "back"   // to the page before
	actField       = "field." // and the name of the field
)

// Actions of messages, by action_id. An action of a request is actDo and the lifecycle's
// name of the action.
const (
	actDo       = "do."
	actReview   = "review"
	actPlanNext = "plan.next"
	actPlanBack = "plan.back"
	actPlanLast = "plan.last"
	actPlanNo   = "plan.reject" // rejects the plan that the window shows
	actShow     = "show"
	actStart    = "start" // opens the form that a hint suggests
	actAgain    = "again" // opens the form with a request's inputs
	actPage     = "page"  // of the list
	actHome     = "home"  // draws the Home tab again, perhaps with another page
	actTyped    = "typed"
	actWhy      = "why"
	blockTyped  = "typed"
	blockWhy    = "why"
)

// Controls of a draft, by action_id.
const (
	actDraft        = "draft."
	actDraftCreate  = "draft.create"
	actDraftEdit    = "draft.edit"
	actDraftDiscard = "draft.discard"
	actDraftAnswer  = "draft.answer" // a menu that answers a question
	actDraftUse     = "draft.use."   // and the field of a suggestion
)

// Shortcuts, by callback_id.
const (
	shortcutNew  = "new_request"          // everywhere
	shortcutFrom = "request_from_message" // in the menu of a message
)

func doing(a lifecycle.Action) string { return actDo + string(a) }
