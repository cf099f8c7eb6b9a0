package terraform

import (
	"regexp"
	"slices"
	"strings"
)

// A plan can be honest and still not show what matters: a policy that is built from an id that
// exists only after the apply is "known after apply". The approver cannot see whom it admits.
// Such a change gets a warning, which is a part of the summary and of its digest.

// accessNames lists attributes that control access. While the value of one is unknown, the
// approver cannot see what it grants.
var accessNames = map[string]bool{
	// policies and roles
	"policy": true, "policies": true, "inline_policy": true, "assume_role_policy": true, "policy_arn": true,
	"policy_document":     true,
	"managed_policy_arns": true, "permissions_boundary": true, "access_policy": true, "access_policies": true,
	"resource_policy":   true,
	"repository_policy": true, "trust_policy": true, "key_policy": true, "policy_data": true, "iam_instance_profile": true,
	"role": true, "roles": true, "role_arn": true, "role_definition_id": true, "role_definition_name": true,
	"execution_role_arn": true,
	"task_role_arn":      true, "service_account": true, "service_account_email": true,
	// who
	"principal": true, "principals": true, "principal_id": true, "principal_arn": true, "member": true, "members": true,
	"bindings": true,
	"users":    true, "groups": true, "grantee": true, "grantee_principal": true, "trusted_account_ids": true,
	"account_ids": true,
	// public access
	"acl": true, "grant": true, "access_control_policy": true, "block_public_acls": true, "block_public_policy": true,
	"ignore_public_acls": true, "restrict_public_buckets": true, "publicly_accessible": true, "public_access": true,
	"public_network_access_enabled": true, "associate_public_ip_address": true, "map_public_ip_on_launch": true,
	"endpoint_public_access": true, "public_access_cidrs": true,
	// network
	"ingress": true, "egress": true, "cidr_blocks": true, "ipv6_cidr_blocks": true, "cidr_ipv4": true, "cidr_ipv6": true,
	"prefix_list_ids": true, "prefix_list_id": true, "security_groups": true, "security_group_ids": true,
	"vpc_security_group_ids":   true,
	"source_security_group_id": true, "referenced_security_group_id": true, "source_ranges": true,
	"source_address_prefix":   true,
	"source_address_prefixes": true, "authorized_networks": true, "allowed_cidrs": true,
}

// pathName finds the names in a path such as ingress[0].cidr_blocks.
var pathName = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)

// DecidesAccess reports whether an attribute controls access. attribute is a name or a path.
func DecidesAccess(path string) bool {
	return slices.ContainsFunc(pathName.FindAllString(path, -1), func(name string) bool { return accessNames[name] })
}

// warnings describes what the approver cannot see in a change.
func (c Change) warnings() []string {
	var all []string
	var access []string
	for _, path := range c.Unknown {
		if DecidesAccess(path) {
			access = append(access, path)
		}
	}
	if len(access) > 0 {
		all = append(all, "who gets access is known only after the apply: "+strings.Join(access, ", "))
	}
	if c.Kind() == "read" && c.Type == "external" {
		all = append(all, "runs a program during the apply")
	}
	return all
}
