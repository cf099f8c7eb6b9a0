package config

// Kind of a value in tfpilot.yaml.
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

// Key is one key of tfpilot.yaml. [] in a path stands for each entry of a list.
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
		{"projects", List, true, "", "The product areas that people ask for infrastructure in."},
		{"projects[].name", Text, true, "", "Short name in commands, paths and tags: `a-z`, digits, `-`."},
		{"projects[].title", Text, false, "the name", "Name that people read."},
		{"projects[].owner", Text, true, "", "GitHub organisation of the infra repository."},
		{"projects[].repo", Text, true, "", "Name of the infra repository."},
		{"projects[].base", Text, false, "main", "Default branch; pull requests go there."},
		{"projects[].environments", List, true, "", "The environments of the project, each one Terraform root `envs/<key>/<slug>/` with one state."},
		{"projects[].environments[].key", Text, true, "", "Kind of environment: `dev`, `prod`, any `[a-z][a-z0-9-]{1,20}`. `prod` is always protected."},
		{"projects[].environments[].slug", Text, true, "", "Name of the root within the key, by the same pattern."},
		{"projects[].environments[].channel", Text, true, "", "Id of the Slack channel that gets the cards, `C…`. It prefills the environment of a request made there."},
		{"projects[].environments[].protected", YesNo, false, "false; true for prod", "Production rules: the prod lists count, no author approves, typed confirmation."},
		{"projects[].environments[].apply", Text, false, "approvers", "Who merges and applies: `approvers`, or `requester` for the person who asked as well."},
		{"projects[].environments[].destroy", Text, false, "admins", "Who destroys: `admins`, or `requester` for a developer who asked as well, through approval."},
		{"projects[].environments[].selfApproval", YesNo, false, "false", "Authors may approve their own requests. Not in protected environments."},
		{"projects[].environments[].region", Text, false, "AWS_REGION", "Region that resources are made in."},
		{"projects[].environments[].backend", Map, true, "", "Terraform's S3 backend of the root; must equal its `backend.tf`."},
		{"projects[].environments[].backend.bucket", Text, true, "", "Bucket of the state."},
		{"projects[].environments[].backend.key", Text, false, "<project>/<key>/<slug>/terraform.tfstate", "Key of the state."},
		{"projects[].environments[].backend.region", Text, false, "the environment's region", "Region of the bucket."},
		{"projects[].environments[].backend.dynamodbTable", Text, false, "none", "DynamoDB table that locks the state."},
		{"projects[].environments[].backend.useLockfile", YesNo, false, "true without a table", "Lock the state with an object in the bucket."},
		{"catalog", Map, false, "", "Modules of your own."},
		{"catalog.dir", Text, false, "none", "Directory with one folder for each module. Every process reads it, and `bootstrap` copies it into the infra repository."},
		{"catalog.replace", YesNo, false, "false", "Offer only the modules in the directory, not the built-in ones."},
		{"slack", Map, false, "", "How TfPilot appears in Slack."},
		{"slack.command", Text, false, "/tfpilot", "The slash command; must equal the one in the app's manifest."},
		{"model", Map, false, "", "How the model is asked."},
		{"model.timeout", Duration, false, "8s", "How long to wait for the model before the form opens empty, 1s to 30s."},
		{"worker", Map, false, "", "How a worker paces itself."},
		{"worker.concurrency", Number, false, "10", "Tasks at the same time, 1 to 100."},
		{"worker.sweep", Duration, false, "1m", "How often a worker looks for what was not enqueued, 1s to 5m."},
		{"worker.syncQuick", Duration, false, "15s", "How often GitHub is read for a repository in which something runs, 1s to 10m."},
		{"worker.syncSlow", Duration, false, "5m", "How often while everything waits, 1s to 24h."},
	}
}

var keys = func() map[string]Key {
	m := map[string]Key{}
	for _, k := range Keys() {
		m[k.Path] = k
	}
	return m
}()
