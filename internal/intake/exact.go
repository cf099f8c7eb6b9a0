package intake

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// exact returns a model's value as the person typed it. A text that is one slip away from a word of theirs is
// that word. It reports false for an ARN or a resource id that the words do not contain: such a value is never
// derived, only copied.
func exact(v any, words string) (any, bool) {
	switch v := v.(type) {
	case string:
		return exactText(v, words)
	case []any:
		out := make([]any, 0, len(v))
		for _, one := range v {
			kept, ok := exact(one, words)
			if !ok {
				return nil, false
			}
			out = append(out, kept)
		}
		return out, true
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, one := range v {
			kept, ok := exact(one, words)
			if !ok {
				return nil, false
			}
			out[name] = kept
		}
		return out, true
	case json.Number:
		return exactNumber(v, words), true
	}
	return v, true
}

// copied matches values that must be in the words: ARNs, addresses and ids of resources.
var copied = regexp.MustCompile(`(?i)arn:aws|://|\b[a-z]{1,6}-[0-9a-f]{8,17}\b|\b[0-9]{12}\b`)

func exactText(v, words string) (any, bool) {
	if v == "" || strings.Contains(words, v) {
		return v, true
	}
	typed := strings.Fields(words)
	for i, w := range typed {
		typed[i] = strings.Trim(w, ".,;:!?\"'`()[]{}<>‹›“”‘’*")
	}
	if i := slices.IndexFunc(typed, func(w string) bool { return nearlySame(w, v) }); i >= 0 {
		return typed[i], true
	}
	return v, !copied.MatchString(v)
}

// nearlySame reports whether a long word was typed where a model wrote another spelling of it.
func nearlySame(typed, written string) bool {
	const least = 8 // shorter words differ too easily by chance
	if len(typed) < least || !strings.ContainsAny(typed, "-_./:") {
		return false
	}
	return strings.EqualFold(typed, written) || distanceAtMost(typed, written, 1)
}

// distanceAtMost reports whether one text becomes the other with that many edits, 1 at most.
func distanceAtMost(a, b string, most int) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > most {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) == len(b) {
		return i == len(a) || a[i+1:] == b[i+1:]
	}
	return a[i:] == b[i+1:]
}

// exactNumber keeps a number; a model may write 30 as 30.0.
func exactNumber(v json.Number, words string) json.Number {
	if whole, ok := strings.CutSuffix(v.String(), ".0"); ok && !strings.Contains(words, v.String()) {
		return json.Number(whole)
	}
	return v
}
