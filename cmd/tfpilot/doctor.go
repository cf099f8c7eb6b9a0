package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/doctor"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/internal/terminal"
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
				return printRoles(terminal.Visible(c.OutOrStdout()), cfg.Policy(), asJSON)
			}
			queue.Quiet()
			findings, err := doctor.Run(c.Context(), cfg, version)
			if err != nil {
				return err
			}
			write := writeFindings
			if asJSON {
				write = writeFindingsJSON
			}
			if err := write(terminal.Visible(c.OutOrStdout()), cfg.Warnings, findings); err != nil {
				return err
			}
			if slices.ContainsFunc(findings, func(f doctor.Finding) bool { return f.Err != nil }) {
				return cli.ExitCode(cli.Failed)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&roles, "roles", false, "print the role of each person")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func writeFindings(out io.Writer, notes []string, findings []doctor.Finding) error {
	for _, n := range notes {
		_, _ = fmt.Fprintln(out, "note:", n)
	}
	t := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, f := range findings {
		if f.Err == nil {
			_, _ = fmt.Fprintf(t, "ok\t%s\n", f.What)
			continue
		}
		_, _ = fmt.Fprintf(t, "FAIL\t%s\n\t  %v\n", f.What, f.Err)
	}
	return t.Flush()
}

func writeFindingsJSON(out io.Writer, notes []string, findings []doctor.Finding) error {
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
		l := line{What: f.What, OK: f.Err == nil}
		if f.Err != nil {
			l.Error = f.Err.Error()
		}
		all.Checks = append(all.Checks, l)
	}
	return json.NewEncoder(out).Encode(all)
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
