package config

import "slices"

// Variable is one environment variable. Its value can also come from the file in
// NAME_FILE.
type Variable struct {
	Name    string
	Group   string
	Secret  bool
	Needed  []Process // processes that require it
	Default string
	Help    string
}

const configFile = "TFPILOT_CONFIG"

// reserved is the start of the help of a variable that is read and checked, but that no
// feature uses yet.
const reserved = "Reserved: not used yet. "

// Variables lists every environment variable, in the order of the documentation.
func Variables() []Variable {
	both := []Process{App, Worker}
	all := []Process{App, Worker, CLI}
	files := []Process{App, Worker, CLI, Bootstrap}
	return []Variable{
		{"SLACK_BOT_TOKEN", "Slack", true, both, "", "Bot token of the Slack app, `xoxb-…`."},
		{"SLACK_APP_TOKEN", "Slack", true, []Process{App}, "", "App-level token with `connections:write`, `xapp-…`; " +
			"it opens the socket."},
		{"SLACK_API_URL", "Slack", false, nil, "https://slack.com/api/", "Address of the Slack API."},

		{"GITHUB_APP_ID", "GitHub", false, nil, "", "ID of the GitHub App. The three `GITHUB_APP_…` variables belong " +
			"together."},
		{"GITHUB_APP_INSTALLATION_ID", "GitHub", false, nil, "", "ID of the App's installation in your organization."},
		{"GITHUB_APP_PRIVATE_KEY", "GitHub", true, nil, "",
			"The App's private key in PEM format. Line breaks can be written as `\\n`."},
		{"GITHUB_TOKEN", "GitHub", true, nil, "", "A token instead of an App, for testing. The worker needs either the " +
			"App or the token."},
		{"GITHUB_API_URL", "GitHub", false, nil, "https://api.github.com/", "Address of the GitHub API. For GitHub " +
			"Enterprise Server: `https://HOST/api/v3/`."},
		{"GITHUB_WEBHOOK_SECRET", "GitHub", true, both, "", "Webhook secret of the GitHub App, at least 16 characters. " +
			"The app also signs its messages to the workers with it."},

		{"TFPILOT_REQUESTS_BUCKET", "Storage", false, files, "", "S3 bucket for all documents. It must support " +
			"conditional writes, which every process tests when it starts."},
		{"AWS_REGION", "Storage", false, files, "", "Region of the bucket. Credentials come from the AWS SDK's default " +
			"chain."},
		{"AWS_ENDPOINT_URL_S3", "Storage", false, nil, "", "Address of an S3-compatible service."},
		{"REDIS_URL", "Storage", true, all, "", "`redis://` or `rediss://` address of Redis, with `maxmemory-policy " +
			"noeviction`."},

		{"OPENAI_API_KEY", "Model", true, nil, "", "API key of an OpenAI-compatible service that prefills the form from " +
			"free text. Without it the form opens empty."},
		{"OPENAI_BASE_URL", "Model", false, nil, "https://api.openai.com/v1", "Address of that service."},
		{"OPENAI_MODEL", "Model", false, nil, "gpt-4o-mini", "Name of the model."},

		{"TFPILOT_ADMINS", "People", false, nil, "", "GitHub logins of admins."},
		{"TFPILOT_APPROVERS", "People", false, nil, "", "GitHub logins of approvers."},
		{"TFPILOT_VIEWERS", "People", false, nil, "", "GitHub logins with read-only access."},
		{"TFPILOT_ALLOWED_LOGINS", "People", false, nil, "", "GitHub logins with access to TfPilot. Empty: " +
			"every linked identity."},
		{"TFPILOT_PROD_ALLOWED_USERS", "People", false, nil, "", "GitHub logins that can plan, approve, merge and apply " +
			"in protected environments. Empty: no one."},
		{"TFPILOT_DESTROY_PROD_ALLOWED_USERS", "People", false, nil, "", "GitHub logins that can destroy in protected " +
			"environments. Empty: no one."},

		{"TFPILOT_HTTP_ADDR", "Process", false, nil, ":8080", "Listen address of the app for webhooks and health checks."},
		{"TFPILOT_ADMIN_ADDR", "Process", false, nil, "127.0.0.1:9090", "Listen address of a worker for health checks. " +
			"The app uses `TFPILOT_HTTP_ADDR`."},
		{"TFPILOT_PUBLIC_URL", "Process", false, nil, "", reserved + "Public URL of the app."},
		{"TFPILOT_SESSION_KEY", "Process", true, nil, "", reserved + "Key for sessions, at least 32 characters."},
		{"TFPILOT_LOG_LEVEL", "Process", false, nil, "info", "`debug`, `info`, `warn` or `error`."},
		{configFile, "Process", false, nil, "tfpilot.yaml", "Path of `tfpilot.yaml`, see below."},
	}
}

// neededBy reports whether p requires v.
func (v Variable) neededBy(p Process) bool {
	if p == Doctor {
		return len(v.Needed) > 0
	}
	return slices.Contains(v.Needed, p)
}

var variables = func() map[string]Variable {
	m := map[string]Variable{}
	for _, v := range Variables() {
		m[v.Name] = v
	}
	return m
}()
