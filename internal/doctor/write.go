package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
)

// Write prints the notes of the configuration and one line for each finding, with the error below it.
func Write(out io.Writer, notes []string, findings []Finding) error {
	for _, n := range notes {
		_, _ = fmt.Fprintln(out, "note:", n)
	}
	t := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, f := range findings {
		if !f.Failed() {
			_, _ = fmt.Fprintf(t, "ok\t%s\n", f.What)
			continue
		}
		_, _ = fmt.Fprintf(t, "FAIL\t%s\n\t  %v\n", f.What, f.Err)
	}
	return t.Flush()
}

// WriteJSON prints the same as one object.
func WriteJSON(out io.Writer, notes []string, findings []Finding) error {
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
		l := line{What: f.What, OK: !f.Failed()}
		if f.Failed() {
			l.Error = f.Err.Error()
		}
		all.Checks = append(all.Checks, l)
	}
	return json.NewEncoder(out).Encode(all)
}

// WriteRoles prints the role of each login that the lists name, and the role of everyone else.
func WriteRoles(out io.Writer, policy rbac.Policy, asJSON bool) error {
	people := map[string]bool{}
	for _, list := range [][]string{
		policy.Admins, policy.Approvers, policy.Viewers, policy.AllowedLogins, policy.ProdAllowed,
		policy.DestroyProdAllowed,
	} {
		// GitHub logins are equal in any case, so one person must not appear twice.
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
