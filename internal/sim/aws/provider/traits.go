package provider

import (
	"encoding/json"
	"slices"
)

// trait is the behavior of a resource beyond its schema. Paths name attributes of nested blocks with
// dots, without indexes.
type trait struct {
	label   string    // "S3 Bucket", as in the errors of AWS's provider
	service string    // "S3"
	calls   [3]string // the service's calls that create, update, delete

	id func(state map[string]any) string // nil: random, see idPrefix

	idPrefix string
	computed []string       // optional, otherwise set by AWS
	defaults map[string]any // value of an absent optional argument, known at plan
	replace  []string       // a change requires a new object
	values   map[string]func(made) any
	checks   map[string]check
	alone    [][]string // arguments that exclude each other
}

// everywhere lists the attributes that every resource computes, if it has them.
var everywhere = []string{"id", "region", "tags_all"}

func (t trait) computes(path string) bool {
	return t.label != "" && (slices.Contains(everywhere, path) || slices.Contains(t.computed, path))
}

func (t trait) replaces(path string) bool {
	return path == "region" || slices.Contains(t.replace, path)
}

func num(text string) json.Number { return json.Number(text) }

func fieldOf(name string) func(map[string]any) string {
	return func(state map[string]any) string { s, _ := state[name].(string); return s }
}

// traits describes every resource in the facts. Defaults, replacements and optional computed
// attributes follow the AWS provider's own resources.
var traits = map[string]trait{
	"aws_s3_bucket": {
		label: "S3 Bucket", service: "S3", calls: [3]string{"CreateBucket", "PutBucketTagging", "DeleteBucket"},
		id: fieldOf("bucket"),
		computed: []string{"acceleration_status", "acl", "bucket", "bucket_prefix", "object_lock_enabled", "policy",
			"request_payer"},
		defaults: map[string]any{"force_destroy": false},
		replace:  []string{"bucket", "bucket_prefix", "object_lock_enabled"},
		values:   bucketValues, checks: map[string]check{"bucket": bucketNameCheck},
		alone: [][]string{{"bucket", "bucket_prefix"}},
	},
	"aws_s3_bucket_public_access_block": {
		label: "S3 Bucket Public Access Block", service: "S3",
		calls: [3]string{"PutPublicAccessBlock", "PutPublicAccessBlock", "DeletePublicAccessBlock"},
		id:    fieldOf("bucket"), replace: []string{"bucket"},
		defaults: map[string]any{"block_public_acls": false, "block_public_policy": false, "ignore_public_acls": false,
			"restrict_public_buckets": false},
	},
	"aws_s3_bucket_ownership_controls": {
		label: "S3 Bucket Ownership Controls", service: "S3",
		calls: [3]string{"PutBucketOwnershipControls", "PutBucketOwnershipControls", "DeleteBucketOwnershipControls"},
		id:    fieldOf("bucket"), replace: []string{"bucket"},
		checks: map[string]check{"rule.object_ownership": oneOf("BucketOwnerPreferred", "ObjectWriter",
			"BucketOwnerEnforced")},
	},
	"aws_s3_bucket_versioning": {
		label: "S3 Bucket Versioning", service: "S3",
		calls: [3]string{"PutBucketVersioning", "PutBucketVersioning", "PutBucketVersioning"},
		id:    fieldOf("bucket"), replace: []string{"bucket", "expected_bucket_owner"},
		computed: []string{"versioning_configuration.mfa_delete"},
		checks: map[string]check{
			"versioning_configuration.status":     oneOf("Enabled", "Suspended", "Disabled"),
			"versioning_configuration.mfa_delete": oneOf("Enabled", "Disabled"),
		},
	},
	"aws_s3_bucket_server_side_encryption_configuration": {
		label: "S3 Bucket Server-side Encryption Configuration", service: "S3",
		calls: [3]string{"PutBucketEncryption", "PutBucketEncryption", "DeleteBucketEncryption"},
		id:    fieldOf("bucket"), replace: []string{"bucket", "expected_bucket_owner"},
		checks: map[string]check{"rule.apply_server_side_encryption_by_default.sse_algorithm": oneOf("AES256", "aws:fsx",
			"aws:kms", "aws:kms:dsse")},
	},
	"aws_s3_bucket_lifecycle_configuration": {
		label: "S3 Bucket Lifecycle Configuration", service: "S3",
		calls: [3]string{"PutBucketLifecycleConfiguration", "PutBucketLifecycleConfiguration", "DeleteBucketLifecycle"},
		id:    fieldOf("bucket"), replace: []string{"bucket", "expected_bucket_owner"},
		computed: []string{"transition_default_minimum_object_size"},
		values:   lifecycleValues,
		checks:   lifecycleChecks,
	},
	"aws_s3_bucket_policy": {
		label: "S3 Bucket Policy", service: "S3",
		calls: [3]string{"PutBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy"},
		id:    fieldOf("bucket"), replace: []string{"bucket"},
		checks: map[string]check{"policy": isJSON},
	},
	"aws_instance":       instance,
	"aws_ecr_repository": repository,
	"aws_ecr_lifecycle_policy": {
		label: "ECR Lifecycle Policy", service: "ECR",
		calls: [3]string{"PutLifecyclePolicy", "PutLifecyclePolicy", "DeleteLifecyclePolicy"},
		id:    fieldOf("repository"), replace: []string{"repository", "policy"},
		values: map[string]func(made) any{"registry_id": accountID},
		checks: map[string]check{"policy": isJSON},
	},
	"aws_cloudwatch_log_group": {
		label: "CloudWatch Logs Log Group", service: "CloudWatch Logs",
		calls: [3]string{"CreateLogGroup", "PutRetentionPolicy", "DeleteLogGroup"},
		id:    fieldOf("name"), alone: [][]string{{"name", "name_prefix"}},
		computed: []string{"deletion_protection_enabled", "log_group_class", "name", "name_prefix"},
		defaults: map[string]any{"retention_in_days": num("0"), "skip_destroy": false},
		replace:  []string{"name", "name_prefix", "log_group_class"},
		values:   logGroupValues, checks: logGroupChecks,
	},
	"aws_iam_role": {
		label: "IAM Role", service: "IAM", calls: [3]string{"CreateRole", "UpdateRole", "DeleteRole"},
		id: fieldOf("name"), alone: [][]string{{"name", "name_prefix"}},
		computed: []string{"managed_policy_arns", "name", "name_prefix"},
		defaults: map[string]any{"force_detach_policies": false, "max_session_duration": num("3600"), "path": "/"},
		replace:  []string{"name", "name_prefix", "path"},
		values:   roleValues, checks: roleChecks,
	},
	"aws_iam_role_policy_attachment": {
		label: "IAM Policy attachment to IAM Role", service: "IAM",
		calls: [3]string{"AttachRolePolicy", "AttachRolePolicy", "DetachRolePolicy"},
		id: func(state map[string]any) string {
			return fieldOf("role")(state) + "/" + fieldOf("policy_arn")(state)
		},
		replace: []string{"role", "policy_arn"},
		checks:  map[string]check{"policy_arn": isARN},
	},
}

var repository = trait{
	label: "ECR Repository", service: "ECR",
	calls: [3]string{"CreateRepository", "PutImageTagMutability", "DeleteRepository"},
	id:    fieldOf("name"), computed: []string{"encryption_configuration.kms_key"},
	defaults: map[string]any{"image_tag_mutability": "MUTABLE", "encryption_configuration.encryption_type": "AES256"},
	replace: []string{"name", "encryption_configuration", "encryption_configuration.encryption_type",
		"encryption_configuration.kms_key"},
	values: repositoryValues, checks: repositoryChecks,
}

// instance computes nearly everything; the checks only list what people set.
var instance = trait{
	label: "EC2 Instance", service: "EC2",
	calls:    [3]string{"RunInstances", "ModifyInstanceAttribute", "TerminateInstances"},
	idPrefix: "i-",
	computed: []string{
		"ami", "associate_public_ip_address", "availability_zone", "disable_api_stop", "disable_api_termination",
		"ebs_optimized",
		"enable_primary_ipv6", "host_id", "host_resource_group_arn", "iam_instance_profile",
		"instance_initiated_shutdown_behavior",
		"instance_type", "ipv6_address_count", "ipv6_addresses", "key_name", "monitoring", "placement_group",
		"placement_group_id",
		"placement_partition_number", "private_ip", "secondary_private_ips", "security_groups", "subnet_id", "tenancy",
		"user_data",
		"user_data_base64", "vpc_security_group_ids",
		"metadata_options.http_endpoint", "metadata_options.http_protocol_ipv6",
		"metadata_options.http_put_response_hop_limit",
		"metadata_options.http_tokens", "metadata_options.instance_metadata_tags",
		"root_block_device.encrypted", "root_block_device.iops", "root_block_device.kms_key_id", "root_block_device.tags_all",
		"root_block_device.throughput", "root_block_device.volume_size", "root_block_device.volume_type",
		"cpu_options.amd_sev_snp", "cpu_options.core_count", "cpu_options.threads_per_core", "enclave_options.enabled",
		"maintenance_options.auto_recovery", "private_dns_name_options.hostname_type",
		"private_dns_name_options.enable_resource_name_dns_a_record",
		"private_dns_name_options.enable_resource_name_dns_aaaa_record",
	},
	defaults: map[string]any{
		"force_destroy": false, "get_password_data": false, "source_dest_check": true, "user_data_replace_on_change": false,
		"root_block_device.delete_on_termination": true, "ebs_block_device.delete_on_termination": true,
	},
	replace: []string{
		"ami", "associate_public_ip_address", "availability_zone", "ebs_optimized", "hibernation", "key_name",
		"placement_group",
		"private_ip", "security_groups", "subnet_id", "ipv6_addresses", "launch_template", "ephemeral_block_device",
		"ebs_block_device",
		"network_interface", "primary_network_interface", "cpu_options.amd_sev_snp", "cpu_options.core_count",
		"cpu_options.threads_per_core",
		"enclave_options.enabled", "root_block_device.encrypted", "root_block_device.kms_key_id",
	},
	values: instanceValues, checks: instanceChecks,
}
