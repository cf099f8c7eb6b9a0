package provider

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/sim/aws"
)

// made is an object that is being created: its id, its region, its state as
// planned, and, for a value of a nested block, that block.
type made struct {
	id, region string
	state      map[string]any
	block      map[string]any
}

func fixed(v any) func(made) any { return func(made) any { return v } }

func accountID(made) any { return aws.Account }

func (m made) arn(service, region, resource string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, region, aws.Account, resource)
}

// hostedZones of S3 websites, which the provider exposes for each bucket.
var hostedZones = map[string]string{
	"us-east-1": "Z3AQBSTGFYJSTF", "us-east-2": "Z2O1EMRO9K5GLX", "us-west-2": "Z3BJ6K6RIION7M",
	"eu-west-1": "Z1BKCTXD74EZPE", "eu-central-1": "Z21DNDUVLTQW6Q",
}

var bucketValues = map[string]func(made) any{
	"bucket":                      func(m made) any { return m.named("bucket_prefix", "terraform-") },
	"bucket_prefix":               fixed(""),
	"arn":                         func(m made) any { return "arn:aws:s3:::" + m.id },
	"bucket_domain_name":          func(m made) any { return m.id + ".s3.amazonaws.com" },
	"bucket_regional_domain_name": func(m made) any { return m.id + ".s3." + m.region + ".amazonaws.com" },
	"bucket_region":               func(m made) any { return m.region },
	"hosted_zone_id":              func(m made) any { return hostedZones[m.region] },
	"object_lock_enabled":         fixed(false),
	"request_payer":               fixed("BucketOwner"),
	"acceleration_status":         fixed(""),
	"policy":                      fixed(""),
}

var lifecycleValues = map[string]func(made) any{
	"transition_default_minimum_object_size": fixed("all_storage_classes_128K"),
}

var repositoryValues = map[string]func(made) any{
	"arn":         func(m made) any { return m.arn("ecr", m.region, "repository/"+m.id) },
	"registry_id": accountID,
	"repository_url": func(m made) any {
		return fmt.Sprintf("%s.dkr.ecr.%s.amazonaws.com/%s", aws.Account, m.region, m.id)
	},
	"encryption_configuration.kms_key": func(m made) any {
		if m.block["encryption_type"] != "KMS" {
			return ""
		}
		return m.arn("kms", m.region, "key/11111111-2222-3333-4444-555555555555")
	},
}

var logGroupValues = map[string]func(made) any{
	"name":                        func(m made) any { return m.named("name_prefix", "terraform-") },
	"name_prefix":                 fixed(""),
	"arn":                         func(m made) any { return m.arn("logs", m.region, "log-group:"+m.id) },
	"log_group_class":             fixed("STANDARD"),
	"deletion_protection_enabled": fixed(false),
}

var roleValues = map[string]func(made) any{
	"name":                func(m made) any { return m.named("name_prefix", "terraform-") },
	"name_prefix":         fixed(""),
	"arn":                 func(m made) any { return m.arn("iam", "", "role"+m.text("path")+m.id) },
	"create_date":         func(made) any { return time.Now().UTC().Format(time.RFC3339) },
	"unique_id":           func(made) any { return "AROA" + letters(17) },
	"managed_policy_arns": fixed([]any{}),
}

var instanceValues = map[string]func(made) any{
	"arn":                                  func(m made) any { return m.arn("ec2", m.region, "instance/"+m.id) },
	"associate_public_ip_address":          fixed(false),
	"availability_zone":                    func(m made) any { return m.region + "a" },
	"disable_api_stop":                     fixed(false),
	"disable_api_termination":              fixed(false),
	"ebs_optimized":                        fixed(false),
	"host_id":                              fixed(""),
	"iam_instance_profile":                 fixed(""),
	"instance_initiated_shutdown_behavior": fixed("stop"),
	"instance_lifecycle":                   fixed(""),
	"instance_state":                       fixed("running"),
	"ipv6_address_count":                   fixed(num("0")),
	"ipv6_addresses":                       fixed([]any{}),
	"key_name":                             fixed(""),
	"monitoring":                           fixed(false),
	"outpost_arn":                          fixed(""),
	"password_data":                        fixed(""),
	"placement_group":                      fixed(""),
	"placement_group_id":                   fixed(""),
	"placement_partition_number":           fixed(num("0")),
	"primary_network_interface_id":         func(made) any { return "eni-" + hexDigits(17) },
	"private_ip":                           func(made) any { return hostAddress("10.0") },
	"private_dns": func(m made) any {
		return m.dns("private_ip", "ip-", "."+m.region+".compute.internal")
	},
	"public_ip": instancePublicIP,
	"public_dns": func(m made) any {
		return m.dns("public_ip", "ec2-", "."+m.region+".compute.amazonaws.com")
	},
	"secondary_private_ips":    fixed([]any{}),
	"security_groups":          fixed([]any{}),
	"spot_instance_request_id": fixed(""),
	"subnet_id":                func(made) any { return "subnet-" + hexDigits(17) },
	"tenancy":                  fixed("default"),
	"vpc_security_group_ids":   func(made) any { return []any{"sg-" + hexDigits(17)} },

	"metadata_options.http_endpoint":               fixed("enabled"),
	"metadata_options.http_protocol_ipv6":          fixed("disabled"),
	"metadata_options.http_put_response_hop_limit": fixed(num("1")),
	"metadata_options.http_tokens":                 fixed("optional"),
	"metadata_options.instance_metadata_tags":      fixed("disabled"),

	"root_block_device.device_name": fixed("/dev/xvda"),
	"root_block_device.encrypted":   fixed(false),
	"root_block_device.iops":        fixed(num("3000")),
	"root_block_device.kms_key_id":  rootKey,
	"root_block_device.throughput":  fixed(num("125")),
	"root_block_device.volume_id":   func(made) any { return "vol-" + hexDigits(17) },
	"root_block_device.volume_size": fixed(num("8")),
	"root_block_device.volume_type": fixed("gp3"),
	"ebs_block_device.volume_id":    func(made) any { return "vol-" + hexDigits(17) },
}

func instancePublicIP(m made) any {
	if m.state["associate_public_ip_address"] != true {
		return ""
	}
	return hostAddress("203.0") // 203.0.113.0/24 is reserved for documentation; no host uses 203.0 here
}

func rootKey(m made) any {
	if m.block["encrypted"] != true {
		return ""
	}
	return m.arn("kms", m.region, "key/11111111-2222-3333-4444-555555555555")
}

func (m made) text(name string) string { s, _ := m.state[name].(string); return s }

// named generates the name of an object with a prefix, or returns "".
func (m made) named(prefix, otherwise string) string {
	p := m.text(prefix)
	if p == "" {
		p = otherwise
	}
	return p + time.Now().UTC().Format("20060102150405") + hexDigits(12)
}

func (m made) dns(from, head, tail string) string {
	ip := m.text(from)
	if ip == "" {
		return ""
	}
	return head + strings.ReplaceAll(ip, ".", "-") + tail
}

func hexDigits(n int) string {
	b := make([]byte, (n+1)/2)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)[:n]
}

func letters(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return base32.StdEncoding.EncodeToString(b)[:n]
}

func hostAddress(network string) string {
	var b [2]byte
	_, _ = rand.Read(b[:])
	return fmt.Sprintf("%s.%d.%d", network, b[0], 1+int(b[1])%254)
}
