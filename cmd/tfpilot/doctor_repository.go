package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/bootstrap"
	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/templates"
)

// examineRepositories compares the infra repository of each project with the
// configuration: its name, its workflow files, and its modules with those on offer.
func (p *parts) examineRepositories(ctx context.Context, hub *github.Client, offered []*catalog.Module) []finding {
	var found []finding
	for _, project := range p.cfg.Projects {
		repo := github.Repo{Owner: project.Owner, Name: project.Repo}
		err := examineRepository(ctx, hub, repo, project)
		found = append(found, finding{fmt.Sprintf("%s has the repository %s", project.Name, repo), err})
		var other *otherRepository
		if err != nil && !errors.As(err, &other) {
			continue // what is in it cannot be read
		}
		found = append(found,
			finding{project.Name + " has its workflow files", p.examineWorkflows(ctx, hub, repo, project)},
			examineModules(ctx, hub, repo, project, offered))
	}
	return found
}

// otherRepository is a repository that can be read and is not as tfpilot.yaml describes
// it.
type otherRepository struct{ text string }

func (e *otherRepository) Error() string { return e.text }

func examineRepository(ctx context.Context, hub *github.Client, repo github.Repo, project config.Project) error {
	info, err := hub.Repo(ctx, repo)
	if err != nil {
		return mend(err, "install the App on "+repo.String()+", or correct owner and repo of "+project.Name+" in tfpilot.yaml")
	}
	owner, name, _ := strings.Cut(info.FullName, "/")
	switch {
	case !strings.EqualFold(info.FullName, repo.String()):
		return &otherRepository{fmt.Sprintf("the repository is now called %s: set owner: %s and repo: %s for %s in tfpilot.yaml, "+
			"and name %s in the trust policies of the project's roles", info.FullName, owner, name, project.Name, info.FullName)}
	case info.Archived:
		return &otherRepository{"the repository is archived, so that nothing can be written to it; unarchive it on GitHub"}
	case info.DefaultBranch != project.Base:
		return &otherRepository{fmt.Sprintf("the default branch is %s and base of %s in tfpilot.yaml is %s: runs work on the default branch only; make them the same",
			info.DefaultBranch, project.Name, project.Base)}
	}
	return nil
}

// examineWorkflows compares the constants of the workflow files with the configuration.
func (p *parts) examineWorkflows(ctx context.Context, hub *github.Client, repo github.Repo, project config.Project) error {
	names, err := bootstrap.Workflows(templates.FS)
	if err != nil {
		return err
	}
	files := map[string][]byte{}
	for _, name := range names {
		file, err := hub.File(ctx, repo, project.Base, bootstrap.WorkflowDir+name)
		if errors.Is(err, github.ErrNotFound) {
			continue
		}
		if err != nil {
			return mend(err, "check that the App may read "+repo.String())
		}
		files[name] = file.Content
	}
	have, fault := bootstrap.Deployed(files, templates.FS)
	self, err := hub.Self(ctx)
	if err != nil {
		return mend(err, "check GITHUB_API_URL and what GitHub is asked with, GITHUB_APP_… or GITHUB_TOKEN")
	}
	errs := []error{fault}
	for _, c := range []struct{ what, have, want, of string }{
		{"project", have.Name, project.Name, "tfpilot.yaml"},
		{"requests bucket", have.RequestsBucket, p.cfg.Store.Bucket, "TFPILOT_REQUESTS_BUCKET"},
		{"region", have.Region, p.cfg.Store.Region, "the requests bucket"},
		{"actor", have.Runs.Actor, self.Login, "TfPilot on GitHub"},
		{"Terraform version", have.Terraform, catalog.TerraformVersion, "this TfPilot"},
		{"release version", have.Release.Version, released(), "this TfPilot"},
	} {
		if c.have != "" && c.want != "" && !strings.EqualFold(c.have, c.want) {
			errs = append(errs, fmt.Errorf("the %s is %.100q, and that of %s is %q", c.what, c.have, c.of, c.want))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: %s; run tfpilot bootstrap %s with the right settings and commit its %s to %s of %s",
			repo, strings.ReplaceAll(err.Error(), "\n", "; "), project.Name, strings.TrimSuffix(bootstrap.WorkflowDir, "/"), project.Base, repo)
	}
	return nil
}

var release = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+$`)

// released is the version of this program, empty unless it is one that runs can fetch.
func released() string {
	if release.MatchString(version) {
		return version
	}
	return ""
}

// examineModules names the modules that people of a project are offered and that no run
// can plan, since the repository has no code for them.
func examineModules(ctx context.Context, hub *github.Client, repo github.Repo, project config.Project, offered []*catalog.Module) finding {
	f := finding{what: project.Name + " has the modules on offer"}
	tip, err := hub.Tip(ctx, repo, project.Base)
	if err != nil {
		f.err = mend(err, "create the branch "+project.Base+" of "+repo.String())
		return f
	}
	tree, err := hub.Tree(ctx, repo, tip)
	if err != nil {
		f.err = mend(err, "check that the App may read "+repo.String())
		return f
	}
	if tree.Truncated {
		return finding{what: project.Name + ": whether the repository has the modules on offer is not known, since GitHub does not list all of its files"}
	}
	coded := map[string]bool{}
	for name := range tree.Entries {
		if path.Ext(name) == ".tf" {
			coded[path.Dir(name)] = true
		}
	}
	var missing []string
	for _, m := range offered {
		forProject := len(m.Allow.Projects) == 0 || slices.Contains(m.Allow.Projects, project.Name)
		if forProject && !coded["modules/"+m.Name] {
			missing = append(missing, "modules/"+m.Name)
		}
	}
	if len(missing) > 0 {
		f.err = fmt.Errorf("%s of %s has no .tf file in %s, and a request for it can never be planned: commit what tfpilot bootstrap %s writes there, or take the module out of the catalog",
			project.Base, repo, strings.Join(missing, ", "), project.Name)
	}
	return f
}
