package terraform

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// The backend decides which state a run changes. It is read twice, from two sources. ParseBackend
// reads what people wrote, before Terraform runs, and refuses everything that it does not fully
// understand. ParseInitialized reads what Terraform made of it, because arguments can also come
// from the command line, the environment and other files. A run continues only if both are the
// backend that the environment must have.

// Backend is where an environment keeps its state. Bucket, key and the lock arguments identify
// it: a run with other lock arguments would neither see the lock nor keep the checksum that
// other runs expect. Bootstrap writes the remaining fields.
type Backend struct {
	Bucket        string
	Key           string
	Region        string
	DynamoDBTable string
	UseLockfile   bool
	Encrypt       bool
	KMSKeyID      string
}

// Difference is one argument in which two backends differ.
type Difference struct {
	Name string
	Want string
	Got  string
}

func (d Difference) String() string { return fmt.Sprintf("%s is %q, not %q", d.Name, d.Got, d.Want) }

// Compare lists the arguments in which the backends differ.
func (b Backend) Compare(got Backend) []Difference {
	var differences []Difference
	add := func(name, want, have string) {
		if want != have {
			differences = append(differences, Difference{Name: name, Want: want, Got: have})
		}
	}
	add("bucket", b.Bucket, got.Bucket)
	add("key", b.Key, got.Key)
	add("dynamodb_table", b.DynamoDBTable, got.DynamoDBTable)
	add("use_lockfile", strconv.FormatBool(b.UseLockfile), strconv.FormatBool(got.UseLockfile))
	add("region", b.Region, got.Region)
	add("encrypt", strconv.FormatBool(b.Encrypt), strconv.FormatBool(got.Encrypt))
	add("kms_key_id", b.KMSKeyID, got.KMSKeyID)
	return differences
}

// ParseBackend reads the only backend block of an environment's root. The keys of files are
// names in that directory; files in subdirectories are ignored, as Terraform ignores them.
// Anything that could change the backend from elsewhere is an error: a second block, an override
// file, JSON, a cloud block, an argument that is unknown or not a literal.
func ParseBackend(files map[string][]byte) (Backend, error) {
	var found []*hclsyntax.Block
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if path.Dir(name) != "." {
			continue
		}
		if err := checkRootFile(name); err != nil {
			return Backend{}, fmt.Errorf("backend: %w", err)
		}
		if !strings.HasSuffix(name, ".tf") {
			continue
		}
		blocks, err := backendBlocks(name, files[name])
		if err != nil {
			return Backend{}, fmt.Errorf("backend: %w", err)
		}
		found = append(found, blocks...)
	}
	if len(found) != 1 {
		return Backend{}, fmt.Errorf("backend: the environment has %d backend blocks, exactly one is needed", len(found))
	}
	b, err := readBackend(found[0])
	if err != nil {
		return Backend{}, fmt.Errorf("backend: %w", err)
	}
	return b, nil
}

// checkRootFile rejects names in any case, because a file system of a runner may ignore it.
func checkRootFile(name string) error {
	lower := strings.ToLower(name)
	for _, suffix := range []string{".tf.json", ".tofu", ".tofu.json"} {
		if strings.HasSuffix(lower, suffix) {
			return fmt.Errorf("%s: only files in Terraform's own language (.tf) are read", name)
		}
	}
	if lower == "override.tf" || strings.HasSuffix(lower, "_override.tf") {
		return fmt.Errorf("%s: an override file could change the backend", name)
	}
	return nil
}

// backendBlocks lists the backend blocks of one file. Terraform itself rejects two of them in one
// directory; counting them here gives a clear error before init.
func backendBlocks(name string, content []byte) ([]*hclsyntax.Block, error) {
	file, diags := hclsyntax.ParseConfig(content, name, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, fmt.Errorf("parse: %w", diags)
	}
	var found []*hclsyntax.Block
	for _, block := range file.Body.(*hclsyntax.Body).Blocks {
		if block.Type != "terraform" {
			continue
		}
		for _, inner := range block.Body.Blocks {
			switch inner.Type {
			case "cloud":
				return nil, fmt.Errorf("%s: a cloud block keeps the state elsewhere", name)
			case "backend":
				found = append(found, inner)
			}
		}
	}
	return found, nil
}

func readBackend(block *hclsyntax.Block) (Backend, error) {
	var b Backend
	if len(block.Labels) != 1 || block.Labels[0] != "s3" {
		return b, fmt.Errorf("the backend is %s; TfPilot works with s3", strings.Join(block.Labels, " "))
	}
	if len(block.Body.Blocks) > 0 {
		return b, fmt.Errorf("a block %s inside the backend is not known here", block.Body.Blocks[0].Type)
	}
	texts := map[string]*string{"bucket": &b.Bucket, "key": &b.Key, "region": &b.Region,
		"dynamodb_table": &b.DynamoDBTable, "kms_key_id": &b.KMSKeyID}
	flags := map[string]*bool{"use_lockfile": &b.UseLockfile, "encrypt": &b.Encrypt}
	for _, name := range slices.Sorted(maps.Keys(block.Body.Attributes)) {
		// Terraform allows only literals in a backend block: no variables, locals or functions.
		value, diags := block.Body.Attributes[name].Expr.Value(nil)
		literal := !diags.HasErrors() && value.IsKnown() && !value.IsNull()
		switch {
		case texts[name] != nil && literal && value.Type() == cty.String:
			*texts[name] = value.AsString()
		case flags[name] != nil && literal && value.Type() == cty.Bool:
			*flags[name] = value.True()
		case texts[name] != nil || flags[name] != nil:
			return b, fmt.Errorf("%s must be a literal", name)
		default:
			return b, fmt.Errorf("the argument %s is not known here; possible are bucket, key, region, dynamodb_table, "+
				"use_lockfile, encrypt, kms_key_id", name)
		}
	}
	return b, b.check()
}

// check rejects a backend without a fixed location or without a lock. DynamoDB locking is
// deprecated since Terraform 1.11, but environments may still use it.
func (b Backend) check() error {
	if b.Bucket == "" || b.Key == "" {
		return fmt.Errorf("bucket and key must be written in the backend block; a partial backend would take them from " +
			"elsewhere")
	}
	if b.DynamoDBTable == "" && !b.UseLockfile {
		return fmt.Errorf("neither use_lockfile nor dynamodb_table is set, so nothing would lock the state")
	}
	return nil
}

// maxInitialized bounds .terraform/terraform.tfstate, which holds no resources.
const maxInitialized = 1 << 20

// connecting lists the arguments that configure the connection to S3, but not the location or
// the identity.
var connecting = []string{
	"use_path_style", "force_path_style", "skip_credentials_validation", "skip_region_validation",
	"skip_requesting_account_id",
	"skip_metadata_api_check", "skip_s3_checksum", "max_retries", "retry_mode",
}

// ParseInitialized reads .terraform/terraform.tfstate after `terraform init`, which contains the
// backend that Terraform really uses. Arguments can come from the command line and from other
// files, so an argument that is set but unknown is an error that names it.
func ParseInitialized(content []byte) (Backend, error) {
	if len(content) > maxInitialized {
		return Backend{}, fmt.Errorf("initialized backend: larger than %d bytes", maxInitialized)
	}
	var doc struct {
		Backend *struct {
			Type   string                     `json:"type"`
			Config map[string]json.RawMessage `json:"config"`
		} `json:"backend"`
	}
	if err := json.Unmarshal(content, &doc); err != nil {
		return Backend{}, fmt.Errorf("initialized backend: %w", err)
	}
	if doc.Backend == nil || doc.Backend.Type != "s3" {
		return Backend{}, fmt.Errorf("initialized backend: Terraform did not initialize an s3 backend")
	}
	var b Backend
	known := map[string]any{
		"bucket": &b.Bucket, "key": &b.Key, "region": &b.Region, "dynamodb_table": &b.DynamoDBTable,
		"kms_key_id":   &b.KMSKeyID,
		"use_lockfile": &b.UseLockfile, "encrypt": &b.Encrypt,
	}
	for _, name := range slices.Sorted(maps.Keys(doc.Backend.Config)) {
		value := doc.Backend.Config[name]
		// Terraform writes all arguments of its backend, and null for those that are not set.
		if string(value) == "null" || slices.Contains(connecting, name) {
			continue
		}
		into := known[name]
		if into == nil {
			return Backend{}, fmt.Errorf("initialized backend: the argument %s is set, which TfPilot does not write", name)
		}
		if err := json.Unmarshal(value, into); err != nil {
			return Backend{}, fmt.Errorf("initialized backend: %s: %w", name, err)
		}
	}
	return b, b.check()
}
