package secretscan

import (
	"regexp"
	"strings"
)

// What is not a secret although its name suggests one. Without these exceptions every plan would
// be full of hidden values, and people would learn to ignore the placeholders. Two kinds occur:
// values that say nothing (true, null, ****, ${var.x}), and references to where a secret is
// stored, which are what TfPilot wants people to write.

// HoldsSecret reports whether the value of a name that suggests a credential is one. References
// to a secret, switches and placeholders are not.
func HoldsSecret(name, value string) bool {
	if value = strings.TrimSpace(value); len(value) > maxReference {
		return true
	}
	if isPlaceholder(value) || isReference(value) || len(value) > len(name) && strings.HasPrefix(value, name+".") {
		return false
	}
	if passwordName(name) {
		return true
	}
	words := nameWords(name)
	if len(words) == 0 {
		return true
	}
	switch words[len(words)-1] {
	case "authorization", "cookie":
		return !enum.MatchString(value)
	case "tokens":
		return !enum.MatchString(value) && !number.MatchString(value)
	}
	return true
}

var number = regexp.MustCompile(`^[0-9.,_]{1,12}$`)

// maxReference is the maximum length of a reference, in bytes.
const maxReference = 2048

// enum matches a word that selects a setting: NONE, AWS_IAM.
var enum = regexp.MustCompile(`^[A-Z][A-Z_]{1,24}$`)

// placeholders are values that mean hidden, unknown or unset.
var placeholders = wordSet("true false null nil none no yes on off n/a na todo tbd unset empty default required " +
	"optional changed changeme " +
	"read write redacted hidden masked sensitive unknown undefined <sensitive> [redacted] <redacted> <computed> " +
	"(known <known string bool number any")

var shownPlaceholder = regexp.MustCompile(`^(?:\(sensitive[ #a-f0-9a-z,]*\)|\(known after apply\)` +
	`|<[a-zA-Z][\w .-]*>|\*{3,}|[xX]{3,}|\.{3}|…|` +
	`"?\$\{[^{}]*\}"?|\$\{\{[^{}]*\}\}|\{\{[^{}]*\}\}|\$[A-Za-z_]\w*|\$\([^()]*\)|%[A-Za-z_]\w*%|%[a-z])$`)

func isPlaceholder(value string) bool {
	return value == "" || placeholders[strings.ToLower(value)] || shownPlaceholder.MatchString(value) ||
		strings.HasPrefix(value, "(sensitive") || strings.HasPrefix(value, "(known after")
}

var (
	arnOrAlias = regexp.MustCompile(`^(?:arn:(?:aws[a-z-]*|\$\{[^{}]*\}):[a-z0-9-]+:\S*|alias/[A-Za-z0-9/_.-]+` +
		`|projects/[a-z0-9-]+/(?:secrets|locations)/\S+)$`)
	keptAt = regexp.MustCompile(`^(?:vault|ssm|secretsmanager|secretmanager|sm|op|awssm|gcpsm|env|file|https?|s3|gs` +
		`|kms|asm|akv):[\w/.:{}$#@?=&%+-]+$`)
	keptPath = regexp.MustCompile(`^/?(?:[a-z][a-z0-9_.{}$-]*/){1,8}[a-z][a-z0-9_.-]*$`)
	inCode   = regexp.MustCompile(`^(?:var|local|data|module|each|self|path|count|terraform|random_[a-z]+` +
		`|[a-z]+_[a-z0-9_]+)(?:\[[^\]]*\])?\.[A-Za-z_][\w.\[\]"*-]*$`)
)

// isReference reports whether a value points to a secret elsewhere: an ARN, a path, an address,
// a reference in code.
func isReference(value string) bool {
	switch {
	case arnOrAlias.MatchString(value), inCode.MatchString(value):
		return true
	case keptAt.MatchString(value):
		// A presigned URL is an address too, and contains its credential.
		return len(findAddresses(value)) == 0 && !holdsRandom(value)
	case keptPath.MatchString(value):
		return !holdsRandom(strings.ReplaceAll(value, "/", "-"))
	}
	return false
}
