package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/worker"
)

// newIdentities is how an operator says which GitHub account a Slack user owns.
// Rights come from the GitHub login, so nobody may link themselves unproved.
func newIdentities() *cobra.Command {
	k := &console{}
	c := &cobra.Command{Use: "identities", Short: "Link Slack users to GitHub accounts"}
	c.PersistentFlags().StringVar(&k.as, "as", "", "GitHub login of whoever links; an admin")
	c.PersistentFlags().BoolVar(&k.json, "json", false, "print JSON")
	var id lifecycle.Identity
	link := k.command("link", "Link a Slack user", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		if err := errors.Join(checkSlackUser(id), checkAccount(id)); err != nil {
			return usageError{err}
		}
		if err := k.mayLink(); err != nil {
			return err
		}
		for have, err := range k.store.Identities(ctx) {
			if err != nil {
				return err
			}
			if sharesAccount(have, id) {
				return fmt.Errorf("%s (%d) is linked to the Slack user %s already; unlink that first", have.Login, have.GithubID, have.SlackUser)
			}
		}
		id.LinkedAt, id.LinkedBy = time.Now().UTC(), k.as
		if err := k.store.PutIdentity(ctx, id); err != nil {
			return err
		}
		return k.say(fmt.Sprintf("The Slack user %s is %s on GitHub now.", id.SlackUser, id.Login), id)
	})
	unlink := k.command("unlink", "Unlink a Slack user", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		if err := checkSlackUser(id); err != nil {
			return usageError{err}
		}
		if err := k.mayLink(); err != nil {
			return err
		}
		if err := k.store.DeleteIdentity(ctx, id.SlackTeam, id.SlackUser); err != nil {
			return err
		}
		gone := map[string]any{"slackTeam": id.SlackTeam, "slackUser": id.SlackUser, "linked": false}
		return k.say(fmt.Sprintf("The Slack user %s is linked to nobody now. %s", id.SlackUser, approvalsFall), gone)
	})
	list := k.command("list", "List linked users", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		all := []lifecycle.Identity{}
		for have, err := range k.store.Identities(ctx) {
			if err != nil {
				return err
			}
			all = append(all, have)
		}
		return k.identities(all)
	})
	for _, sub := range []*cobra.Command{link, unlink} {
		sub.Flags().StringVar(&id.SlackTeam, "team", "", "Slack team id, T…")
		sub.Flags().StringVar(&id.SlackUser, "user", "", "Slack user id, U…")
	}
	link.Flags().StringVar(&id.Login, "login", "", "GitHub login")
	link.Flags().Int64Var(&id.GithubID, "github-id", 0, "GitHub user id (gh api users/LOGIN -q .id)")
	c.AddCommand(link, unlink, list)
	return c
}

var (
	slackTeam = regexp.MustCompile(`^[TE][A-Z0-9]{1,31}$`)
	slackUser = regexp.MustCompile(`^[UW][A-Z0-9]{1,31}$`)
)

// approvalsFall is said when a link changes.
const approvalsFall = "What this user approved counts no more unless it was applied already."

func checkSlackUser(id lifecycle.Identity) error {
	var team, user error
	if !slackTeam.MatchString(id.SlackTeam) {
		team = fmt.Errorf("--team: %q is no id of a Slack workspace; write one such as T0ACME0001", id.SlackTeam)
	}
	if !slackUser.MatchString(id.SlackUser) {
		user = fmt.Errorf("--user: %q is no id of a Slack user; write one such as U0DANA0001, from the person's profile", id.SlackUser)
	}
	return errors.Join(team, user)
}

func checkAccount(id lifecycle.Identity) error {
	var login, number error
	if !lifecycle.NameLogin.Valid(id.Login) {
		login = fmt.Errorf("--login: %q is no GitHub login; write it without @", id.Login)
	}
	if id.GithubID <= 0 {
		number = fmt.Errorf("--github-id: %d is no id of a GitHub account; gh api users/LOGIN -q .id tells it", id.GithubID)
	}
	return errors.Join(login, number)
}

func (k *console) identities(all []lifecycle.Identity) error {
	if k.json {
		return k.print(all)
	}
	if len(all) == 0 {
		return k.say("Nobody is linked yet. Link somebody: tfpilot identities link --help", nil)
	}
	t := tabwriter.NewWriter(k.out, 0, 4, 2, ' ', 0)
	for _, id := range all {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%d\n", id.SlackTeam, id.SlackUser, id.Login, id.GithubID)
	}
	return t.Flush()
}

// mayLink keeps linking to the admins: whoever is linked has the rights of the login.
func (k *console) mayLink() error {
	if k.as == "" {
		return usagef("say who you are with --as LOGIN")
	}
	if d := k.cfg.Policy().Decide(rbac.Subject{Login: k.as}, rbac.LinkIdentity, rbac.Scope{}); !d.Allowed {
		return errors.New(d.Reason)
	}
	return nil
}

// sharesAccount says that two Slack users would stand for one GitHub account, by id or
// by login: one person could then approve what they asked for.
func sharesAccount(have, id lifecycle.Identity) bool {
	same := have.GithubID == id.GithubID || lifecycle.SameLogin(have.Login, id.Login)
	return same && (have.SlackTeam != id.SlackTeam || have.SlackUser != id.SlackUser)
}

func newReindex() *cobra.Command {
	k := &console{}
	c := k.command("reindex", "Build the index of requests from the bucket", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		if err := k.may(ctx, rbac.Reindex); err != nil {
			return err
		}
		if err := worker.Reindex(ctx, k.store, k.index); err != nil {
			return err
		}
		return k.say("The index is built.", map[string]any{"built": true})
	})
	c.Flags().StringVar(&k.as, "as", "", "GitHub login whose rights count; an admin")
	c.Flags().BoolVar(&k.json, "json", false, "print JSON")
	return c
}
