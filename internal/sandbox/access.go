package sandbox

import "strconv"

// Access holds every address and credential of a running sandbox. The start-up line prints it with
// --json, and an app and a worker take their environment from it.
type Access struct {
	Page       string            `json:"page"`
	Slack      string            `json:"slack"`
	GitHub     string            `json:"github"`
	S3         string            `json:"s3"`
	Cloud      string            `json:"cloud"`
	CloudToken string            `json:"cloudToken"` // bearer token of the cloud
	Model      string            `json:"model"`
	Redis      string            `json:"redis"`
	App        string            `json:"app"`
	Clone      []string          `json:"clone"` // addresses for git clone
	Env        map[string]string `json:"env"`   // for `tfpilot app`, `tfpilot worker`, `tfpilot requests`
	People     []PersonAccess    `json:"people"`
	Keys       []Key             `json:"keys"` // S3 access keys, by principal
	Data       string            `json:"data"`
}

// PersonAccess holds the Slack and GitHub identity of a person and how they sign in.
type PersonAccess struct {
	Login       string `json:"login"`
	GithubID    int64  `json:"githubId"`
	SlackTeam   string `json:"slackTeam"`
	SlackUser   string `json:"slackUser"`
	GitHubToken string `json:"githubToken"`
}

// Key is an S3 access key.
type Key struct {
	Principal string `json:"principal"`
	AccessKey string `json:"accessKeyId"`
	Secret    string `json:"secretAccessKey"`
}

func (s *Sandbox) access(sec secrets) Access {
	a := Access{
		Page: s.url("page"), Slack: s.url("slack"), GitHub: s.url("github"), S3: s.url("s3"), Cloud: s.url("cloud"),
		CloudToken: sec.CloudToken,
		Model:      s.url("model"), App: s.url("app"), Data: s.cfg.Dir,
		Redis: "redis://:" + sec.RedisPassword + "@" + s.addr("redis") + "/0",
	}
	for _, r := range s.repos {
		a.Clone = append(a.Clone, s.url("github")+"/"+r.Owner+"/"+r.Name+".git")
	}
	for _, p := range People {
		a.People = append(a.People, PersonAccess{p.Login, p.GithubID, Team, p.SlackUser, sec.GitHubTokens[p.Login]})
	}
	for _, p := range s.cfg.Principals {
		a.Keys = append(a.Keys, Key{p.Name, sec.Principals[p.Name].AccessKey, sec.Principals[p.Name].Secret})
	}
	a.Env = s.env(sec, a)
	return a
}

// env returns the environment of the product's processes, under the names that a real deployment uses.
// The secrets belong to the sandbox and open nothing else.
func (s *Sandbox) env(sec secrets, a Access) map[string]string {
	return map[string]string{
		"SLACK_BOT_TOKEN": sec.SlackBot, "SLACK_APP_TOKEN": sec.SlackApp, "SLACK_API_URL": a.Slack + "/api/",
		"GITHUB_APP_ID": strconv.Itoa(appID), "GITHUB_APP_INSTALLATION_ID": strconv.Itoa(installationID),
		"GITHUB_APP_PRIVATE_KEY": sec.PrivateKey, "GITHUB_API_URL": a.GitHub + "/api/v3/",
		"GITHUB_WEBHOOK_SECRET":   sec.Webhook,
		"TFPILOT_REQUESTS_BUCKET": s.cfg.Buckets[0], "AWS_REGION": Region, "AWS_ENDPOINT_URL_S3": a.S3,
		"AWS_ACCESS_KEY_ID": sec.Principals["app"].AccessKey, "AWS_SECRET_ACCESS_KEY": sec.Principals["app"].Secret,
		"REDIS_URL": a.Redis, "OPENAI_API_KEY": sec.ModelKey, "OPENAI_BASE_URL": a.Model + "/v1", "OPENAI_MODEL": modelName,
		"TFPILOT_ADMINS": "adam", "TFPILOT_APPROVERS": "ana,omar", "TFPILOT_VIEWERS": "vic",
		"TFPILOT_PROD_ALLOWED_USERS": "omar,adam", "TFPILOT_DESTROY_PROD_ALLOWED_USERS": "adam",
		"TFPILOT_HTTP_ADDR": s.addr("app"), "TFPILOT_ADMIN_ADDR": "127.0.0.1:0", "TFPILOT_PUBLIC_URL": a.App,
	}
}
