package lifecycle

// EventType is the kind of an audit event. The event's text describes the case at hand.
type EventType string

const (
	EventRequestCreated      EventType = "request_created"
	EventIntentAdded         EventType = "wish_added"
	EventIntentGone          EventType = "wish_gone"
	EventApproved            EventType = "approved"
	EventApprovalVoided      EventType = "approval_voided"
	EventRejected            EventType = "rejected"
	EventChangesRequested    EventType = "changes_requested"
	EventChangesSettled      EventType = "changes_settled"
	EventPullRequestOpened   EventType = "pull_request_opened"
	EventHeadMoved           EventType = "head_moved"
	EventBranchChanged       EventType = "branch_changed"
	EventBranchRestored      EventType = "branch_restored"
	EventBaseChanged         EventType = "base_changed"
	EventMerged              EventType = "merged"
	EventPullRequestClosed   EventType = "pull_request_closed"
	EventPullRequestReopened EventType = "pull_request_reopened"
	EventRunAsked            EventType = "run_asked"
	EventRunSentAgain        EventType = "run_sent_again"
	EventRunKnown            EventType = "run_known"
	EventRunConcluded        EventType = "run_concluded"
	EventRunDoubted          EventType = "run_doubted"
	EventRunRerun            EventType = "run_rerun"
	EventRunRevoked          EventType = "run_revoked"
	EventPlanReady           EventType = "plan_ready"
	EventPlanExpired         EventType = "plan_expired"
	EventOutputsRead         EventType = "outputs_read"
	EventLeaseReleased       EventType = "lease_released"
	EventDestroySetAside     EventType = "destroy_set_aside"
	EventRoundDismissed      EventType = "round_dismissed"
	EventCleanupOpened       EventType = "cleanup_opened"
	EventCleanupMerged       EventType = "cleanup_merged"
	EventProblem             EventType = "problem"
	EventProblemGone         EventType = "problem_gone"
	EventClosed              EventType = "closed"
	EventReviewRefused       EventType = "review_refused"
	EventTaskRefused         EventType = "task_refused"
	EventForeignRun          EventType = "foreign_run"
)

// eventRows are the event types, in the order in which they are logged when several happen in
// one change, each with its title for people.
var eventRows = []struct {
	event EventType
	title string
}{
	{EventRequestCreated, "Request created"},
	{EventIntentAdded, "Action requested"},
	{EventIntentGone, "Requested action ended"},
	{EventApproved, "Approved"},
	{EventApprovalVoided, "Approval voided"},
	{EventRejected, "Rejected"},
	{EventChangesRequested, "Changes requested"},
	{EventChangesSettled, "Requested changes settled"},
	{EventPullRequestOpened, "Pull request opened"},
	{EventHeadMoved, "New commit on the branch"},
	{EventBranchChanged, "Branch changed by others"},
	{EventBranchRestored, "Branch restored"},
	{EventBaseChanged, "Pull request retargeted"},
	{EventMerged, "Merged"},
	{EventPullRequestClosed, "Pull request closed"},
	{EventPullRequestReopened, "Pull request reopened"},
	{EventRunAsked, "Run requested"},
	{EventRunSentAgain, "Run requested again"},
	{EventRunKnown, "Run started"},
	{EventRunConcluded, "Run ended"},
	{EventRunDoubted, "Success not counted"},
	{EventRunRerun, "Run repeated on GitHub"},
	{EventRunRevoked, "Grant deleted"},
	{EventPlanReady, "Plan ready"},
	{EventPlanExpired, "Plan expired"},
	{EventOutputsRead, "Outputs read"},
	{EventLeaseReleased, "Lease released"},
	{EventDestroySetAside, "Destroy set aside"},
	{EventRoundDismissed, "Plan dismissed"},
	{EventCleanupOpened, "Cleanup pull request opened"},
	{EventCleanupMerged, "Cleanup merged"},
	{EventProblem, "Problem"},
	{EventProblemGone, "Problem solved"},
	{EventClosed, "Closed"},
	{EventReviewRefused, "Review not counted"},
	{EventTaskRefused, "Task refused"},
	{EventForeignRun, "Run of others seen"},
}

// Title returns the event's title for people; empty for an event of another version.
func (e EventType) Title() string {
	if i := e.rank(); i < len(eventRows) {
		return eventRows[i].title
	}
	return ""
}

func (e EventType) rank() int {
	for i, row := range eventRows {
		if row.event == e {
			return i
		}
	}
	return len(eventRows)
}
