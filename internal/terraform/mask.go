package terraform

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/tfpilot/tfpilot/internal/invisible"
	"github.com/tfpilot/tfpilot/internal/secretscan"
)

// A summary must hide secrets and still change when a secret changes, since the approval is bound
// to its digest. So a secret becomes a placeholder with a fingerprint: an HMAC with a key that
// each request has for itself. A plain hash would not do, because the digest and the summary are
// stored and shown: short passwords could be guessed from it by trying them.
//
// When in doubt, hide. A hidden value costs the approver a detail; a visible secret is in Slack,
// in GitHub and in logs at once.

// Hidden replaces a secret in everything that people read.
const Hidden = "(sensitive)"

// HiddenChanged replaces a secret whose value changes.
const HiddenChanged = "(sensitive, changed)"

// MinFingerprintKey is the minimum length of a fingerprint key, in bytes.
const MinFingerprintKey = 16

// fingerprint matches the placeholder of a secret in a summary: (sensitive #0123456789ab). A
// changed secret has another fingerprint, so the digest of the summary changes too. Without the
// key, which is only in the run's grant, a fingerprint reveals nothing about the secret.
var fingerprint = regexp.MustCompile(`\(sensitive #[0-9a-f]{12}\)`)

// WithoutFingerprints replaces the fingerprints in a text by the words that people read.
func WithoutFingerprints(shown string) string {
	return fingerprint.ReplaceAllLiteralString(shown, Hidden)
}

// IsHidden reports whether a summary value is nothing but a placeholder.
func IsHidden(value any) bool {
	shown, isText := value.(string)
	return isText && strings.HasPrefix(shown, "(sensitive") && WithoutFingerprints(shown) == Hidden
}

// mask removes secrets from values. It finds them by format, by name, by Terraform's marks, and
// by repetition of a marked value. Each rule only adds to what is hidden.
type mask struct {
	scanner *secretscan.Scanner
	key     []byte
	at      string // address and names of the value, so that equal secrets at two places do not look equal
	raw     bool   // hides nothing; for values that are only fingerprinted
}

// newMask reads the secrets from all of the plan, not only from the changes that a summary shows.
func newMask(plan *tfjson.Plan, key []byte) *mask {
	return &mask{scanner: secretscan.New(secretsOf(plan).list()), key: key}
}

// below returns the mask for a value one name deeper.
func (m *mask) below(name string) *mask {
	inner := *m
	inner.at += "\x00" + name
	return &inner
}

// unmasked returns a mask that hides nothing.
func (m *mask) unmasked() *mask {
	inner := *m
	inner.raw = true
	return &inner
}

// hidden returns the placeholder for a value.
func (m *mask) hidden(value any) string {
	mac := hmac.New(sha256.New, m.key)
	// The zero bytes separate the parts, so that no two positions and values give the same input.
	mac.Write([]byte(m.at + "\x00"))
	mac.Write(canonical(value))
	return "(sensitive #" + hex.EncodeToString(mac.Sum(nil))[:12] + ")"
}

func (m *mask) text(text string) string {
	if m.raw {
		return text
	}
	return m.scanner.Replace(text, func(secret string) string { return m.hidden(secret) })
}

// value masks a copy of a JSON value. marks is Terraform's tree of sensitive marks, and names
// are the names above the value.
func (m *mask) value(value, marks any, names secretscan.Names) any {
	if m.raw {
		return value
	}
	if marked, _ := marks.(bool); marked && value != nil {
		return m.hidden(value)
	}
	switch v := value.(type) {
	case string:
		if names.Hides(v) {
			return m.hidden(v)
		}
		return m.text(v)
	case json.Number:
		if m.scanner.IsKnown(v.String()) || names.HidesNumber(v.String()) {
			return m.hidden(v)
		}
	case map[string]any:
		inner, _ := marks.(map[string]any)
		return m.table(v, inner, names)
	case []any:
		inner, _ := marks.([]any)
		masked := make([]any, len(v))
		for i, one := range v {
			var mark any
			if i < len(inner) {
				mark = inner[i]
			}
			masked[i] = m.value(one, mark, names)
		}
		return masked
	}
	return value
}

func (m *mask) table(table, marks map[string]any, names secretscan.Names) map[string]any {
	pair := secretscan.PairName(table)
	masked := make(map[string]any, len(table))
	for _, name := range slices.Sorted(maps.Keys(table)) {
		one := table[name]
		shown, inner := m.below("name of").text(name), m.below(name)
		switch _, twice := masked[shown]; {
		// Two names can become equal once secrets in them are replaced; one value would be lost.
		case twice, m.scanner.IsKnown(name):
			masked[shown] = inner.hidden(one)
		case strings.EqualFold(name, "value") && pair != "":
			masked[shown] = inner.value(one, marks[name], names.Below(pair))
		default:
			masked[shown] = inner.value(one, marks[name], names.Below(name))
		}
	}
	return masked
}

// attributes masks the values of a resource, whose own attribute names come from a schema and stay as they are.
func (m *mask) attributes(table map[string]any, marks any) map[string]any {
	all, _ := marks.(bool)
	inner, _ := marks.(map[string]any)
	masked := make(map[string]any, len(table))
	for name, one := range table {
		var mark any = all
		if !all {
			mark = inner[name]
		}
		masked[name] = m.below(name).value(one, mark, secretscan.Names{}.Below(name))
	}
	return masked
}

// indexKey matches an index, the only part of an address that can contain a value.
var indexKey = regexp.MustCompile(`\["(?:[^"\\]|\\.)*"\]`)

func (m *mask) address(address string) string {
	return indexKey.ReplaceAllStringFunc(address, func(key string) string {
		inner := key[2 : len(key)-2]
		var plain string
		if err := json.Unmarshal([]byte(`"`+inner+`"`), &plain); err == nil && m.text(plain) != plain {
			return `["` + m.hidden(plain) + `"]`
		}
		return `["` + m.text(inner) + `"]`
	})
}

func (m *mask) paths(paths []string) []string {
	for i := range paths {
		paths[i] = m.text(paths[i])
	}
	return paths
}

// Redactor removes secrets from the text that Terraform prints: the secrets of a plan, and
// everything that has the format of a credential. Without a plan it knows only formats.
type Redactor struct {
	scanner *secretscan.Scanner
}

// NewRedactor returns a Redactor for the secrets of a plan, which may be nil, and other known
// secrets.
func NewRedactor(plan *tfjson.Plan, known ...string) *Redactor {
	return &Redactor{scanner: secretscan.New(append(secretsOf(plan).list(), known...))}
}

// Redact returns the text without secrets and with invisible characters escaped.
func (r *Redactor) Redact(text string) string {
	var scanner *secretscan.Scanner
	if r != nil {
		scanner = r.scanner
	}
	return invisible.Show(scanner.Mask(strings.ToValidUTF8(text, "\uFFFD"), Hidden))
}
