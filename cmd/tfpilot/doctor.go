package main

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/doctor"
	"github.com/tfpilot/tfpilot/internal/queue"
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
				return doctor.WriteRoles(terminal.Visible(c.OutOrStdout()), cfg.Policy(), asJSON)
			}
			queue.Quiet()
			findings, err := doctor.Run(c.Context(), cfg, version)
			if err != nil {
				return err
			}
			write := doctor.Write
			if asJSON {
				write = doctor.WriteJSON
			}
			if err := write(terminal.Visible(c.OutOrStdout()), cfg.Warnings, findings); err != nil {
				return err
			}
			if slices.ContainsFunc(findings, doctor.Finding.Failed) {
				return cli.ExitCode(cli.Failed)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&roles, "roles", false, "print the role of each person")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}
