package terraform

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

var testKey = []byte("the key of one request, for tests")

func openScope(key []byte) Scope {
	return Scope{RequestID: mine, Purpose: lifecycle.PurposeOpen, FingerprintKey: key}
}

// A hidden value that changes makes another digest, whatever hides it, and never shows.
func TestChangedSecretsChangeTheDigest(t *testing.T) {
	policy := func(who string) string { return `{"Statement":[{"Effect":"Allow","Principal":"` + who + `"}]}` }
	token := func(c string) string { return "ghp_" + strings.Repeat(c, 36) }
	for name, c := range map[string]struct {
		plan func(secret string) *tfjson.Plan
		a, b string
	}{
		"marked": {func(s string) *tfjson.Plan { return secretPlan(s, nil) }, "first-secret",
			"other-secret"},
		"a policy that is marked": {func(s string) *tfjson.Plan {
			return secretPlan(s, nil)
		}, policy("arn:aws:iam::111122223333:root"), policy("*")},
		"repeated where nothing marks it": {func(s string) *tfjson.Plan {
			return secretPlan(s, map[string]any{"copy": "x " + s + " y"})
		}, "first-secret", "other-secret"},
		"by format": {func(s string) *tfjson.Plan { return secretPlan("", map[string]any{"x": "use " + s}) }, token("a"),
			token("b")},
		"by name": {func(s string) *tfjson.Plan {
			return secretPlan("", map[string]any{"environment": map[string]any{"DB_PASSWORD": s}})
		}, "first-secret", "other-secret"},
		"in JSON text": {func(s string) *tfjson.Plan {
			return secretPlan("", map[string]any{"container_definitions": `[{"environment":[{"name":"DB_PASSWORD","value":"` +
				s + `"}]}]`})
		}, "first-secret", "other-secret"},
		"a number": {func(s string) *tfjson.Plan { return secretPlan("", map[string]any{"password": json.Number(s)}) },
			"1234", "1235"},
		"an address": {func(s string) *tfjson.Plan {
			return secretPlan("", map[string]any{"x": "HTTPS://u:" + s + "@h/p"})
		}, "p/w@d-one", "p/w@d-two"},
	} {
		t.Run(name, func(t *testing.T) {
			digest := map[string]bool{}
			for _, secret := range []string{c.a, c.b, c.a} {
				s, err := Summarize(c.plan(secret), openScope(testKey))
				if err != nil {
					t.Fatal(err)
				}
				if bytes.Contains(s.Bytes(), []byte(secret)) {
					t.Errorf("%s shows", secret)
				}
				if again, err := ParseSummary(s.Bytes()); err != nil || again.Digest() != s.Digest() {
					t.Errorf("read back: %v", err)
				}
				digest[s.Digest()] = true
			}
			if len(digest) != 2 {
				t.Errorf("two secrets, %d digests", len(digest))
			}
		})
	}
}

// The digest covers what providers and provisioners are given in secret, through locals and variables.
func TestChangedSecretsOfTheConfiguration(t *testing.T) {
	for name, c := range map[string]struct{ code, from, to string }{
		"an access key":           {`access_key = "AKIAIOSFODNN7EXAMPLE"`, "AKIAIOSF", "AKIAXXXX"},
		"a secret behind a local": {"secret_key = local.hidden\n}\nlocals {\n hidden = \"one\"", `"one"`, `"two"`},
		"a local with such a name": {"profile = local.token\n}\nlocals {\n token = \"${local.part}-x\"\n" +
			" part = \"one\"", `"one"`, `"two"`},
		"a sensitive variable's default": {"profile = \"x-${var.v}\"\n}\nvariable \"v\" {\n sensitive = true", "", ""},
		"a block":                        {"credentials {\n user = \"one\"\n }", `"one"`, `"two"`},
	} {
		t.Run(name, func(t *testing.T) {
			summary := func(code, given string) *Summary {
				plan := awsPlan(t, "aws", "aws", "aws")
				plan.Variables = map[string]*tfjson.PlanVariable{"v": {Value: given}}
				maps.DeleteFunc(plan.Config.ProviderConfigs, func(key string, _ *tfjson.ProviderConfig) bool {
					return key != "aws"
				})
				return summarized(t, plan, Config{"/main.tf": []byte("provider \"aws\" {\n" + code + "\n}\n")})
			}
			first := summary(c.code, "first-given")
			second := summary(strings.Replace(c.code, c.from, c.to, 1), "other-given")
			if c.from != "" {
				second = summary(strings.Replace(c.code, c.from, c.to, 1), "first-given")
			}
			if first.Digest() == second.Digest() {
				t.Errorf("the same digest: %s", first.Bytes())
			}
			for _, shown := range []string{"AKIA", `"one"`, "first-given"} {
				if bytes.Contains(first.Bytes(), []byte(shown)) {
					t.Errorf("%s shows: %s", shown, first.Bytes())
				}
			}
		})
	}
}

func TestFingerprintsNeedTheKey(t *testing.T) {
	plan := secretPlan("s3cr3t-value", map[string]any{"copy": "s3cr3t-value"})
	for _, key := range [][]byte{nil, []byte("short")} {
		if _, err := Summarize(plan, openScope(key)); err == nil {
			t.Errorf("a plan is summarized with the key %q", key)
		}
	}
	one, err := Summarize(plan, openScope(testKey))
	if err != nil {
		t.Fatal(err)
	}
	other, err := Summarize(plan, openScope([]byte("the key of another request")))
	if err != nil {
		t.Fatal(err)
	}
	if one.Digest() == other.Digest() {
		t.Error("the key makes no difference")
	}
	after := one.Changes[0].After
	if after["marked"] == after["copy"] {
		t.Error("equal secrets at two places look equal, so that a guess could be compared")
	}
	if got := readable(t, after["copy"]); got != Hidden {
		t.Errorf("shown as %v", got)
	}
}

// What is hidden by its name stays in sight where it says where a secret is kept, or is none.
func TestNamesThatHideNothing(t *testing.T) {
	shown := map[string]any{
		"secret_arn": "arn:aws:secretsmanager:eu-central-1:1:secret:x", "password_length": json.Number("32"),
		"token_ttl":                   "1h",
		"manage_master_user_password": true, "authorization": "AWS_IAM", "key": "index.html", "hash_key": "pk",
		"environment": map[string]any{"DB_HOST": "db.internal.example", "SECRET_NAME": "prod/db"},
		"secrets":     []any{map[string]any{"name": "DB_PASSWORD", "valueFrom": "arn:aws:ssm:eu-central-1:1:parameter/x"}},
		"policy":      `{"Statement":[{"Action":["secretsmanager:GetSecretValue"],"Effect":"Allow","Principal":"*"}]}`,
	}
	s, err := Summarize(secretPlan("", shown), openScope(testKey))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Count(s.Bytes(), []byte("(sensitive")) != 1 { // the marked one
		t.Errorf("%s", s.Bytes())
	}
}

// One private key that a plan marks does not make the lines of another one pass.
func TestOtherPrivateKeysStayHidden(t *testing.T) {
	key := func(line string) string {
		return "-----BEGIN RSA PRIVATE KEY-----\n" + strings.Repeat(line, 16) + "\n" + strings.Repeat(line, 10) +
			"\n-----END RSA PRIVATE KEY-----\n"
	}
	marked, other := key("Ab1+"), key("Zz9/")
	s, err := Summarize(secretPlan(marked, map[string]any{"user_data": "key:\n" + other, "cut": other[:80]}),
		openScope(testKey))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(s.Bytes()), NewRedactor(secretPlan(marked, nil)).Redact("log: " + other +
		marked + other[:90])} {
		if strings.Contains(text, "Zz9/") || strings.Contains(text, "Ab1+") {
			t.Errorf("a key shows: %s", text)
		}
	}
}
