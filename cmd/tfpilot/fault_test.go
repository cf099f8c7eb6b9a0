package main

import (
	"strings"
	"testing"
)

// What cannot start says why, and never with a secret.
func TestFaultsShowNoSecret(t *testing.T) {
	for name, value := range map[string]string{
		"TFPILOT_CONFIG": "none.yaml", "REDIS_URL": "redis://:canary-1@127.0.0.1:1/0x", "SLACK_BOT_TOKEN": "canary-2",
		"GITHUB_TOKEN":        "canary-3",
		"TFPILOT_SESSION_KEY": "canary-4", "TFPILOT_REQUESTS_BUCKET": "tfpilot-requests", "AWS_REGION": "eu-central-1",
	} {
		t.Setenv(name, value)
	}
	for _, process := range []string{"app", "worker", "doctor"} {
		code, out, errs := call(t, "", process)
		if code != 1 || !strings.Contains(errs, "TFPILOT_CONFIG") || strings.Contains(out+errs, "canary") {
			t.Errorf("%s: exit %d\n%s%s", process, code, out, errs)
		}
	}
}
