package view

import (
	"regexp"

	"github.com/tfpilot/tfpilot/internal/terraform"
)

// accessTypes are resources that do nothing but decide who may do what. They come first among the
// changes of their kind, and a surface without room for the whole plan leaves them out last.
var accessTypes = regexp.MustCompile(`_iam_|_policy|_permission|security_group|_acl\b|_grant|public_access|_access` +
	`|_role|_share|key_pair|_invitation`)

// grantsAccess reports whether a change may decide who may do what.
func grantsAccess(c terraform.Change) bool {
	if accessTypes.MatchString(c.Type) || len(c.Warnings) > 0 || len(c.Commands) > 0 {
		return true
	}
	// An attribute that is null or empty on both sides grants nothing.
	for _, table := range []map[string]any{c.Before, c.After} {
		for name, value := range table {
			if value != nil && !isEmpty(value) && terraform.DecidesAccess(name) {
				return true
			}
		}
	}
	for _, path := range c.Unknown {
		if terraform.DecidesAccess(path) {
			return true
		}
	}
	return false
}
