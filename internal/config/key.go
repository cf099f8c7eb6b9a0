package config

// Kind is the kind of a value in tfpilot.yaml.
type Kind string

// The kinds.
const (
	Text     Kind = "text"
	YesNo    Kind = "true or false"
	Number   Kind = "number"
	Duration Kind = "duration"
	Map      Kind = "map"
	List     Kind = "list"
)

// Key is one key of tfpilot.yaml. In a path, [] means each entry of a list.
type Key struct {
	Path     string
	Kind     Kind
	Required bool
	Default  string
	Help     string
}

// Keys lists every key of tfpilot.yaml, in the order of the documentation.
func Keys() []Key {
	return []Key{
		{"projects", List, true, "", "The product areas in which people request infrastructure."},
		{"projects[].name", Text, true, "", "Short name in commands, paths and tags: `a-z`, digits, `-`."},
		{"projects[].title", Text, false, "the name", "Display name."},
		{"projects[].owner", Text, true, "", "GitHub organization of the infra repository."},
		{"projects[].repo", Text, true, "", "Name of the infra repository."},
		{"projects[].base", Text, false, "main", "Default branch, the target of pull requests."},
		{"projects[].environments", List, true, "", "The environments of the project, each one Terraform root " +
			"`envs/<key>/<slug>/` with one state."},
		{"projects[].environments[].key", Text, true, "", "Kind of environment: `dev`, `prod`, " +
			"any `[a-z][a-z0-9-]{1,20}`. `prod` is always protected."},
		{"projects[].environments[].slug", Text, true, "", "Name of the root within the key, with the same pattern."},
		{"projects[].environments[].channel", Text, true, "", "ID of the Slack channel for the cards, `C…`. A request " +
			"that is created there starts with this environment."},
		{"projects[].environments[].protected", YesNo, false, "false; true for prod",
			"Production rules: the prod lists apply, authors cannot approve, confirmations are typed."},
		{"projects[].environments[].apply", Text, false, "approvers", "Who can merge and apply: `approvers`, " +
			"or `requester` to also allow the requester."},
		{"projects[].environments[].destroy", Text, false, "admins", "Who can request a destroy: `admins`, " +
			"or `requester` to also allow the developer who created the request. Approval is always required."},
		{"projects[].environments[].selfApproval", YesNo, false, "false", "Authors can approve their own requests. " +
			"Ignored in protected environments."},
		{"projects[].environments[].approvals", Map, false, "",
			"How people are notified of a plan that waits for a decision."},
		{"projects[].environments[].approvals.ask", Text, false, "channel", "Where approvers are asked: `channel`, in the " +
			"thread of the card, or `direct`, each in direct messages."},
		{"projects[].environments[].approvals.timeZone", Text, false, "UTC", "Time zone of the working hours, such as " +
			"`Europe/Berlin`."},
		{"projects[].environments[].approvals.workingHours", Text, false, "09:00-17:00", "Working hours, Monday to Friday. " +
			"Reminders are sent within them only."},
		{"projects[].environments[].approvals.remindAfter", Duration, false, "4h", "Working time until approvers are " +
			"reminded, up to 400h; `0s` for never."},
		{"projects[].environments[].approvals.remindEvery", Duration, false, "8h", "Working time between reminders, up to " +
			"400h; `0s` for one reminder. A plan has at most 10."},
		{"projects[].environments[].approvals.escalateAfter", Duration, false, "20h", "Working time until the people of " +
			"`escalateTo` are asked, up to 400h; `0s` for never. Reminders end then."},
		{"projects[].environments[].approvals.escalateTo", Text, false, "the admins", "GitHub logins, comma-separated. It " +
			"grants no right to approve."},
		{"projects[].environments[].approvals.expireAfter", Duration, false, "336h", "How long a plan waits for a decision " +
			"before it expires, weekends included, 24h to 8760h; `0s` for no limit."},
		{"projects[].environments[].approvals.onExpiry", Text, false, "keep", "What happens to a request " +
			"that is not merged: `keep` it for a new plan, or `close` it."},
		{"projects[].environments[].region", Text, false, "AWS_REGION", "AWS region for the resources."},
		{"projects[].environments[].backend", Map, true, "", "Terraform's S3 backend of the root; must equal its " +
			"`backend.tf`."},
		{"projects[].environments[].backend.bucket", Text, true, "", "Bucket of the state."},
		{"projects[].environments[].backend.key", Text, false, "<project>/<key>/<slug>/terraform.tfstate",
			"Key of the state."},
		{"projects[].environments[].backend.region", Text, false, "the environment's region", "Region of the bucket."},
		{"projects[].environments[].backend.dynamodbTable", Text, false, "none", "DynamoDB table that locks the state."},
		{"projects[].environments[].backend.useLockfile", YesNo, false, "true without a table",
			"Lock the state with an object in the bucket."},
		{"catalog", Map, false, "", "Modules of your own."},
		{"catalog.dir", Text, false, "none", "Directory with one subdirectory for each module. Every process reads it, " +
			"and `bootstrap` copies it into the infra repository."},
		{"catalog.replace", YesNo, false, "false", "Offer only the modules in the directory, not the built-in ones."},
		{"slack", Map, false, "", "How TfPilot appears in Slack."},
		{"slack.command", Text, false, "/tfpilot", "The slash command. It must match the one in the app's manifest."},
		{"model", Map, false, "", "Settings of the language model."},
		{"model.timeout", Duration, false, "8s", "How long to wait for the model before the form opens empty, 1s to 30s."},
		{"worker", Map, false, "", "Settings of the workers."},
		{"worker.concurrency", Number, false, "10", "Concurrent tasks, 1 to 100."},
		{"worker.sweep", Duration, false, "1m", "How often a worker looks for work that was not enqueued, 1s to 5m."},
		{"worker.syncQuick", Duration, false, "15s", "How often to poll GitHub for a repository with active runs, " +
			"1s to 10m."},
		{"worker.syncSlow", Duration, false, "5m", "How often to poll GitHub for a repository without active runs, " +
			"1s to 24h."},
	}
}

var keys = func() map[string]Key {
	m := map[string]Key{}
	for _, k := range Keys() {
		m[k.Path] = k
	}
	return m
}()
