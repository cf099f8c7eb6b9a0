package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/worker"
)

// newIdentities links Slack users to GitHub accounts. Permissions come from the GitHub
// login, so only an admin may link an account.
func newIdentities() *cobra.Command {
	k := &console{}
	c := &cobra.Command{Use: "identities", Short: "Link Slack users to GitHub accounts"}
	c.PersistentFlags().StringVar(&k.as, "as", "", "GitHub login to act as; an admin")
	c.PersistentFlags().BoolVar(&k.json, "json", false, "print JSON")
	var id lifecycle.Identity
	link := k.command("link", "Link a Slack user", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		if err := errors.Join(checkSlackUser(id), checkAccount(id)); err != nil {
			return cli.UsageError{Err: err}
		}
		if err := k.mayLink(); err != nil {
			return err
		}
		for have, err := range k.Store.Identities(ctx) {
			if err != nil {
				return err
			}
			if sharesAccount(have, id) {
				return fmt.Errorf(
					"%s (%d) is already linked to the Slack user %s; unlink that user first",
					have.Login,
					have.GithubID,
					have.SlackUser,
				)
			}
		}
		id.LinkedAt, id.LinkedBy = time.Now().UTC(), k.as
		if err := k.Store.PutIdentity(ctx, id); err != nil {
			return err
		}
		return k.say(fmt.Sprintf("Linked Slack user %s to GitHub login %s.", id.SlackUser, id.Login), id)
	})
	unlink := k.command("unlink", "Unlink a Slack user", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		if err := checkSlackUser(id); err != nil {
			return cli.UsageError{Err: err}
		}
		if err := k.mayLink(); err != nil {
			return err
		}
		if err := k.Store.DeleteIdentity(ctx, id.SlackTeam, id.SlackUser); err != nil {
			return err
		}
		unlinked := map[string]any{"slackTeam": id.SlackTeam, "slackUser": id.SlackUser, "linked": false}
		return k.say(fmt.Sprintf("Unlinked Slack user %s. %s", id.SlackUser, approvalsDismissed), unlinked)
	})
	list := k.command("list", "List linked users", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		all := []lifecycle.Identity{}
		for have, err := range k.Store.Identities(ctx) {
			if err != nil {
				return err
			}
			all = append(all, have)
		}
		return k.identities(all)
	})
	for _, sub := range []*cobra.Command{link, unlink} {
		sub.Flags().StringVar(&id.SlackTeam, "team", "", "Slack workspace ID, T…")
		sub.Flags().StringVar(&id.SlackUser, "user", "", "Slack user ID, U…")
	}
	link.Flags().StringVar(&id.Login, "login", "", "GitHub login")
	link.Flags().Int64Var(&id.GithubID, "github-id", 0, "GitHub user ID (gh api users/LOGIN -q .id)")
	c.AddCommand(link, unlink, list)
	return c
}

var (
	slackTeam = regexp.MustCompile(`^[TE][A-Z0-9]{1,31}$`)
	slackUser = regexp.MustCompile(`^[UW][A-Z0-9]{1,31}$`)
)

// approvalsDismissed follows the confirmation that a link was removed.
const approvalsDismissed = "Approvals by this user that are not applied yet no longer count."

func checkSlackUser(id lifecycle.Identity) error {
	var team, user error
	if !slackTeam.MatchString(id.SlackTeam) {
		team = fmt.Errorf("--team: invalid Slack workspace ID %q: want one such as T0ACME0001", id.SlackTeam)
	}
	if !slackUser.MatchString(id.SlackUser) {
		user = fmt.Errorf(
			"--user: invalid Slack user ID %q: want one such as U0DANA0001, from the profile of the person",
			id.SlackUser,
		)
	}
	return errors.Join(team, user)
}

func checkAccount(id lifecycle.Identity) error {
	var login, number error
	if !lifecycle.NameLogin.Valid(id.Login) {
		login = fmt.Errorf("--login: invalid GitHub login %q: omit the @", id.Login)
	}
	if id.GithubID <= 0 {
		number = fmt.Errorf(
			"--github-id: invalid GitHub user ID %d: get it with gh api users/LOGIN -q .id",
			id.GithubID,
		)
	}
	return errors.Join(login, number)
}

func (k *console) identities(all []lifecycle.Identity) error {
	if k.json {
		return k.print(all)
	}
	if len(all) == 0 {
		return k.say("No Slack users are linked. Run 'tfpilot identities link --help'.", nil)
	}
	t := tabwriter.NewWriter(k.out, 0, 4, 2, ' ', 0)
	for _, id := range all {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%d\n", id.SlackTeam, id.SlackUser, id.Login, id.GithubID)
	}
	return t.Flush()
}

// mayLink reports an error unless the person is an admin: a linked user gets the permissions of the login.
func (k *console) mayLink() error {
	if k.as == "" {
		return cli.Usagef("--as LOGIN is required")
	}
	if d := k.Config.Policy().Decide(rbac.Subject{Login: k.as}, rbac.LinkIdentity, rbac.Scope{}); !d.Allowed {
		return errors.New(d.Reason)
	}
	return nil
}

// sharesAccount reports whether two Slack users would be linked to one GitHub account, by ID or by login.
// One person could then approve their own request.
func sharesAccount(have, id lifecycle.Identity) bool {
	same := have.GithubID == id.GithubID || lifecycle.SameLogin(have.Login, id.Login)
	return same && (have.SlackTeam != id.SlackTeam || have.SlackUser != id.SlackUser)
}

func newReindex() *cobra.Command {
	k := &console{}
	c := k.command(
		"reindex",
		"Rebuild the index of requests from the bucket",
		cobra.NoArgs,
		func(ctx context.Context, _ []string) error {
			if err := k.may(ctx, rbac.Reindex); err != nil {
				return err
			}
			if err := worker.Reindex(ctx, k.Store, k.Index); err != nil {
				return err
			}
			return k.say("Rebuilt the index.", map[string]any{"built": true})
		},
	)
	c.Flags().StringVar(&k.as, "as", "", "GitHub login to act as; an admin")
	c.Flags().BoolVar(&k.json, "json", false, "print JSON")
	return c
}
