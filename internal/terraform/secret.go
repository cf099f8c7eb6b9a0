package terraform

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
)

// minInside is the length from which a secret is also looked for inside other texts; a shorter one would be found everywhere.
const minInside = 6

// secrets are all texts that a plan marks as sensitive anywhere. Providers repeat marked values where nothing marks them, so
// marks alone do not hide them.
type secrets map[string]bool

func secretsOf(plan *tfjson.Plan) secrets {
	s := secrets{}
	if plan == nil {
		return s
	}
	for _, list := range [][]*tfjson.ResourceChange{plan.ResourceChanges, plan.ResourceDrift} {
		for _, rc := range list {
			if rc != nil {
				s.addChange(rc.Change)
			}
		}
	}
	for _, deferred := range plan.DeferredChanges {
		if deferred != nil && deferred.ResourceChange != nil {
			s.addChange(deferred.ResourceChange.Change)
		}
	}
	for _, change := range plan.OutputChanges {
		s.addChange(change)
	}
	s.addState(plan.PlannedValues)
	if plan.PriorState != nil {
		s.addState(plan.PriorState.Values)
	}
	s.addConfig(plan)
	return s
}

func (s secrets) addChange(change *tfjson.Change) {
	if change == nil {
		return
	}
	s.addMarked(change.Before, change.BeforeSensitive)
	s.addMarked(change.After, change.AfterSensitive)
}

// addMarked walks a value beside the tree of its marks.
func (s secrets) addMarked(value, marks any) {
	switch m := marks.(type) {
	case bool:
		if m {
			s.addAll(value)
		}
	case map[string]any:
		table, _ := value.(map[string]any)
		for name, inner := range m {
			s.addMarked(table[name], inner)
		}
	case []any:
		list, _ := value.([]any)
		for i, inner := range m {
			if i < len(list) {
				s.addMarked(list[i], inner)
			}
		}
	}
}

// addAll takes every text of a marked value, but not the names in its objects: most are attributes, which every plan shows.
func (s secrets) addAll(value any) {
	switch v := value.(type) {
	case string:
		s.add(v)
	case json.Number:
		s.addNumber(v.String())
	case float64:
		s.addNumber(strconv.FormatFloat(v, 'f', -1, 64))
	case map[string]any:
		for _, inner := range v {
			s.addAll(inner)
		}
	case []any:
		for _, inner := range v {
			s.addAll(inner)
		}
	}
}

func (s secrets) add(text string) {
	if text != "" {
		s[text] = true
	}
}

func (s secrets) addNumber(text string) {
	if len(text) >= minInside {
		s[text] = true
	}
}

func (s secrets) addState(values *tfjson.StateValues) {
	if values == nil {
		return
	}
	for _, output := range values.Outputs {
		if output != nil && output.Sensitive {
			s.addAll(output.Value)
		}
	}
	s.addModule(values.RootModule)
}

func (s secrets) addModule(module *tfjson.StateModule) {
	if module == nil {
		return
	}
	for _, resource := range module.Resources {
		if resource == nil || len(resource.SensitiveValues) == 0 {
			continue
		}
		var marks any
		if err := json.Unmarshal(resource.SensitiveValues, &marks); err != nil {
			marks = true // what cannot be read hides everything rather than nothing
		}
		s.addMarked(anyTable(resource.AttributeValues), marks)
	}
	for _, child := range module.ChildModules {
		s.addModule(child)
	}
}

func anyTable(table map[string]any) any { return table }

// addConfig takes what goes into sensitive variables, of the root and of every module call.
func (s secrets) addConfig(plan *tfjson.Plan) {
	if plan.Config == nil || plan.Config.RootModule == nil {
		return
	}
	for name, variable := range plan.Config.RootModule.Variables {
		if given := plan.Variables[name]; variable != nil && variable.Sensitive && given != nil {
			s.addAll(given.Value)
		}
	}
	s.addConfigModule(plan.Config.RootModule)
}

func (s secrets) addConfigModule(module *tfjson.ConfigModule) {
	for _, variable := range module.Variables {
		if variable != nil && variable.Sensitive {
			s.addAll(variable.Default)
		}
	}
	for _, call := range module.ModuleCalls {
		if call == nil || call.Module == nil {
			continue
		}
		for name, variable := range call.Module.Variables {
			given := call.Expressions[name]
			if variable != nil && variable.Sensitive && given != nil && given.ExpressionData != nil {
				s.addAll(given.ConstantValue)
			}
		}
		s.addConfigModule(call.Module)
	}
}

// forms lists, longest first, what a secret may look like inside another text, and the texts of a secret that is itself JSON.
func (s secrets) forms() []string {
	seen := map[string]bool{}
	for secret := range s {
		for _, form := range formsOf(secret) {
			if len(form) >= minInside {
				seen[form] = true
			}
		}
	}
	forms := make([]string, 0, len(seen))
	for form := range seen {
		forms = append(forms, form)
	}
	slices.SortFunc(forms, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return forms
}

func formsOf(secret string) []string {
	forms := []string{secret, strings.TrimSpace(secret)}
	for line := range strings.SplitSeq(secret, "\n") {
		forms = append(forms, strings.TrimSpace(line))
	}
	for _, form := range slices.Clone(forms) {
		escaped := jsonText(form)
		forms = append(forms, escaped, strings.NewReplacer("${", "$${", "%{", "%%{").Replace(escaped))
		if html, err := json.Marshal(form); err == nil {
			forms = append(forms, strings.Trim(string(html), `"`))
		}
	}
	if len(secret) >= minInside {
		forms = append(forms, url.QueryEscape(secret), url.PathEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret)))
	}
	inner := secrets{}
	var doc any
	if err := json.Unmarshal([]byte(secret), &doc); err == nil {
		inner.addAll(doc)
		delete(inner, secret)
	}
	for text := range inner {
		forms = append(forms, text, jsonText(text))
	}
	return forms
}

// jsonText is a text as it stands between the quotes of JSON.
func jsonText(text string) string {
	encoded := strings.TrimSuffix(string(canonical(text)), "\n")
	return encoded[1 : len(encoded)-1]
}
