package catalog

import (
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// Terraform tracks whether a value is sensitive or ephemeral through every expression, as a mark
// beside the value. Rules can ask for it with issensitive, so an evaluation without marks would
// decide such a rule differently from the plan. Marks also protect the message of a rule: explain
// shows no text into which a marked value was interpolated.

// mark is what Terraform remembers of a value besides the value itself.
type mark string

const (
	sensitiveMark mark = "sensitive"
	ephemeralMark mark = "ephemeral"
)

// markedParam takes any value with its marks.
var markedParam = function.Parameter{
	Name: "value", Type: cty.DynamicPseudoType, AllowUnknown: true, AllowNull: true, AllowMarked: true,
	AllowDynamicType: true,
}

func sameType(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil }

func markFunc(m mark) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{markedParam},
		Type:   sameType,
		Impl:   func(args []cty.Value, _ cty.Type) (cty.Value, error) { return args[0].Mark(m), nil },
	})
}

var nonsensitiveFunc = function.New(&function.Spec{
	Params: []function.Parameter{markedParam},
	Type:   sameType,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		value, marks := args[0].Unmark()
		delete(marks, sensitiveMark)
		return value.WithMarks(marks), nil
	},
})

var isSensitiveFunc = function.New(&function.Spec{
	Params: []function.Parameter{markedParam},
	Type:   function.StaticReturnType(cty.Bool),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		return cty.BoolVal(args[0].HasMark(sensitiveMark)), nil
	},
})

var ephemeralAsNullFunc = function.New(&function.Spec{
	Params: []function.Parameter{markedParam},
	Type:   sameType,
	Impl: func(args []cty.Value, typ cty.Type) (cty.Value, error) {
		return cty.Transform(args[0], func(_ cty.Path, v cty.Value) (cty.Value, error) {
			if v.HasMark(ephemeralMark) {
				_, marks := v.Unmark()
				delete(marks, ephemeralMark)
				return cty.NullVal(v.Type()).WithMarks(marks), nil
			}
			return v, nil
		})
	},
})
