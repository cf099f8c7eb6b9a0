package demo

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// The examples of AWS's own documentation of Signature Version 4.
func TestSignMatchesTheDocumentedExamples(t *testing.T) {
	at := time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
	for rawQuery, want := range map[string]string{
		"lifecycle=":          "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
		"max-keys=2&prefix=J": "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
	} {
		r, err := http.NewRequest(http.MethodGet, "https://examplebucket.s3.amazonaws.com/?"+rawQuery, nil)
		if err != nil {
			t.Fatal(err)
		}
		sign(r, "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1", at)
		if got := r.Header.Get("Authorization"); !strings.HasSuffix(got, "Signature="+want) {
			t.Errorf("%s: got %s, want the signature %s", rawQuery, got, want)
		}
	}
}

func TestSettingReturnsAString(t *testing.T) {
	const backend = "terraform {\n  backend \"s3\" {\n    bucket = \"state\"\n    key    = \"core/dev/app/terraform.tfstate\"\n    use_lockfile = true\n  }\n}\n"
	for name, want := range map[string]string{"bucket": "state", "key": "core/dev/app/terraform.tfstate",
		"use_lockfile": "", "ey": ""} {
		if got := setting(backend, name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
