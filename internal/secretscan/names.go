package secretscan

import (
	"slices"
	"strings"
)

// Names is what the names above a value suggest: the name of the value itself, or of a table
// that contains it.
type Names struct {
	secret string // the nearest name that suggests a credential
}

// pairNames hold the name in a pair such as {"name": "DB_PASSWORD", "value": "x"}.
var pairNames = []string{"name", "key"}

// Below returns the names for a value one name deeper.
func (n Names) Below(name string) Names {
	words := nameWords(name[strings.LastIndexByte(name, '.')+1:])
	switch lower := strings.ToLower(name); {
	case Name(name):
		return Names{name}
	case slices.Contains(pairNames, lower), lower == "valuefrom", len(words) > 0 && beside[words[len(words)-1]]:
		return Names{}
	}
	return n
}

// Hides reports whether the names suggest that a text is a credential.
func (n Names) Hides(value string) bool { return n.secret != "" && HoldsSecret(n.secret, value) }

// HidesNumber reports the same for a number. Only a password can be a number.
func (n Names) HidesNumber(value string) bool {
	return n.secret != "" && passwordName(n.secret) && HoldsSecret(n.secret, value)
}

// PairName returns the name that a table gives to its own value, as in lists of environment
// variables and tags.
func PairName(table map[string]any) string {
	for _, want := range pairNames {
		for _, name := range []string{want, strings.ToUpper(want[:1]) + want[1:], strings.ToUpper(want)} {
			if given, ok := table[name].(string); ok {
				return given
			}
		}
	}
	return ""
}
