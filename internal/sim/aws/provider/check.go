package provider

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/sim/aws/provider/schema"
)

// check returns an error if a known, set value is invalid.
type check func(v any) error

func oneOf(allowed ...string) check {
	return func(v any) error {
		if slices.Contains(allowed, fmt.Sprint(v)) {
			return nil
		}
		return fmt.Errorf("expected one of %q, got %v", allowed, v)
	}
}

func between(low, high int64) check {
	return func(v any) error {
		number, ok := v.(json.Number)
		i, err := number.Int64()
		if !ok || err != nil || i < low || i > high {
			return fmt.Errorf("expected a whole number in the range (%d - %d), got %v", low, high, v)
		}
		return nil
	}
}

func like(pattern, words string) check {
	re := regexp.MustCompile(pattern)
	return func(v any) error {
		if s, ok := v.(string); ok && re.MatchString(s) {
			return nil
		}
		return fmt.Errorf("%s, got %v", words, v)
	}
}

func isJSON(v any) error {
	s, _ := v.(string)
	if !json.Valid([]byte(s)) {
		return fmt.Errorf("contains an invalid JSON")
	}
	return nil
}

var (
	isARN           = like(`^arn:[\w-]+:[\w-]+:[\w-]*:(\d{12}|aws)?:.+$`, "expected an ARN")
	bucketNameCheck = like(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`,
		"only lowercase letters, digits, hyphens and dots, 3 to 63 of them, are allowed in a bucket name")

	lifecycleChecks = map[string]check{
		"rule.id":     like(`^.{1,255}$`, "expected 1 to 255 characters"),
		"rule.status": oneOf("Enabled", "Disabled"),
		"rule.abort_incomplete_multipart_upload.days_after_initiation": between(1, 1<<31),
		"rule.expiration.days":                               between(1, 1<<31),
		"rule.noncurrent_version_expiration.noncurrent_days": between(1, 1<<31),
		"transition_default_minimum_object_size":             oneOf("all_storage_classes_128K", "varies_by_storage_class"),
		"rule.transition.storage_class":                      storageClass,
		"rule.noncurrent_version_transition.storage_class":   storageClass,
		"rule.noncurrent_version_transition.noncurrent_days": between(0, 1<<31),
	}
	storageClass = oneOf("GLACIER", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "DEEP_ARCHIVE", "GLACIER_IR")

	repositoryChecks = map[string]check{
		"name": like(`^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$`,
			"expected a repository name"),
		"image_tag_mutability": oneOf("MUTABLE", "IMMUTABLE", "MUTABLE_WITH_EXCLUSION",
			"IMMUTABLE_WITH_EXCLUSION"),
		"encryption_configuration.encryption_type": oneOf("AES256", "KMS", "KMS_DSSE"),
		"encryption_configuration.kms_key":         isARN,
	}

	logGroupChecks = map[string]check{
		"name":            like(`^[\w./#-]{1,512}$`, "expected 1 to 512 letters, digits or _ - / . #"),
		"log_group_class": oneOf("STANDARD", "INFREQUENT_ACCESS", "DELIVERY"),
		"kms_key_id":      isARN,
		"retention_in_days": oneOf("0", "1", "3", "5", "7", "14", "30", "60", "90", "120", "150", "180", "365", "400",
			"545", "731",
			"1096", "1827", "2192", "2557", "2922", "3288", "3653"),
	}

	roleChecks = map[string]check{
		"name":                 like(`^[\w+=,.@-]{1,64}$`, "expected 1 to 64 letters, digits or _ + = , . @ -"),
		"assume_role_policy":   isJSON,
		"max_session_duration": between(3600, 43200),
		"path":                 like(`^/.*$`, "expected a path that starts with a slash"),
		"permissions_boundary": isARN,
		"description": like(`^[\p{L}\p{M}\p{Z}\p{S}\p{N}\p{P}\t\n\r]{0,1000}$`,
			"expected at most 1000 printable characters"),
	}

	instanceChecks = map[string]check{
		"metadata_options.http_endpoint":               oneOf("enabled", "disabled"),
		"metadata_options.http_tokens":                 oneOf("optional", "required"),
		"metadata_options.http_put_response_hop_limit": between(1, 64),
		"metadata_options.instance_metadata_tags":      oneOf("enabled", "disabled"),
		"root_block_device.volume_type":                oneOf("standard", "io1", "io2", "gp2", "sc1", "st1", "gp3"),
		"tenancy":                                      oneOf("default", "dedicated", "host"),
		"private_ip":                                   like(`^\d+\.\d+\.\d+\.\d+$`, "expected an IPv4 address"),
	}
)

// fault is a reason to refuse a configuration.
type fault struct {
	path string
	err  error
}

// validate runs the checks of a resource on its configuration.
func (t trait) validate(b schema.Block, config map[string]any) []fault {
	out := readOnly(b, config, "")
	for _, path := range slices.Sorted(maps.Keys(t.checks)) {
		visit(config, strings.Split(path, "."), func(v any) {
			if v == nil || v == any(unknown) {
				return
			}
			if err := t.checks[path](v); err != nil {
				out = append(out, fault{path, err})
			}
		})
	}
	for _, names := range t.alone {
		if config[names[0]] != nil && config[names[1]] != nil {
			out = append(out, fault{names[0], fmt.Errorf("conflicts with %s", names[1])})
		}
	}
	if t.label == instance.label && config["ami"] == nil && len(asList(config["launch_template"])) == 0 {
		out = append(out, fault{"ami", fmt.Errorf("one of `ami,launch_template` must be specified")})
	}
	return out
}

// readOnly finds values that only AWS may set.
func readOnly(b schema.Block, config map[string]any, path string) []fault {
	var out []fault
	for _, name := range slices.Sorted(maps.Keys(b.Attributes)) {
		if b.Attributes[name].Mode == schema.Computed && config[name] != nil {
			out = append(out, fault{join(path, name), fmt.Errorf("value for unconfigurable attribute: AWS decides it")})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.Blocks)) {
		for _, item := range asList(config[name]) {
			if one, ok := item.(map[string]any); ok {
				out = append(out, readOnly(b.Blocks[name].Block, one, join(path, name))...)
			}
		}
	}
	return out
}

// visit calls f with every value at the path, through lists of blocks.
func visit(v any, path []string, f func(any)) {
	switch v := v.(type) {
	case []any:
		if len(path) > 0 {
			for _, item := range v {
				visit(item, path, f)
			}
			return
		}
	case map[string]any:
		if len(path) > 0 {
			visit(v[path[0]], path[1:], f)
			return
		}
	}
	if len(path) == 0 {
		f(v)
	}
}

func asList(v any) []any { items, _ := v.([]any); return items }
