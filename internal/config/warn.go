package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// An empty list is valid: it can be meant, for a trial or while a team is set up. But it more
// often is forgotten, and then people see only that no one can approve. So these notes are
// printed when a process starts, and by tfpilot doctor.

// warnings returns notes about settings that are valid but probably not intended.
func warnings(c *Config) []string {
	var w []string
	if len(c.People.Admins) == 0 {
		w = append(w, "TFPILOT_ADMINS is empty: no one can link identities or rebuild the index.")
	}
	if len(c.People.Approvers) == 0 && len(c.People.Admins) == 0 {
		w = append(w, "TFPILOT_APPROVERS and TFPILOT_ADMINS are empty: no one can approve.")
	}
	if len(c.People.AllowedLogins) > 0 {
		for _, login := range slices.Concat(c.People.Admins, c.People.Approvers) {
			if !slices.ContainsFunc(c.People.AllowedLogins, func(l string) bool { return lifecycle.SameLogin(l, login) }) {
				w = append(w, fmt.Sprintf("%s is an admin or approver but not in TFPILOT_ALLOWED_LOGINS, so they have no access.",
					login))
			}
		}
	}
	return append(w, protectedWarnings(c)...)
}

func protectedWarnings(c *Config) []string {
	var protected []string
	for _, p := range c.Projects {
		for _, e := range p.Environments {
			if e.Protected {
				protected = append(protected, p.Name+" "+e.String())
			}
		}
	}
	if len(protected) == 0 {
		return nil
	}
	var w []string
	where := strings.Join(protected, ", ")
	if len(c.People.ProdAllowed) == 0 {
		w = append(w, "TFPILOT_PROD_ALLOWED_USERS is empty: no one can re-plan, approve, merge or apply in protected "+
			"environments ("+where+").")
	}
	if len(c.People.DestroyProdAllowed) == 0 {
		w = append(w, "TFPILOT_DESTROY_PROD_ALLOWED_USERS is empty: no one can destroy in protected environments ("+where+
			").")
	}
	return w
}
