package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/request/requesttest"
)

const refusalYAML = `projects:
  - name: core
    owner: acme
    repo: infra-core
    environments:
      - {key: dev, slug: app, channel: C0INFRADEV, backend: {bucket: dev-states}}
      - {key: prod, slug: app, channel: C0INFRAPRD, protected: true, backend: {bucket: prod-states}}
`

// TestRefusals plays every refusal through the command line. The text comes from the use case,
// after the flag that has to be corrected; a wrong flag is a wrong usage, anything else a failure.
func TestRefusals(t *testing.T) {
	for _, c := range requesttest.Cases() {
		if c.Except[requesttest.CLI] != "" {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			d := newDesk(t)
			d.forRefusals(c)
			code, args := cli.Failed, arguments(c)
			if c.Field != "" {
				code = cli.Usage
			}
			words := strings.Replace(c.Words, " Link it at the desk.", "", 1) // the command line says it in its own words
			d.says(code, words, args...)
			if where := cli.Flags[c.Field]; where != "" {
				d.says(code, where+": ", args...)
			}
			if c.Stored != nil {
				if doc, err := d.Store.Get(t.Context(), c.Stored.ID); err != nil || doc.Request.Version != c.Stored.Version {
					t.Errorf("something was written: %v %+v", err, doc.Request.Wanted)
				}
			}
		})
	}
}

func (d *desk) forRefusals(c requesttest.Case) {
	d.T.Helper()
	config := filepath.Join(d.T.TempDir(), "tfpilot.yaml")
	if err := os.WriteFile(config, []byte(refusalYAML), 0o600); err != nil {
		d.T.Fatal(err)
	}
	p := requesttest.Policy()
	d.Set(map[string]string{
		"TFPILOT_CONFIG": config, "TFPILOT_ADMINS": strings.Join(p.Admins, ","),
		"TFPILOT_APPROVERS": strings.Join(p.Approvers, ","),
		"TFPILOT_VIEWERS":   strings.Join(p.Viewers, ","), "TFPILOT_PROD_ALLOWED_USERS": strings.Join(p.ProdAllowed, ","),
		"TFPILOT_DESTROY_PROD_ALLOWED_USERS": strings.Join(p.DestroyProdAllowed, ","),
	})
	if err := d.Index.Rebuild(d.T.Context(), func(func(queue.Row, error) bool) {}); err != nil {
		d.T.Fatal(err)
	}
	for login, id := range requesttest.GithubIDs {
		who := lifecycle.Identity{SlackTeam: requesttest.Team, SlackUser: requesttest.SlackUsers[login], Login: login,
			GithubID: id}
		if err := d.Store.PutIdentity(d.T.Context(), who); err != nil {
			d.T.Fatal(err)
		}
	}
	if c.Stored == nil {
		return
	}
	doc, err := d.Store.Create(d.T.Context(), *c.Stored)
	if err == nil && c.Archive {
		_, err = d.Store.Archive(d.T.Context(), doc)
	}
	if err != nil {
		d.T.Fatal(err)
	}
}

// arguments are the command that does what the case does. A plan that was read is confirmed by its digest.
func arguments(c requesttest.Case) []string {
	if d := c.Draft; d != nil {
		args := []string{"requests", "open", d.Module, "--project", d.Project, "--env", d.Environment, "--reason",
			d.Reason, "--as", c.Who}
		for name, v := range d.Inputs {
			args = append(args, fmt.Sprintf("%s=%v", name, v))
		}
		return args
	}
	row, _ := c.Command.Action.Row()
	args := []string{"requests", row.Command, c.Command.ID, "--as", c.Who}
	if row.Action != lifecycle.ActionSync {
		args = append(args, "--reason", c.Command.Reason)
	}
	in := c.Command.Answers
	if row.Action == lifecycle.ActionApprove && c.Command.Seen.Read {
		in = request.Answers{Confirm: c.Command.Seen.Digest}
	}
	if in.Confirm != "" {
		args = append(args, "--confirm", in.Confirm)
	}
	return args
}
