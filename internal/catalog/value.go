package catalog

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/tfpilot/tfpilot/internal/invisible"
)

// Bounds of one field's value. A text may be as long as Slack allows.
const (
	maxText  = 3000
	maxItems = 200
)

// numberPattern matches a decimal number as people type it or as JSON contains it. The bounds
// keep every number exact in Terraform.
var numberPattern = regexp.MustCompile(`^([+-]?)([0-9]{1,40})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?$`)

// canonicalNumber returns the only form in which a config contains a number: 30, -0.5,
// 9007199254740993.
func canonicalNumber(text string) (json.Number, error) {
	text = strings.TrimSpace(text)
	if !numberPattern.MatchString(text) {
		return "", fmt.Errorf("must be a plain number such as 30, without unit or separator")
	}
	rat, ok := new(big.Rat).SetString(text)
	if !ok {
		return "", fmt.Errorf("must be a plain number such as 30")
	}
	digits, _ := rat.FloatPrec()
	canonical := rat.FloatString(digits)
	if !numberPattern.MatchString(canonical) { // an exponent can make more digits than were typed
		return "", fmt.Errorf("has too many digits")
	}
	return json.Number(canonical), nil
}

// numberOf converts a number from JSON, YAML, Go or text.
func numberOf(raw any) (json.Number, error) {
	switch v := raw.(type) {
	case string:
		return canonicalNumber(v)
	case json.Number:
		return canonicalNumber(v.String())
	case float64:
		return canonicalNumber(strconv.FormatFloat(v, 'f', -1, 64))
	case int, int32, int64, uint64:
		return canonicalNumber(fmt.Sprint(v))
	}
	return "", fmt.Errorf("must be a number such as 30")
}

var spokenBools = map[string]bool{
	"yes": true, "y": true, "true": true, "on": true, "1": true,
	"no": false, "n": false, "false": false, "off": false, "0": false,
}

// boolOf accepts the words that people type in chat, and a real bool. A JSON number is rejected:
// Terraform converts no number to a bool either.
func boolOf(raw any) (bool, error) {
	switch v := raw.(type) {
	case bool:
		return v, nil
	case string:
		if b, ok := spokenBools[strings.ToLower(strings.TrimSpace(v))]; ok {
			return b, nil
		}
	}
	return false, fmt.Errorf("must be yes or no")
}

// textOf converts a single line of visible text, and normalizes it to NFC as Terraform does.
func textOf(raw any) (string, error) {
	typed, ok := raw.(string)
	if !ok {
		return "", fmt.Errorf("must be a text")
	}
	if err := invisible.Check(typed, invisible.Line); err != nil {
		return "", err
	}
	return cty.NormalizeString(strings.TrimSpace(typed)), nil
}

// scalarOf converts one text, number or bool.
func scalarOf(raw any, kind Kind) (any, error) {
	switch kind {
	case Number:
		return numberOf(raw)
	case Bool:
		return boolOf(raw)
	}
	text, err := textOf(raw)
	if err == nil && len(text) > maxText {
		err = fmt.Errorf("is longer than %d bytes", maxText)
	}
	return text, err
}

// listOf parses one item per line, comma-separated items on a single line, or a JSON list.
func listOf(raw any, elem Kind) ([]any, error) {
	var items []any
	switch v := raw.(type) {
	case string:
		texts, err := splitItems(v)
		if err != nil {
			return nil, err
		}
		for _, text := range texts {
			items = append(items, text)
		}
	case []string:
		for _, text := range v {
			items = append(items, text)
		}
	case []any:
		items = v
	default:
		return nil, fmt.Errorf("must be a list, one item per line")
	}
	if len(items) > maxItems {
		return nil, fmt.Errorf("has more than %d items", maxItems)
	}
	list := make([]any, 0, len(items))
	for i, item := range items {
		value, err := scalarOf(item, elem)
		if err != nil {
			return nil, fmt.Errorf("item %d %w", i+1, err)
		}
		if value == "" {
			return nil, fmt.Errorf("item %d is empty", i+1)
		}
		list = append(list, value)
	}
	return list, nil
}

// splitItems splits at commas only if there is a single line. In several lines a comma is part of
// an item, except at the end of a line, where people leave it from a list that they copied.
func splitItems(typed string) ([]string, error) {
	if err := invisible.Check(typed, invisible.Lines); err != nil {
		return nil, err
	}
	separator := ","
	if strings.Contains(typed, "\n") {
		separator = "\n"
	}
	var items []string
	for item := range strings.SplitSeq(typed, separator) {
		if item = strings.TrimSuffix(strings.TrimSpace(item), ","); item != "" {
			items = append(items, item)
		}
	}
	return items, nil
}

// mapOf parses one name=value per line, or a JSON object.
func mapOf(raw any, elem Kind) (map[string]any, error) {
	var pairs map[string]any
	switch v := raw.(type) {
	case string:
		var err error
		if pairs, err = splitPairs(v); err != nil {
			return nil, err
		}
	case map[string]any:
		pairs = v
	case map[string]string:
		pairs = make(map[string]any, len(v))
		for key, value := range v {
			pairs[key] = value
		}
	default:
		return nil, fmt.Errorf("must be one name=value per line")
	}
	if len(pairs) > maxItems {
		return nil, fmt.Errorf("has more than %d lines", maxItems)
	}
	return pairsOf(pairs, elem)
}

// pairsOf converts names and values. It looks for duplicates again, since two names of a JSON
// object can become one when they are trimmed and normalized.
func pairsOf(pairs map[string]any, elem Kind) (map[string]any, error) {
	table := make(map[string]any, len(pairs))
	for _, raw := range sortedKeys(pairs) {
		key, err := textOf(raw)
		if err != nil {
			return nil, fmt.Errorf("a name %w", err)
		}
		if key == "" || len(key) > maxText || strings.Contains(key, "=") {
			return nil, fmt.Errorf("the name %s is empty, too long or holds a =", shorten(key))
		}
		if _, twice := table[key]; twice {
			return nil, fmt.Errorf("names %s twice", shorten(key))
		}
		if table[key], err = scalarOf(pairs[raw], elem); err != nil {
			return nil, fmt.Errorf("the value of %s %w", shorten(key), err)
		}
	}
	return table, nil
}

// splitPairs cuts a line at its first =, so a value may contain more of them, as base64 does.
func splitPairs(typed string) (map[string]any, error) {
	if err := invisible.Check(typed, invisible.Lines); err != nil {
		return nil, err
	}
	pairs := map[string]any{}
	for line := range strings.SplitSeq(typed, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if key = strings.TrimSpace(key); !ok || key == "" {
			return nil, fmt.Errorf("must be one name=value per line; %s is not", shorten(line))
		}
		if _, twice := pairs[key]; twice {
			return nil, fmt.Errorf("names %s twice", shorten(key))
		}
		pairs[key] = value
	}
	return pairs, nil
}

// shorten quotes the start of an entry for a message.
func shorten(text string) string {
	const most = 40
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return strconv.Quote(text)
}

// sortedKeys makes messages and errors appear in the same order each time.
func sortedKeys(table map[string]any) []string {
	keys := make([]string, 0, len(table))
	for key := range table {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
