package catalog

import (
	"errors"
	"fmt"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// Functions over collections whose results in Terraform differ from the functions of the same
// name in HCL's standard library.

// anyParam is a parameter of any type.
func anyParam(name string) function.Parameter {
	return function.Parameter{Name: name, Type: cty.DynamicPseudoType}
}

func isSequence(t cty.Type) bool { return t.IsListType() || t.IsSetType() || t.IsTupleType() }

// coalesceFunc skips null and, unlike the standard one, the empty string.
var coalesceFunc = function.New(&function.Spec{
	VarParam: &function.Parameter{Name: "vals", Type: cty.DynamicPseudoType, AllowUnknown: true, AllowDynamicType: true,
		AllowNull: true},
	Type: func(args []cty.Value) (cty.Type, error) {
		types := make([]cty.Type, len(args))
		for i, arg := range args {
			types[i] = arg.Type()
		}
		common, _ := convert.UnifyUnsafe(types)
		// All arguments need one common type although only one of them is returned: the type of
		// the result must not depend on which of them is null.
		if common == cty.NilType {
			return cty.NilType, errors.New("all arguments must have the same type")
		}
		return common, nil
	},
	Impl: func(args []cty.Value, typ cty.Type) (cty.Value, error) {
		for _, arg := range args {
			value, err := convert.Convert(arg, typ)
			switch {
			case err != nil:
				return cty.NilVal, err
			// An unknown argument may be null after the apply, so neither it nor a later one can
			// be chosen now.
			case !value.IsKnown():
				return cty.UnknownVal(typ), nil
			case value.IsNull() || typ == cty.String && value.AsString() == "":
				continue
			}
			return value, nil
		}
		return cty.NilVal, errors.New("no non-null, non-empty-string arguments")
	},
})

// indexFunc finds the position of a value; the standard one is for element access.
var indexFunc = function.New(&function.Spec{
	Params: []function.Parameter{anyParam("list"), anyParam("value")},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if t := args[0].Type(); !t.IsListType() && !t.IsTupleType() {
			return cty.NilVal, function.NewArgErrorf(0, "must be a list or tuple")
		}
		if args[0].LengthInt() == 0 {
			return cty.NilVal, errors.New("cannot search an empty list")
		}
		for it := args[0].ElementIterator(); it.Next(); {
			i, item := it.Element()
			equal, err := stdlib.Equal(item, args[1])
			if err != nil {
				return cty.NilVal, err
			}
			if !equal.IsKnown() {
				return cty.UnknownVal(cty.Number), nil
			}
			if equal.True() {
				return i, nil
			}
		}
		return cty.NilVal, errors.New("item not found")
	},
})

// lookupFunc takes the default as an optional third argument.
var lookupFunc = function.New(&function.Spec{
	Params: []function.Parameter{anyParam("inputMap"), {Name: "key", Type: cty.String}},
	VarParam: &function.Parameter{Name: "default", Type: cty.DynamicPseudoType, AllowUnknown: true,
		AllowDynamicType: true, AllowNull: true},
	Type: func(args []cty.Value) (cty.Type, error) {
		if len(args) > 3 {
			return cty.NilType, fmt.Errorf("takes two or three arguments, got %d", len(args))
		}
		switch typ := args[0].Type(); {
		// Each attribute of an object has a type of its own, so the type of the result depends on
		// the key. In a map all elements share one type.
		case typ.IsObjectType() && !args[1].IsKnown():
			return cty.DynamicPseudoType, nil
		case typ.IsObjectType() && typ.HasAttribute(args[1].AsString()):
			return typ.AttributeType(args[1].AsString()), nil
		case typ.IsObjectType() && len(args) == 3:
			return args[2].Type(), nil
		case typ.IsObjectType():
			return cty.NilType, function.NewArgErrorf(0, "the given object has no attribute %q", args[1].AsString())
		case typ.IsMapType():
			return typ.ElementType(), nil
		default:
			return cty.NilType, function.NewArgErrorf(0, "must be a map")
		}
	},
	Impl: func(args []cty.Value, typ cty.Type) (cty.Value, error) {
		key := args[1].AsString()
		if args[0].Type().IsObjectType() {
			if args[0].Type().HasAttribute(key) {
				return args[0].GetAttr(key), nil
			}
		} else if args[0].HasIndex(args[1]).True() {
			return args[0].Index(args[1]), nil
		}
		if len(args) == 3 {
			return convert.Convert(args[2], typ)
		}
		return cty.NilVal, fmt.Errorf("the given map has no key %q", key)
	},
})

// matchKeysFunc takes the values whose keys are in a set.
var matchKeysFunc = function.New(&function.Spec{
	Params: []function.Parameter{
		{Name: "values", Type: cty.List(cty.DynamicPseudoType)},
		{Name: "keys", Type: cty.List(cty.DynamicPseudoType)},
		{Name: "searchset", Type: cty.List(cty.DynamicPseudoType)},
	},
	Type: func(args []cty.Value) (cty.Type, error) {
		if common, _ := convert.UnifyUnsafe([]cty.Type{args[1].Type(), args[2].Type()}); common == cty.NilType {
			return cty.NilType, errors.New("keys and searchset must be of the same type")
		}
		return args[0].Type(), nil
	},
	Impl: func(args []cty.Value, typ cty.Type) (cty.Value, error) {
		if args[0].LengthInt() != args[1].LengthInt() {
			return cty.NilVal, errors.New("length of keys and values should be equal")
		}
		common, _ := convert.UnifyUnsafe([]cty.Type{args[1].Type(), args[2].Type()})
		keys, err := convert.Convert(args[1], common)
		if err != nil {
			return cty.NilVal, err
		}
		wanted, err := convert.Convert(args[2], common)
		if err != nil {
			return cty.NilVal, err
		}
		var found []cty.Value
		for i, key := range keys.AsValueSlice() {
			for _, one := range wanted.AsValueSlice() {
				equal := key.Equals(one)
				if !equal.IsKnown() {
					return cty.UnknownVal(typ), nil
				}
				if equal.True() {
					found = append(found, args[0].AsValueSlice()[i])
					break
				}
			}
		}
		if len(found) == 0 {
			return cty.ListValEmpty(typ.ElementType()), nil
		}
		return cty.ListVal(found), nil
	},
})

// oneFunc takes the only element of a collection, or null of an empty one.
var oneFunc = function.New(&function.Spec{
	Params: []function.Parameter{anyParam("list")},
	Type: func(args []cty.Value) (cty.Type, error) {
		switch typ := args[0].Type(); {
		case typ.IsListType() || typ.IsSetType():
			return typ.ElementType(), nil
		case typ.IsTupleType() && len(typ.TupleElementTypes()) == 0:
			return cty.DynamicPseudoType, nil
		case typ.IsTupleType() && len(typ.TupleElementTypes()) == 1:
			return typ.TupleElementType(0), nil
		}
		return cty.NilType, errNotOne
	},
	Impl: func(args []cty.Value, typ cty.Type) (cty.Value, error) {
		switch args[0].LengthInt() {
		case 0:
			return cty.NullVal(typ), nil
		case 1:
			return args[0].AsValueSlice()[0], nil
		}
		return cty.NilVal, errNotOne
	},
})

var errNotOne = function.NewArgErrorf(0, "must be a list, set, or tuple value with either zero or one elements")

var sumFunc = function.New(&function.Spec{
	Params: []function.Parameter{anyParam("list")},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		// Terraform has no sum of nothing: an empty list is an error, not zero.
		if !isSequence(args[0].Type()) || args[0].LengthInt() == 0 {
			return cty.NilVal, function.NewArgErrorf(0, "must be a list, set or tuple of numbers that is not empty")
		}
		if !args[0].IsWhollyKnown() {
			return cty.UnknownVal(cty.Number), nil
		}
		total := cty.Zero
		for _, item := range args[0].AsValueSlice() {
			number, err := convert.Convert(item, cty.Number)
			if err != nil || number.IsNull() {
				return cty.NilVal, function.NewArgErrorf(0, "must be a list, set, or tuple of number values")
			}
			total = total.Add(number)
		}
		return total, nil
	},
})

// transposeFunc turns a map of lists around: from each item to the keys that had it.
var transposeFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "values", Type: cty.Map(cty.List(cty.String))}},
	Type:   function.StaticReturnType(cty.Map(cty.List(cty.String))),
	Impl: func(args []cty.Value, typ cty.Type) (cty.Value, error) {
		if !args[0].IsWhollyKnown() {
			return cty.UnknownVal(typ), nil
		}
		turned := map[string][]cty.Value{}
		for it := args[0].ElementIterator(); it.Next(); {
			key, items := it.Element()
			if items.IsNull() {
				return cty.NilVal, errors.New("values must not be null")
			}
			for _, item := range items.AsValueSlice() {
				if item.IsNull() {
					return cty.NilVal, errors.New("items must not be null")
				}
				turned[item.AsString()] = append(turned[item.AsString()], key)
			}
		}
		if len(turned) == 0 {
			return cty.MapValEmpty(cty.List(cty.String)), nil
		}
		// The iteration above visits the keys in order, so each list of keys is sorted.
		result := make(map[string]cty.Value, len(turned))
		for item, keys := range turned {
			result[item] = cty.ListVal(keys)
		}
		return cty.MapVal(result), nil
	},
})
