// Package doctor checks the configuration and every service that TfPilot needs, and the infra repositories.
// Each check is data: what was checked, and the error with how to fix it. No check changes anything.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/bootstrap"
	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/release"
	"github.com/tfpilot/tfpilot/internal/terraform"
	"github.com/tfpilot/tfpilot/internal/wire"
)

// Finding is the result of one check.
type Finding struct {
	What string // required
	Err  error  // what is wrong and how to fix it; nil if nothing is
}

// Failed reports whether something is wrong.
func (f Finding) Failed() bool { return f.Err != nil }

// exam is one run of the checks.
type exam struct {
	*wire.Parts
	offered []*catalog.Module // can be requested
	release string            // version of this TfPilot, or "" if it is not a release
}

// Run runs every check, even after one fails. It returns an error when it can start none. version is
// the version of this TfPilot.
func Run(ctx context.Context, cfg *config.Config, version string) ([]Finding, error) {
	offered, err := wire.LoadCatalog(cfg.Catalog)
	findings := []Finding{{"the module catalog can be read", err}}
	if err != nil {
		plain := *cfg
		plain.Catalog, cfg = config.Catalog{}, &plain // run the other checks anyway
		offered = &catalog.Catalog{}
	}
	p, err := wire.Open(ctx, cfg, wire.Credentials{}, wire.NewLog(slog.LevelError, false))
	if err != nil {
		return nil, err
	}
	defer func() { _ = p.Close() }()
	x := exam{p, offered.Modules(), release.Published(version)}
	return append(findings, x.run(ctx)...), nil
}

func (x exam) run(ctx context.Context) []Finding {
	found := []Finding{
		{"bucket " + x.Config.Store.Bucket + " supports conditional writes", x.Probe(ctx)},
	}
	found = append(found, x.redis(ctx)...)
	found = append(found, x.slack(ctx)...)
	found = append(found, x.github(ctx)...)
	found = append(found, x.locks(ctx)...)
	found = append(found, x.logs(ctx)...)
	return append(found, x.model(ctx)...)
}

// redis checks that Redis responds and does not evict tasks.
func (x exam) redis(ctx context.Context) []Finding {
	found := []Finding{{"Redis responds", wire.Hint(x.Redis.Ping(ctx), "check REDIS_URL")}}
	if found[0].Err != nil {
		return found
	}
	keeps := Finding{What: "Redis does not evict tasks"}
	policy, err := x.Redis.EvictionPolicy(ctx)
	switch {
	case err != nil:
		keeps.Err = wire.Hint(err, "check REDIS_URL")
	case policy == "":
		keeps.What = "cannot tell whether Redis evicts tasks: it allows neither CONFIG GET nor INFO memory. " +
			"Make sure that maxmemory-policy is noeviction"
	case policy != queue.KeepsEntries:
		keeps.Err = fmt.Errorf(
			"maxmemory-policy is %.40q, so Redis may evict tasks: set it to %s",
			policy,
			queue.KeepsEntries,
		)
	}
	return append(found, keeps)
}

// github checks the GitHub App, the infra repositories and the environments.
func (x exam) github(ctx context.Context) []Finding {
	client, err := x.GitHub()
	if err != nil {
		return []Finding{{"the GitHub settings are valid", err}}
	}
	found := x.app(ctx, client)
	found = append(found, x.repositories(ctx, client)...)
	return append(found, x.environments(ctx, client)...)
}

// app checks the credentials and permissions of the App, the clock, the version of
// a GitHub Enterprise Server, and the webhook.
func (x exam) app(ctx context.Context, client *github.Client) []Finding {
	found := []Finding{x.permissions(ctx, client)}
	if skew, ok := client.Skew(); ok {
		clock := Finding{What: "the clock matches GitHub's"}
		if skew.Abs() > github.MaxSkew {
			clock.Err = fmt.Errorf(
				"%s; synchronize it, because GitHub rejects tokens from a wrong clock",
				github.SkewInWords(skew),
			)
		}
		found = append(found, clock)
	}
	if server := client.Server(); server != "" {
		f := Finding{What: "GitHub Enterprise Server " + server + " is supported"}
		if github.ServerTooOld(server) {
			f.Err = fmt.Errorf(
				"TfPilot requires GitHub Enterprise Server %s or later; upgrade the server",
				github.OldestServer,
			)
		}
		found = append(found, f)
	}
	return append(found, x.webhook(ctx, client)...)
}

// permissions checks that the App has exactly the permissions that TfPilot needs.
func (x exam) permissions(ctx context.Context, client *github.Client) Finding {
	f := Finding{What: "the GitHub App has exactly the permissions that TfPilot needs"}
	if x.Config.GitHub.Token.Set() {
		return Finding{
			"GitHub accepts the token (use a GitHub App in production)",
			wire.Hint(errOf(client.Self(ctx)), "check GITHUB_TOKEN and GITHUB_API_URL"),
		}
	}
	in, err := client.Installation(ctx)
	if err != nil {
		return Finding{
			f.What,
			wire.Hint(
				err,
				"check GITHUB_API_URL and the three GITHUB_APP_… variables, and make sure that the App is installed",
			),
		}
	}
	if in.Suspended {
		return Finding{
			f.What,
			errors.New(
				"the installation of the App is suspended; an owner of the organization can unsuspend it under Settings, " +
					"GitHub Apps",
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
		f.Err = fmt.Errorf("%s; change the App's permissions on GitHub", strings.Join(wrong, "; "))
	}
	return f
}

func errOf[T any](_ T, err error) error { return err }

// environments compares each environment's backend.tf with tfpilot.yaml.
func (x exam) environments(ctx context.Context, client *github.Client) []Finding {
	var all []Finding
	for _, project := range x.Config.Projects {
		for _, e := range project.Environments {
			f := Finding{What: fmt.Sprintf("%s %s: deployed, backend matches", project.Name, e)}
			f.Err = backendFault(ctx, client, project, e)
			all = append(all, f)
		}
	}
	return all
}

func backendFault(ctx context.Context, client *github.Client, p config.Project, e config.Environment) error {
	path := e.Root() + "/backend.tf"
	file, err := client.File(ctx, github.Repo{Owner: p.Owner, Name: p.Repo}, p.Base, path)
	switch {
	case errors.Is(err, github.ErrNotFound):
		return wire.Hint(
			err,
			"install the App on "+p.Owner+"/"+p.Repo+", run tfpilot bootstrap "+p.Name+" and commit the files",
		)
	case err != nil:
		return wire.Hint(err, "check GITHUB_API_URL and the credentials: GITHUB_APP_… or GITHUB_TOKEN")
	}
	have, err := terraform.ParseBackend(map[string][]byte{"backend.tf": file.Content})
	if err != nil {
		return wire.Hint(err, "fix "+path+" in "+p.Owner+"/"+p.Repo)
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
		return wire.Hint(
			err,
			"runs fail without "+lock+": commit the one that tfpilot bootstrap writes, or run terraform providers lock",
		)
	}
	return nil
}
