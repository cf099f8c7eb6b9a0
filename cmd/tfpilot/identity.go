package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/worker"
)

// approvalsDismissed follows the confirmation that a link was removed.
const approvalsDismissed = "Approvals by this user that are not applied yet no longer count."

// newIdentities links Slack users to GitHub accounts. Permissions come from the GitHub
// login, so only an admin may link an account.
func newIdentities() *cobra.Command {
	k := &console{}
	c := &cobra.Command{Use: "identities", Short: "Link Slack users to GitHub accounts"}
	c.PersistentFlags().StringVar(&k.as, "as", "", "GitHub login to act as; an admin")
	c.PersistentFlags().BoolVar(&k.json, "json", false, "print JSON")
	var id lifecycle.Identity
	link := k.command("link", "Link a Slack user", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		if k.as == "" {
			return cli.Usagef("--as LOGIN is required")
		}
		linked, err := k.requests.Link(ctx, k.as, id)
		if err != nil {
			return k.refused(err, "")
		}
		return k.say(fmt.Sprintf("Linked Slack user %s to GitHub login %s.", id.SlackUser, id.Login), linked)
	})
	unlink := k.command("unlink", "Unlink a Slack user", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		if k.as == "" {
			return cli.Usagef("--as LOGIN is required")
		}
		if err := k.requests.Unlink(ctx, k.as, id); err != nil {
			return k.refused(err, "")
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

func newReindex() *cobra.Command {
	k := &console{}
	c := k.command(
		"reindex",
		"Rebuild the index of requests from the bucket",
		cobra.NoArgs,
		func(ctx context.Context, _ []string) error {
			if _, err := k.may(ctx, rbac.Reindex, rbac.Scope{}); err != nil {
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
