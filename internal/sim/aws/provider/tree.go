package provider

import (
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"slices"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// A tree is a Terraform value in plain Go: nil, string, bool, json.Number in
// its shortest form, []any, map[string]any, or unknown.
type unknownValue struct{}

var unknown = unknownValue{}

func decodeState(v *tfprotov5.DynamicValue, s *tfprotov5.Schema) (map[string]any, error) {
	value, err := v.Unmarshal(s.ValueType())
	if err != nil {
		return nil, err
	}
	tree, err := decode(value)
	if err != nil || tree == nil {
		return nil, err
	}
	return tree.(map[string]any), nil
}

func encodeState(tree map[string]any, s *tfprotov5.Schema) (*tfprotov5.DynamicValue, error) {
	var v any = tree
	if tree == nil {
		v = nil
	}
	value, err := encode(s.ValueType(), v)
	if err != nil {
		return nil, err
	}
	out, err := tfprotov5.NewDynamicValue(s.ValueType(), value)
	return &out, err
}

func decode(v tftypes.Value) (any, error) {
	if !v.IsKnown() {
		return unknown, nil
	}
	if v.IsNull() {
		return nil, nil
	}
	switch t := v.Type(); {
	case t.Is(tftypes.String):
		var s string
		err := v.As(&s)
		return s, err
	case t.Is(tftypes.Bool):
		var b bool
		err := v.As(&b)
		return b, err
	case t.Is(tftypes.Number):
		n := new(big.Float)
		err := v.As(&n)
		return toNumber(n), err
	case t.Is(tftypes.List{}), t.Is(tftypes.Set{}):
		return decodeList(v)
	}
	return decodeMap(v)
}

func decodeList(v tftypes.Value) (any, error) {
	var items []tftypes.Value
	if err := v.As(&items); err != nil {
		return nil, err
	}
	out := make([]any, len(items))
	for i, item := range items {
		var err error
		if out[i], err = decode(item); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func decodeMap(v tftypes.Value) (any, error) {
	var items map[string]tftypes.Value
	if err := v.As(&items); err != nil {
		return nil, err
	}
	out := make(map[string]any, len(items))
	for k, item := range items {
		var err error
		if out[k], err = decode(item); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func toNumber(n *big.Float) json.Number {
	if n.IsInt() {
		return json.Number(n.Text('f', 0))
	}
	return json.Number(n.Text('g', -1))
}

// encode also accepts what the account or a person wrote there: numbers in any form, and attributes
// that the schema does not know, which it leaves out.
func encode(t tftypes.Type, v any) (tftypes.Value, error) {
	switch v := v.(type) {
	case nil:
		return tftypes.NewValue(t, nil), nil
	case unknownValue:
		return tftypes.NewValue(t, tftypes.UnknownValue), nil
	case json.Number, float64, int, int64:
		n, _, err := big.ParseFloat(fmt.Sprint(v), 10, 512, big.ToNearestEven)
		if err != nil {
			return tftypes.Value{}, err
		}
		return newValue(t, n)
	case []any:
		return encodeList(t, v)
	case map[string]any:
		return encodeMap(t, v)
	}
	return newValue(t, v)
}

// newValue returns an error for a value of the wrong type instead of panicking: people may write
// anything into the account.
func newValue(t tftypes.Type, v any) (tftypes.Value, error) {
	if err := tftypes.ValidateValue(t, v); err != nil {
		return tftypes.Value{}, err
	}
	return tftypes.NewValue(t, v), nil
}

func encodeList(t tftypes.Type, items []any) (tftypes.Value, error) {
	var element tftypes.Type
	switch t := t.(type) {
	case tftypes.List:
		element = t.ElementType
	case tftypes.Set:
		element = t.ElementType
	default:
		return tftypes.Value{}, fmt.Errorf("a list is not a %s", t)
	}
	out := make([]tftypes.Value, len(items))
	for i, item := range items {
		var err error
		if out[i], err = encode(element, item); err != nil {
			return tftypes.Value{}, err
		}
	}
	return newValue(t, out)
}

func encodeMap(t tftypes.Type, items map[string]any) (tftypes.Value, error) {
	out := map[string]tftypes.Value{}
	var err error
	switch t := t.(type) {
	case tftypes.Object:
		for k, element := range t.AttributeTypes {
			if out[k], err = encode(element, items[k]); err != nil {
				return tftypes.Value{}, fmt.Errorf("%s: %w", k, err)
			}
		}
	case tftypes.Map:
		for k, item := range items {
			if out[k], err = encode(t.ElementType, item); err != nil {
				return tftypes.Value{}, fmt.Errorf("%s: %w", k, err)
			}
		}
	default:
		return tftypes.Value{}, fmt.Errorf("a map is not a %s", t)
	}
	return newValue(t, out)
}

// same compares trees, without the order of a set.
func same(a, b any, set bool) bool {
	as, aok := a.([]any)
	bs, bok := b.([]any)
	if set && aok && bok {
		return reflect.DeepEqual(sorted(as), sorted(bs))
	}
	return reflect.DeepEqual(a, b)
}

func sorted(items []any) []string {
	out := make([]string, len(items))
	for i, item := range items {
		raw, _ := json.Marshal(item)
		out[i] = string(raw)
	}
	slices.Sort(out)
	return out
}
