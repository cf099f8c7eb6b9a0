package secretscan

import (
	"regexp"
	"strings"
)

// HoldsSecret reports whether a value under a name that says credential is one. References to
// where a secret is kept are none, nor are switches and placeholders.
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

// maxReference bounds what may still be a reference.
const maxReference = 2048

// enum is a word by which a setting is chosen: NONE, AWS_IAM.
var enum = regexp.MustCompile(`^[A-Z][A-Z_]{1,24}$`)

// placeholders stand where a value is not shown, not known or not set.
var placeholders = wordSet("true false null nil none no yes on off n/a na todo tbd unset empty default required " +
	"optional changed changeme " +
	"read write redacted hidden masked sensitive unknown undefined <sensitive> [redacted] <redacted> <computed> " +
	"(known <known string bool number any")

var shownPlaceholder = regexp.MustCompile(`^(?:\(sensitive[ #a-f0-9a-z,]*\)|\(known after apply\)|<[a-zA-Z][\w .-]*>|\*{3,}|[xX]{3,}|\.{3}|…|` +
	`"?\$\{[^{}]*\}"?|\$\{\{[^{}]*\}\}|\{\{[^{}]*\}\}|\$[A-Za-z_]\w*|\$\([^()]*\)|%[A-Za-z_]\w*%|%[a-z])$`)

func isPlaceholder(value string) bool {
	return value == "" || placeholders[strings.ToLower(value)] || shownPlaceholder.MatchString(value) ||
		strings.HasPrefix(value, "(sensitive") || strings.HasPrefix(value, "(known after")
}

var (
	arnOrAlias = regexp.MustCompile(`^(?:arn:(?:aws[a-z-]*|\$\{[^{}]*\}):[a-z0-9-]+:\S*|alias/[A-Za-z0-9/_.-]+|projects/[a-z0-9-]+/(?:secrets|locations)/\S+)$`)
	keptAt     = regexp.MustCompile(`^(?:vault|ssm|secretsmanager|secretmanager|sm|op|awssm|gcpsm|env|file|https?|s3|gs|kms|asm|akv):[\w/.:{}$#@?=&%+-]+$`)
	keptPath   = regexp.MustCompile(`^/?(?:[a-z][a-z0-9_.{}$-]*/){1,8}[a-z][a-z0-9_.-]*$`)
	inCode     = regexp.MustCompile(`^(?:var|local|data|module|each|self|path|count|terraform|random_[a-z]+|[a-z]+_[a-z0-9_]+)(?:\[[^\]]*\])?\.[A-Za-z_][\w.\[\]"*-]*$`)
)

// isReference reports whether a value says where a secret is kept: an ARN, a path of names, an
// address, a reference in code.
func isReference(value string) bool {
	switch {
	case arnOrAlias.MatchString(value), inCode.MatchString(value):
		return true
	case keptAt.MatchString(value):
		return len(findAddresses(value)) == 0 && !holdsRandom(value)
	case keptPath.MatchString(value):
		return !holdsRandom(strings.ReplaceAll(value, "/", "-"))
	}
	return false
}
