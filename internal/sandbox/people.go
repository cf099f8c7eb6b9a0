package sandbox

import (
	"crypto/rsa"
	"path/filepath"

	"github.com/tfpilot/tfpilot/internal/sim/github"
	"github.com/tfpilot/tfpilot/internal/sim/slack"
)

// The simulated company.
const (
	Region = "eu-central-1"
	Team   = "T0ACME0001"

	appID          = 4242
	installationID = 777001
	modelName      = "sandbox-1"
)

// PlanRole returns the ARN of the role that plans in a project.
func PlanRole(project string) string { return "arn:aws:iam::000000000000:role/tfpilot-plan-" + project }

// ApplyRole returns the ARN of the role that applies in a project.
func ApplyRole(project string) string {
	return "arn:aws:iam::000000000000:role/tfpilot-apply-" + project
}

// Person is an employee of the simulated company.
type Person struct {
	Login     string
	Name      string
	GithubID  int64
	SlackUser string
}

// People lists the employees: a developer, two approvers, an admin and a viewer.
var People = []Person{
	{"dana", "Dana Diaz", 1001, "U0DANA0001"},
	{"ana", "Ana Anders", 1002, "U0ANA00002"},
	{"omar", "Omar Osei", 1003, "U0OMAR0003"},
	{"adam", "Adam Abel", 1004, "U0ADAM0004"},
	{"vic", "Vic Vance", 1005, "U0VIC00005"},
}

// Channels lists the channels of the workspace by id.
var Channels = map[string]string{
	"C0INFRADEV": "infra-dev", "C0INFRAPRD": "infra-prod", "C0PAYMENTS": "payments",
}

func (s *Sandbox) workspace(sec secrets) slack.Config {
	cfg := slack.Config{
		Team:     slack.Team{ID: Team, Name: "Acme", Domain: "acme"},
		Bot:      slack.Bot{UserID: "U0TFPILOT0", Name: "tfpilot"},
		BotToken: sec.SlackBot, AppToken: sec.SlackApp, Manifest: s.cfg.Manifest,
		BaseURL: s.url("slack"), DataDir: filepath.Join(s.cfg.Dir, "slack"), Log: s.cfg.Log,
	}
	for _, p := range People {
		cfg.Users = append(cfg.Users,
			slack.User{ID: p.SlackUser, Name: p.Login, RealName: p.Name, Email: p.Login + "@acme.example"})
	}
	for _, id := range []string{"C0INFRADEV", "C0INFRAPRD", "C0PAYMENTS"} {
		cfg.Channels = append(cfg.Channels, slack.Channel{ID: id, Name: Channels[id]})
	}
	return cfg
}

func (s *Sandbox) githubConfig(sec secrets, public *rsa.PublicKey) github.Config {
	cfg := github.Config{
		BaseURL: s.url("github"), DataDir: filepath.Join(s.cfg.Dir, "github"),
		App: github.App{ID: appID, Slug: "tfpilot", Name: "TfPilot", BotID: 9001, InstallationID: installationID,
			Owner: "acme", PublicKey: public},
		Assets: s.cfg.Assets, Runner: s.runner(sec),
		WebhookURL: "http://" + s.addr("app") + "/api/github/webhook", WebhookSecret: sec.Webhook,
		Log: s.cfg.Log,
	}
	for _, p := range People {
		cfg.Users = append(cfg.Users,
			github.User{Login: p.Login, ID: p.GithubID, Name: p.Name, Token: sec.GitHubTokens[p.Login]})
	}
	for _, r := range s.repos {
		cfg.Repos = append(cfg.Repos, github.Repo{
			Owner: r.Owner, Name: r.Name, Files: r.Files,
			Roles: map[string]string{"adam": "admin", "ana": "write", "omar": "write", "dana": "write", "vic": "read"},
		})
	}
	return cfg
}
