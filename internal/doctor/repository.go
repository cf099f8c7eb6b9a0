package doctor

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/bootstrap"
	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/wire"
	"github.com/tfpilot/tfpilot/templates"
)

// repositories compares the infra repository of each project with the
// configuration: its name, its workflow files and its modules.
func (x exam) repositories(ctx context.Context, client *github.Client) []Finding {
	var found []Finding
	for _, project := range x.Config.Projects {
		repo := github.Repo{Owner: project.Owner, Name: project.Repo}
		err := repositoryFault(ctx, client, repo, project)
		found = append(found, Finding{fmt.Sprintf("%s: repository %s matches tfpilot.yaml", project.Name, repo), err})
		var other *otherRepository
		if err != nil && !errors.As(err, &other) {
			continue // its content cannot be read
		}
		found = append(found,
			Finding{project.Name + ": workflow files are up to date", x.workflows(ctx, client, repo, project)},
			missingModules(ctx, client, repo, project, x.offered))
	}
	return found
}

// otherRepository is an error about a repository that can be read but does not match
// tfpilot.yaml.
type otherRepository struct{ text string }

func (e *otherRepository) Error() string { return e.text }

func repositoryFault(ctx context.Context, client *github.Client, repo github.Repo, project config.Project) error {
	info, err := client.Repo(ctx, repo)
	if err != nil {
		return wire.Hint(
			err,
			"install the App on "+repo.String()+", or correct owner and repo of "+project.Name+" in tfpilot.yaml",
		)
	}
	owner, name, _ := strings.Cut(info.FullName, "/")
	switch {
	case !strings.EqualFold(info.FullName, repo.String()):
		return &otherRepository{
			fmt.Sprintf("the repository is now called %s: set owner: %s and repo: %s for %s in tfpilot.yaml, "+
				"and use %s in the trust policies of the project's roles", info.FullName, owner, name, project.Name,
				info.FullName),
		}
	case info.Archived:
		return &otherRepository{"the repository is archived, so TfPilot cannot write to it; unarchive it on GitHub"}
	case info.DefaultBranch != project.Base:
		return &otherRepository{fmt.Sprintf("the default branch is %s, but base of %s in tfpilot.yaml is %s: "+
			"workflows run only on the default branch, so make them the same",
			info.DefaultBranch, project.Name, project.Base)}
	}
	return nil
}

// workflows compares the constants of the workflow files with the configuration.
func (x exam) workflows(
	ctx context.Context,
	client *github.Client,
	repo github.Repo,
	project config.Project,
) error {
	names, err := bootstrap.Workflows(templates.FS)
	if err != nil {
		return err
	}
	files := map[string][]byte{}
	for _, name := range names {
		file, err := client.File(ctx, repo, project.Base, bootstrap.WorkflowDir+name)
		if errors.Is(err, github.ErrNotFound) {
			continue
		}
		if err != nil {
			return wire.Hint(err, "check that the App may read "+repo.String())
		}
		files[name] = file.Content
	}
	have, fault := bootstrap.Deployed(files, templates.FS)
	self, err := client.Self(ctx)
	if err != nil {
		return wire.Hint(err, "check GITHUB_API_URL and the credentials: GITHUB_APP_… or GITHUB_TOKEN")
	}
	errs := []error{fault}
	for _, c := range []struct{ what, have, want, of string }{
		{"project", have.Name, project.Name, "tfpilot.yaml"},
		{"requests bucket", have.RequestsBucket, x.Config.Store.Bucket, "TFPILOT_REQUESTS_BUCKET"},
		{"region", have.Region, x.Config.Store.Region, "the requests bucket"},
		{"actor", have.Runs.Actor, self.Login, "TfPilot on GitHub"},
		{"Terraform version", have.Terraform, catalog.TerraformVersion, "this TfPilot"},
		{"release version", have.Release.Version, x.release, "this TfPilot"},
	} {
		if c.have != "" && c.want != "" && !strings.EqualFold(c.have, c.want) {
			errs = append(errs, fmt.Errorf("the %s is %.100q, but in %s it is %q", c.what, c.have, c.of, c.want))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf(
			"%s: %s; run tfpilot bootstrap %s with the right settings and commit its %s to %s of %s",
			repo,
			strings.ReplaceAll(err.Error(), "\n", "; "),
			project.Name,
			strings.TrimSuffix(bootstrap.WorkflowDir, "/"),
			project.Base,
			repo,
		)
	}
	return nil
}

// missingModules lists modules of the catalog that no run of the project can plan, because
// the repository has no code for them.
func missingModules(
	ctx context.Context,
	client *github.Client,
	repo github.Repo,
	project config.Project,
	offered []*catalog.Module,
) Finding {
	f := Finding{What: project.Name + ": modules of the catalog are committed"}
	tip, err := client.Tip(ctx, repo, project.Base)
	if err != nil {
		f.Err = wire.Hint(err, "create the branch "+project.Base+" of "+repo.String())
		return f
	}
	tree, err := client.Tree(ctx, repo, tip)
	if err != nil {
		f.Err = wire.Hint(err, "check that the App may read "+repo.String())
		return f
	}
	if tree.Truncated {
		return Finding{
			What: project.Name + ": modules not checked, because the repository is too large for GitHub to list its files",
		}
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
		f.Err = fmt.Errorf("branch %s of %s has no .tf file in %s, so requests for it can never be planned: "+
			"commit the files that tfpilot bootstrap %s writes there, or remove the module from the catalog",
			project.Base, repo, strings.Join(missing, ", "), project.Name)
	}
	return f
}
