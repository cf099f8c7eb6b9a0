package terraform

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	tfjson "github.com/hashicorp/terraform-json"
)

// Terraform marks sensitive values in several parts of a plan: in each change before and after,
// in the state before the plan and the values planned after it, in outputs, and in the variables
// of the configuration. A secret that only one of them marks can appear unmarked in another, for
// example in the name of a resource or in an error. So all marked texts of all parts are
// collected first, and hidden wherever they appear.

// minNumber is the length from which a marked number is a secret; a shorter one would be found everywhere.
const minNumber = 6

// secrets holds every text that a plan marks as sensitive. Providers repeat marked values in
// unmarked attributes, so hiding the marked attributes is not enough.
type secrets map[string]bool

// secretsOf collects the marked texts of a plan; none if there is no plan.
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

// addMarked walks a value together with the tree of its marks.
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

// addAll adds every text in a marked value. It skips the names in objects: most are attribute
// names, which every plan shows.
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
	if len(text) >= minNumber {
		s[text] = true
	}
}

// addState adds the secrets of a state, or of the values that a plan expects after it.
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
			marks = true // a value that cannot be read hides everything rather than nothing
		}
		s.addMarked(anyTable(resource.AttributeValues), marks)
	}
	for _, child := range module.ChildModules {
		s.addModule(child)
	}
}

func anyTable(table map[string]any) any { return table }

// addConfig adds the values of sensitive variables, of the root and of every module call.
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

// addConfigModule adds constant arguments and defaults. An argument that refers to something else
// gets its value from a part of the plan that is read elsewhere.
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

// SecretsOf lists the values that a plan marks as sensitive.
func SecretsOf(plan *tfjson.Plan) []string { return secretsOf(plan).list() }

func (s secrets) list() []string { return slices.Collect(maps.Keys(s)) }
