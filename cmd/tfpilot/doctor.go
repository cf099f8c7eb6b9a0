package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/bootstrap"
	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/internal/terraform"
)

// newDoctor checks the configuration and every service that TfPilot needs. Each failed
// check comes with its fix.
func newDoctor() *cobra.Command {
	var roles, asJSON bool
	c := &cobra.Command{
		Use: "doctor", Short: "Check the configuration and every dependency", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := settings(config.Doctor)
			if err != nil {
				return err
			}
			if roles {
				return printRoles(visible{c.OutOrStdout()}, cfg.Policy(), asJSON)
			}
			queue.Quiet()
			return doctor(c.Context(), visible{c.OutOrStdout()}, cfg, asJSON)
		},
	}
	c.Flags().BoolVar(&roles, "roles", false, "print the role of each person")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// finding is the result of one check.
type finding struct {
	what string
	err  error
}

func doctor(ctx context.Context, out io.Writer, cfg *config.Config, asJSON bool) error {
	offered, err := loadCatalog(cfg.Catalog)
	findings := []finding{{"the module catalog can be read", err}}
	if err != nil {
		plain := *cfg
		plain.Catalog, cfg = config.Catalog{}, &plain // run the other checks anyway
		offered = &catalog.Catalog{}
	}
	p, err := open(ctx, cfg, credentials{}, newLog(slog.LevelError, false))
	if err != nil {
		return err
	}
	defer func() { _ = p.close() }()
	findings = append(findings, p.examine(ctx, offered.Modules())...)
	write := writeFindings
	if asJSON {
		write = writeFindingsJSON
	}
	if err := write(out, cfg.Warnings, findings); err != nil {
		return err
	}
	if slices.ContainsFunc(findings, func(f finding) bool { return f.err != nil }) {
		return exitCode(exitFailed)
	}
	return nil
}

// examine runs every check, even after one fails.
func (p *parts) examine(ctx context.Context, offered []*catalog.Module) []finding {
	found := []finding{
		{"bucket " + p.cfg.Store.Bucket + " supports conditional writes", p.probe(ctx)},
	}
	found = append(found, p.examineRedis(ctx)...)
	found = append(found, p.examineSlack(ctx)...)
	found = append(found, p.examineGitHub(ctx, offered)...)
	found = append(found, p.examineLocks(ctx)...)
	found = append(found, p.examineLogs(ctx)...)
	return append(found, p.examineModel(ctx)...)
}

func writeFindings(out io.Writer, notes []string, findings []finding) error {
	for _, n := range notes {
		_, _ = fmt.Fprintln(out, "note:", n)
	}
	t := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, f := range findings {
		if f.err == nil {
			_, _ = fmt.Fprintf(t, "ok\t%s\n", f.what)
			continue
		}
		_, _ = fmt.Fprintf(t, "FAIL\t%s\n\t  %v\n", f.what, f.err)
	}
	return t.Flush()
}

func writeFindingsJSON(out io.Writer, notes []string, findings []finding) error {
	type line struct {
		What  string `json:"what"`
		OK    bool   `json:"ok"`
		Error string `json:"error,omitempty"`
	}
	all := struct {
		Notes  []string `json:"notes"`
		Checks []line   `json:"checks"`
	}{append([]string{}, notes...), []line{}}
	for _, f := range findings {
		l := line{What: f.what, OK: f.err == nil}
		if f.err != nil {
			l.Error = f.err.Error()
		}
		all.Checks = append(all.Checks, l)
	}
	return json.NewEncoder(out).Encode(all)
}

// examineRedis checks that Redis responds and does not evict tasks.
func (p *parts) examineRedis(ctx context.Context) []finding {
	found := []finding{{"Redis responds", withHint(p.redis.Ping(ctx), "check REDIS_URL")}}
	if found[0].err != nil {
		return found
	}
	keeps := finding{what: "Redis does not evict tasks"}
	policy, err := p.redis.EvictionPolicy(ctx)
	switch {
	case err != nil:
		keeps.err = withHint(err, "check REDIS_URL")
	case policy == "":
		keeps.what = "cannot tell whether Redis evicts tasks: it allows neither CONFIG GET nor INFO memory. " +
			"Make sure that maxmemory-policy is noeviction"
	case policy != queue.KeepsEntries:
		keeps.err = fmt.Errorf(
			"maxmemory-policy is %.40q, so Redis may evict tasks: set it to %s",
			policy,
			queue.KeepsEntries,
		)
	}
	return append(found, keeps)
}

// examineGitHub checks the GitHub App, the infra repositories and the environments.
func (p *parts) examineGitHub(ctx context.Context, offered []*catalog.Module) []finding {
	client, err := p.github()
	if err != nil {
		return []finding{{"the GitHub settings are valid", err}}
	}
	found := p.examineApp(ctx, client)
	found = append(found, p.examineRepositories(ctx, client, offered)...)
	return append(found, p.examineEnvironments(ctx, client)...)
}

// examineApp checks the credentials and permissions of the App, the clock, the version of
// a GitHub Enterprise Server, and the webhook.
func (p *parts) examineApp(ctx context.Context, client *github.Client) []finding {
	found := []finding{p.examinePermissions(ctx, client)}
	if skew, ok := client.Skew(); ok {
		clock := finding{what: "the clock matches GitHub's"}
		if skew.Abs() > github.MaxSkew {
			clock.err = fmt.Errorf(
				"%s; synchronize it, because GitHub rejects tokens from a wrong clock",
				github.SkewInWords(skew),
			)
		}
		found = append(found, clock)
	}
	if server := client.Server(); server != "" {
		f := finding{what: "GitHub Enterprise Server " + server + " is supported"}
		if github.ServerTooOld(server) {
			f.err = fmt.Errorf(
				"TfPilot requires GitHub Enterprise Server %s or later; upgrade the server",
				github.OldestServer,
			)
		}
		found = append(found, f)
	}
	return append(found, p.examineWebhook(ctx, client)...)
}

// examinePermissions checks that the App has exactly the permissions that TfPilot needs.
func (p *parts) examinePermissions(ctx context.Context, client *github.Client) finding {
	f := finding{what: "the GitHub App has exactly the permissions that TfPilot needs"}
	if p.cfg.GitHub.Token.Set() {
		return finding{
			"GitHub accepts the token (use a GitHub App in production)",
			withHint(errOf(client.Self(ctx)), "check GITHUB_TOKEN and GITHUB_API_URL"),
		}
	}
	in, err := client.Installation(ctx)
	if err != nil {
		return finding{
			f.what,
			withHint(
				err,
				"check GITHUB_API_URL and the three GITHUB_APP_… variables, and make sure that the App is installed",
			),
		}
	}
	if in.Suspended {
		return finding{
			f.what,
			errors.New(
				"the installation of the App is suspended; an owner of the organization can unsuspend it under Settings, GitHub Apps",
			),
		}
	}
	var wrong []string
	for name, need := range github.Permissions {
		if in.Permissions[name] != need {
			wrong = append(wrong, fmt.Sprintf("%s should be %s but is %q", name, need, in.Permissions[name]))
		}
	}
	for name := range in.Permissions {
		if _, ok := github.Permissions[name]; !ok {
			wrong = append(wrong, name+" is granted but not needed")
		}
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		f.err = fmt.Errorf("%s; change the App's permissions on GitHub", strings.Join(wrong, "; "))
	}
	return f
}

func errOf[T any](_ T, err error) error { return err }

// examineEnvironments compares each environment's backend.tf with tfpilot.yaml.
func (p *parts) examineEnvironments(ctx context.Context, client *github.Client) []finding {
	var all []finding
	for _, project := range p.cfg.Projects {
		for _, e := range project.Environments {
			f := finding{what: fmt.Sprintf("%s %s: deployed, backend matches", project.Name, e)}
			f.err = examineBackend(ctx, client, project, e)
			all = append(all, f)
		}
	}
	return all
}

func examineBackend(ctx context.Context, client *github.Client, p config.Project, e config.Environment) error {
	path := e.Root() + "/backend.tf"
	file, err := client.File(ctx, github.Repo{Owner: p.Owner, Name: p.Repo}, p.Base, path)
	switch {
	case errors.Is(err, github.ErrNotFound):
		return withHint(
			err,
			"install the App on "+p.Owner+"/"+p.Repo+", run tfpilot bootstrap "+p.Name+" and commit the files",
		)
	case err != nil:
		return withHint(err, "check GITHUB_API_URL and the credentials: GITHUB_APP_… or GITHUB_TOKEN")
	}
	have, err := terraform.ParseBackend(map[string][]byte{"backend.tf": file.Content})
	if err != nil {
		return withHint(err, "fix "+path+" in "+p.Owner+"/"+p.Repo)
	}
	want := terraform.Backend{
		Bucket: e.Backend.Bucket, Key: e.Backend.Key, Region: e.Backend.Region,
		DynamoDBTable: e.Backend.DynamoDBTable, UseLockfile: e.Backend.UseLockfile, Encrypt: true,
	}
	if diff := want.Compare(have); len(diff) > 0 {
		return fmt.Errorf(
			"%s does not match tfpilot.yaml: %v; set the location of the state in tfpilot.yaml, or change the file",
			path,
			diff,
		)
	}
	lock := e.Root() + "/" + bootstrap.LockFile
	if _, err := client.File(ctx, github.Repo{Owner: p.Owner, Name: p.Repo}, p.Base, lock); err != nil {
		return withHint(
			err,
			"runs fail without "+lock+": commit the one that tfpilot bootstrap writes, or run terraform providers lock",
		)
	}
	return nil
}

func printRoles(out io.Writer, policy rbac.Policy, asJSON bool) error {
	people := map[string]bool{}
	for _, list := range [][]string{
		policy.Admins, policy.Approvers, policy.Viewers, policy.AllowedLogins, policy.ProdAllowed, policy.DestroyProdAllowed,
	} {
		for _, login := range list {
			people[lifecycle.FoldLogin(login)] = true
		}
	}
	type line struct {
		Login string    `json:"login"`
		Role  rbac.Role `json:"role"`
	}
	roles := []line{}
	for _, login := range slices.Sorted(maps.Keys(people)) {
		roles = append(roles, line{login, policy.Role(rbac.Subject{Login: login})})
	}
	rest := policy.Role(rbac.Subject{Login: "someone-else"})
	if asJSON {
		return json.NewEncoder(out).Encode(map[string]any{"roles": roles, "everybodyElse": rest})
	}
	t := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, l := range roles {
		_, _ = fmt.Fprintf(t, "%s\t%s\n", l.Login, l.Role)
	}
	_, _ = fmt.Fprintln(t, "everyone else with a linked account\t"+string(rest))
	return t.Flush()
}
