package provider

import (
	"path/filepath"
	"strings"
	"testing"
)

// A bucket uses the KMS key of its configuration, also if only the key changes.
func TestBucketUsesTheKey(t *testing.T) {
	source, err := filepath.Abs(filepath.Join(modules, "s3-bucket"))
	if err != nil {
		t.Fatal(err)
	}
	const key = "arn:aws:kms:eu-central-1:123456789012:key/1b2c3d4e-1111-2222-3333-444455556666"
	for arguments, want := range map[string][]string{
		"":                       {`"sse_algorithm":"AES256"`, `"bucket_key_enabled":false`},
		`encryption = "aws:kms"`: {`"sse_algorithm":"aws:kms"`, `"bucket_key_enabled":true`},
		`kms_key_arn = "` + key + `"`: {`"sse_algorithm":"aws:kms"`, `"bucket_key_enabled":true`,
			`"kms_master_key_id":"` + key + `"`},
	} {
		r := newRoot(t, `
provider "aws" { region = "eu-central-1" }
module "m" {
  source = "`+source+`"
  name   = "acme-keys"
  `+arguments+`
}
`)
		r.must("init")
		r.must("apply", "-auto-approve")
		shown := r.must("show", "-json")
		for _, one := range want {
			if !strings.Contains(shown, one) {
				t.Errorf("%q: the bucket is not encrypted with %s:\n%s", arguments, one, shown)
			}
		}
	}
}
