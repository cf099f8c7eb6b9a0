package secretscan

import (
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/invisible"
)

func TestCredentialsAreSeen(t *testing.T) {
	for _, text := range []string{
		"AKIAIOSFODNN7EXAMPLE", "key=ASIAIOSFODNN7EXAMPLE;", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "ghp_" +
			strings.Repeat("x", 36),
		"github_pat_" + strings.Repeat("1A", 20), "xoxb-123456789012-abcdefgh", "xapp-1-A000-1234567890",
		"-----BEGIN RSA PRIVATE KEY-----",
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", "sk-proj-" + strings.Repeat("a", 40),
		"postgres://app:hunter2@db/x",
		"glpat-" + strings.Repeat("a", 20), "hvs." + strings.Repeat("a", 24), "npm_" + strings.Repeat("a", 36),
	} {
		if _, found := Credential(text); !found {
			t.Errorf("%s is not seen", text)
		}
	}
	for _, text := range []string{
		"", "build artifacts", "arn:aws:iam::123456789012:role/app", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
		"sg-0123456789abcdef0",
		"https://example.com:8080/a@b", "arn:aws:kms:eu-central-1:123456789012:key/1b2c3d4e-1111-2222-3333-444455556666",
		"desk-with-a-very-long-name-of-its-own",
	} {
		if what, found := Credential(text); found {
			t.Errorf("%s is taken for %s", text, what)
		}
	}
	cut := (*Scanner)(nil).Mask("a AKIAIOSFODNN7EXAMPLE b\n-----BEGIN PRIVATE KEY-----\nMIIE\n"+
		"-----END PRIVATE KEY-----\nc", "X")
	if cut != "a X b\nX\nc" {
		t.Errorf("got %q", cut)
	}
}

func TestInputsAreChecked(t *testing.T) {
	for typed, want := range map[string]string{
		"build artifacts": "",
		"password=Winter2026": "looks like it holds the value of password. Remove it, and replace it if it " +
			"is real; name where the secret is kept instead",
		"evil \u202e": "contains the invisible character U+202E; delete it and type the text again",
		"ghp_" + strings.Repeat("a1B2", 9): "looks like it holds a GitHub token. Remove it, and replace it if it is " +
			"real; name where the secret is kept instead",
	} {
		got := ""
		if err := CheckInput(typed, invisible.Line); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q", typed, got)
		}
	}
	if CheckPair("DB_PASSWORD", "hunter2") == nil || CheckPair("DB_PASSWORD", "/prod/db/password") != nil ||
		CheckPair("DB_HOST", "hunter2") != nil {
		t.Error("pairs are not judged by their names")
	}
}

// Which names suggest that their value is a credential.
func TestNames(t *testing.T) {
	for name, want := range map[string]bool{
		"password": true, "db_password": true, "dbPassword": true, "PGPASSWORD": true, "DB_PASS": true, "MYSQL_PWD": true,
		"passphrase": true,
		"secret":     true, "client_secret": true, "clientSecret": true, "token": true, "auth_token": true,
		"API_TOKEN": true, "apiKey": true,
		"APIKey": true, "api-key": true, "AWS_SECRET_ACCESS_KEY": true, "access_key": true, "secret_key": true,
		"private_key": true,
		"credentials": true, "authorization": true, "connection_string": true, "password_hash": true,
		"stripe_api_key": true, "dsn": true,
		"": false, "name": false, "key": false, "key_name": false, "hash_key": false, "partition_key": false,
		"kms_key_id": false,
		"kms_key":    false, "public_key": false, "ssh_public_key": false, "secret_arn": false, "secret_name": false,
		"token_ttl":       false,
		"password_length": false, "password_policy": false, "max_password_age": false, "access_key_id": false,
		"keyboard": false,
		"compass":  false, "passenger": false, "secretary": false, "private_subnet_ids": false, "cookie_behavior": false,
		"bucket_key_enabled": false,
		"tokens_per_minute":  false, "api_key_source": false, "rotate_secret_after_days": false,
		"db_password_strategy": false,
	} {
		if got := Name(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}
