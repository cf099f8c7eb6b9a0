package config

import "slices"

// Variable is one environment variable. Each is also read from the file named in
// NAME_FILE.
type Variable struct {
	Name    string
	Group   string
	Secret  bool
	Needed  []Process // processes that refuse to start without it
	Default string
	Help    string
}

const configFile = "TFPILOT_CONFIG"

// reserved begins the help of a variable that is read and checked, so that its name
// is settled, but that no feature uses yet.
const reserved = "Reserved: not used yet. "

// Variables lists every environment variable, in the order of the documentation.
func Variables() []Variable {
	both := []Process{App, Worker}
	all := []Process{App, Worker, CLI}
	files := []Process{App, Worker, CLI, Bootstrap}
	return []Variable{
		{"SLACK_BOT_TOKEN", "Slack", true, both, "", "Bot token of the Slack app, `xoxb-…`."},
		{"SLACK_APP_TOKEN", "Slack", true, []Process{App}, "", "App-level token with `connections:write`, `xapp-…`; it opens the socket."},
		{"SLACK_API_URL", "Slack", false, nil, "https://slack.com/api/", "Address of the Slack API."},

		{"GITHUB_APP_ID", "GitHub", false, nil, "", "Id of the GitHub App. The three `GITHUB_APP_…` variables go together."},
		{"GITHUB_APP_INSTALLATION_ID", "GitHub", false, nil, "", "Id of the App's installation in your organisation."},
		{"GITHUB_APP_PRIVATE_KEY", "GitHub", true, nil, "", "The App's private key in PEM form; `\\n` may stand for line ends."},
		{"GITHUB_TOKEN", "GitHub", true, nil, "", "A token instead of an App, for trying things out. The worker needs one of the two, and not both."},
		{"GITHUB_API_URL", "GitHub", false, nil, "https://api.github.com/", "Address of the GitHub API; for GitHub Enterprise Server `https://HOST/api/v3/`."},
		{"GITHUB_WEBHOOK_SECRET", "GitHub", true, both, "", "Secret that GitHub signs webhooks with, at least 16 characters. The app and the workers trust each other by it, too."},

		{"TFPILOT_REQUESTS_BUCKET", "Storage", false, files, "", "S3 bucket of all documents. It must enforce conditional writes; start-up tries that."},
		{"AWS_REGION", "Storage", false, files, "", "Region of the bucket. Credentials come from the AWS SDK's usual places."},
		{"AWS_ENDPOINT_URL_S3", "Storage", false, nil, "", "Address of another S3 service."},
		{"REDIS_URL", "Storage", true, all, "", "`redis://` or `rediss://` address of Redis, with `maxmemory-policy noeviction`."},

		{"OPENAI_API_KEY", "Model", true, nil, "", "Key of an OpenAI-compatible service that turns free text into a prefilled form. Without it the form opens empty."},
		{"OPENAI_BASE_URL", "Model", false, nil, "https://api.openai.com/v1", "Address of that service."},
		{"OPENAI_MODEL", "Model", false, nil, "gpt-4o-mini", "Name of the model."},

		{"TFPILOT_ADMINS", "People", false, nil, "", "GitHub logins of admins."},
		{"TFPILOT_APPROVERS", "People", false, nil, "", "GitHub logins of approvers."},
		{"TFPILOT_VIEWERS", "People", false, nil, "", "GitHub logins that may only look."},
		{"TFPILOT_ALLOWED_LOGINS", "People", false, nil, "", "GitHub logins that may use TfPilot at all; empty means every linked identity."},
		{"TFPILOT_PROD_ALLOWED_USERS", "People", false, nil, "", "GitHub logins that may plan, approve, merge and apply in protected environments; empty means nobody."},
		{"TFPILOT_DESTROY_PROD_ALLOWED_USERS", "People", false, nil, "", "GitHub logins that may destroy in protected environments; empty means nobody."},

		{"TFPILOT_HTTP_ADDR", "Process", false, nil, ":8080", "Where the app listens for webhooks and health checks."},
		{"TFPILOT_ADMIN_ADDR", "Process", false, nil, "127.0.0.1:9090", "Where a worker answers health checks; the app does on `TFPILOT_HTTP_ADDR`."},
		{"TFPILOT_PUBLIC_URL", "Process", false, nil, "", reserved + "Address of the app as people reach it."},
		{"TFPILOT_SESSION_KEY", "Process", true, nil, "", reserved + "Key for sessions, at least 32 characters."},
		{"TFPILOT_LOG_LEVEL", "Process", false, nil, "info", "`debug`, `info`, `warn` or `error`."},
		{configFile, "Process", false, nil, "tfpilot.yaml", "Path of the structure file, see below."},
	}
}

// neededBy says whether p refuses to start without v.
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
