package catalog

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// A limit is a rule that depends on the environment: at most 100 GB in dev, only these instance
// types in protected environments. Terraform's validation blocks cannot express this, because
// they see the variables of the module and not where it is used. So limits are in the overlay.
//
// All limits that apply must allow a value. They check the value that will be used, including a
// default that the form left empty: a default that an environment does not allow is no default
// there, and the field must be filled in.

// Limit narrows a field in some environments. Empty lists and a nil Protected match every environment.
type Limit struct {
	Projects     []string
	Environments []string
	Protected    *bool
	Allowed      []any       // values as in a config; empty allows all
	Min, Max     json.Number // empty is no bound
	Reason       string      // shown to people whom the limit stops
}

// applies reports whether a limit concerns an environment. Its three conditions are joined by
// and.
func (l Limit) applies(env Environment) bool {
	return (len(l.Projects) == 0 || slices.Contains(l.Projects, env.Project)) &&
		(len(l.Environments) == 0 || slices.Contains(l.Environments, env.Key)) &&
		(l.Protected == nil || *l.Protected == env.Protected)
}

// ChoicesIn lists the choices that an environment's limits allow.
func (f *Field) ChoicesIn(env Environment) []Choice {
	return slices.DeleteFunc(slices.Clone(f.Choices), func(c Choice) bool { return f.checkLimits(c.Value, env) != nil })
}

// DefaultIn returns the default, or nil if the environment's limits do not allow it.
func (f *Field) DefaultIn(env Environment) any {
	if f.Default == nil || f.checkLimits(f.Default, env) != nil {
		return nil
	}
	return f.Default
}

// checkLimits checks a value, or each item of a list or map, against the limits of the
// environment.
func (f *Field) checkLimits(value any, env Environment) error {
	for _, limit := range f.Limits {
		if !limit.applies(env) {
			continue
		}
		for _, item := range itemsOf(value) {
			if err := limit.check(item, env); err != nil {
				return err
			}
		}
	}
	return nil
}

// itemsOf returns what a limit compares: the items of a list, the values of a map, or the value
// itself. A map is read in the order of its keys, so that the same input gives the same message.
func itemsOf(value any) []any {
	switch v := value.(type) {
	case nil:
		return nil
	case []any:
		return v
	case map[string]any:
		items := make([]any, 0, len(v))
		for _, key := range sortedKeys(v) {
			items = append(items, v[key])
		}
		return items
	}
	return []any{value}
}

// check compares canonical values, so == is exact also for numbers: a json.Number has one form.
func (l Limit) check(item any, env Environment) error {
	if len(l.Allowed) > 0 && !slices.Contains(l.Allowed, item) {
		words := make([]string, len(l.Allowed))
		for i, value := range l.Allowed {
			words[i] = itemText(value)
		}
		wanted := "one of " + strings.Join(words, ", ")
		if len(words) == 1 {
			wanted = words[0]
		}
		return l.error(env, "must be "+wanted)
	}
	given, isNumber := item.(json.Number)
	if isNumber && l.Min != "" && compareNumbers(given, l.Min) < 0 {
		return l.error(env, "must be at least "+l.Min.String())
	}
	if isNumber && l.Max != "" && compareNumbers(given, l.Max) > 0 {
		return l.error(env, "must be at most "+l.Max.String())
	}
	return nil
}

func (l Limit) error(env Environment, what string) error {
	where := env.Key
	if env.Slug != "" {
		where += "/" + env.Slug
	}
	if l.Reason == "" {
		return fmt.Errorf("%s in %s", what, where)
	}
	return fmt.Errorf("%s in %s: %s", what, where, l.Reason)
}

// compareNumbers compares exactly. Both numbers are canonical, so SetString succeeds.
func compareNumbers(a, b json.Number) int {
	left, _ := new(big.Rat).SetString(a.String())
	right, _ := new(big.Rat).SetString(b.String())
	return left.Cmp(right)
}

// addLimits converts the overlay's limits to the field's type when the catalog is loaded. A limit
// of another type would match no value, so it would allow nothing, or with min and max
// everything.
func (f *Field) addLimits(raw []overlayLimit) error {
	elem := f.typ
	numeric := f.Kind == Number || f.Elem == Number
	if f.Kind == List || f.Kind == Map {
		elem = f.typ.ElementType()
	}
	if kind, _, _ := kindOf(elem); kind == Number {
		numeric = true
	}
	for _, one := range raw {
		limit := Limit{Projects: one.Projects, Environments: one.Environments, Protected: one.Protected, Reason: one.Reason}
		for _, value := range one.Allowed {
			allowed, err := literal(value, elem)
			if err != nil {
				return fmt.Errorf("limit: allowed: %w", err)
			}
			limit.Allowed = append(limit.Allowed, allowed)
		}
		if err := limit.addBounds(one, numeric); err != nil {
			return err
		}
		f.Limits = append(f.Limits, limit)
	}
	return nil
}

func (l *Limit) addBounds(raw overlayLimit, numeric bool) error {
	for _, bound := range []struct {
		raw  any
		into *json.Number
	}{{raw.Min, &l.Min}, {raw.Max, &l.Max}} {
		if bound.raw == nil {
			continue
		}
		value, err := numberOf(bound.raw)
		if err != nil || !numeric {
			return fmt.Errorf("limit: min and max are numbers, of a number field")
		}
		*bound.into = value
	}
	// A limit without a bound looks like protection and gives none; it is most likely a
	// misspelled key or a wrong indent.
	if len(l.Allowed) == 0 && l.Min == "" && l.Max == "" {
		return fmt.Errorf("limit: needs allowed, min or max")
	}
	return nil
}
