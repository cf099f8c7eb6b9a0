package slackapp

// Scope is one permission that the app needs in a workspace.
type Scope struct {
	Name    string
	Why     string
	Without string   // what fails without it
	Methods []string // of the Web API, that need it
}

// Scopes are all permissions of the bot token. The manifest and docs/INSTALL.md are
// compared with this list, and the list with the methods that the code calls.
func Scopes() []Scope {
	return []Scope{
		{
			"app_mentions:read", "Answer people who mention TfPilot in a channel. Other messages of a channel are not read.",
			"A mention gets no answer.", nil,
		},
		{
			"assistant:write", "Be an agent with suggested sentences and a status, where the workspace has Slack's agent " +
				"features.",
			"TfPilot is no agent there, and answers direct messages as any app.", []string{"assistant.threads.setStatus"},
		},
		{"commands", "The command /tfpilot and the shortcuts.", "No request can be made in Slack.", nil},
		{
			"chat:write", "Post and edit the cards, answer clicks.", "No card appears, and no click is answered in a thread.",
			[]string{"chat.postMessage", "chat.update", "chat.postEphemeral"},
		},
		{
			"files:write", "Put a plan of more than one page as a file into the card's thread.",
			"The whole plan is in the window behind Review plan and in the pull request only.",
			[]string{"files.getUploadURLExternal", "files.completeUploadExternal"},
		},
		{
			"im:write", "Find the direct messages with a requester, for their card there.",
			"Requesters get no card of their own.",
			[]string{"conversations.open"},
		},
		{
			"channels:read", "Let doctor find out whether the channel of an environment exists, is archived, and has the " +
				"app in it.",
			"doctor cannot check public channels.", []string{"conversations.info"},
		},
		{
			"groups:read",
			"The same for private channels.",
			"doctor cannot check private channels.",
			[]string{"conversations.info"},
		},
		{
			"channels:history", "Check whether a card was posted when Slack's answer was lost. Only the last minutes of the " +
				"card's own channel are read.",
			"After a lost answer the card of a public channel stays missing.",
			[]string{"conversations.history", "conversations.replies"},
		},
		{
			"groups:history", "The same in private channels.",
			"After a lost answer the card of a private channel stays missing.",
			[]string{"conversations.history", "conversations.replies"},
		},
		{
			"im:history", "Read what people write to TfPilot in direct messages, and find a card there after a lost answer.",
			"Direct messages get no answer, and after a lost answer the requester's card stays missing.",
			[]string{"conversations.history", "conversations.replies"},
		},
	}
}

// AppScope is the scope of the app-level token.
const AppScope = "connections:write"

// freeMethods need no scope.
var freeMethods = []string{"auth.test", "views.open", "views.publish", "views.update", "apps.connections.open"}
