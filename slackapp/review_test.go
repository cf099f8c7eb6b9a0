package slackapp

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/terraform"
)

// Of a resource that is made most attributes are empty, and there is room for few.
func TestWhatHoldsSomethingComesFirst(t *testing.T) {
	c := terraform.Change{
		Address: "aws_s3_bucket.this", Actions: []string{"create"},
		After: map[string]any{"bucket": "x", "cors_rule": []any{}, "acl": nil, "policy": "", "tags": map[string]any{}, "zone": json.Number("0")},
	}
	got := strings.Join(attributes(c), "\n")
	want := "bucket = \"x\"\nzone = 0\nacl = null\ncors_rule = []\npolicy = \"\"\ntags = {}"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestOneLeftOutIsCountedAsOne: a plan may be longer than a window by just one.
func TestOneLeftOutIsCountedAsOne(t *testing.T) {
	if got := leftOut(1); got != "1 more change is not shown here." {
		t.Error(got)
	}
	six := &terraform.Summary{Providers: make([]terraform.Provider, shownProviders+1)}
	if got := providerLines(six); !strings.HasSuffix(got, "\nand 1 more") {
		t.Error(got)
	}
}

func TestAnEmptyPlanIsToldByItsPurpose(t *testing.T) {
	for purpose, want := range map[lifecycle.Purpose]string{lifecycle.PurposeReapply: "nothing to change", lifecycle.PurposeDestroy: "nothing to destroy"} {
		if got := counts(&lifecycle.Plan{Purpose: purpose}); got != want {
			t.Errorf("%s: %s", purpose, got)
		}
	}
}
