package lifecycle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// Extra keeps the fields of a stored object that this version does not know, so
// that a round trip through it loses nothing.
type Extra map[string]json.RawMessage

var extraType = reflect.TypeFor[Extra]()

// Decode reads a stored object into v, a pointer to a struct of this package.
// Unknown fields go to the Extra of the struct they stand in; numbers in free-form
// values stay exact (json.Number).
func Decode(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("decode document: %w", err)
	}
	if dec.More() {
		return fmt.Errorf("decode document: more than one value")
	}
	return collect(data, reflect.ValueOf(v).Elem())
}

// Encode writes v, a struct of this package or a pointer to one, as JSON with its
// unknown fields in place.
func Encode(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode document: %w", err)
	}
	rv := reflect.Indirect(reflect.ValueOf(v))
	if !hasExtra(rv) {
		return data, nil
	}
	return restore(data, rv)
}

// collect moves the unknown fields in data to the Extra fields of v.
func collect(data json.RawMessage, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return collect(data, v.Elem())
	case reflect.Slice:
		return collectSlice(data, v)
	case reflect.Struct:
		return collectStruct(data, v)
	default:
		return nil
	}
}

func collectSlice(data json.RawMessage, v reflect.Value) error {
	if !mayHoldExtra(v.Type().Elem()) {
		return nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal(data, &items); err != nil {
		return fmt.Errorf("decode list: %w", err)
	}
	for i := range min(len(items), v.Len()) {
		if err := collect(items[i], v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func collectStruct(data json.RawMessage, v reflect.Value) error {
	if !mayHoldExtra(v.Type()) {
		return nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return fmt.Errorf("decode fields: %w", err)
	}
	var into reflect.Value
	for _, f := range fieldsOf(v.Type()) {
		if f.extra {
			into = v.FieldByIndex(f.index)
			continue
		}
		raw, ok := fields[f.name]
		delete(fields, f.name)
		if ok && string(raw) != "null" {
			if err := collect(raw, v.FieldByIndex(f.index)); err != nil {
				return err
			}
		}
	}
	if into.IsValid() && len(fields) > 0 {
		into.Set(reflect.ValueOf(Extra(fields)))
	}
	return nil
}

// restore adds the Extra fields to data, the plain encoding of v.
func restore(data json.RawMessage, v reflect.Value) (json.RawMessage, error) {
	if !hasExtra(v) {
		return data, nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		return restore(data, v.Elem())
	case reflect.Slice:
		var items []json.RawMessage
		if err := json.Unmarshal(data, &items); err != nil {
			return nil, fmt.Errorf("encode list: %w", err)
		}
		for i := range items {
			item, err := restore(items[i], v.Index(i))
			if err != nil {
				return nil, err
			}
			items[i] = item
		}
		return json.Marshal(items)
	default:
		return restoreStruct(data, v)
	}
}

func restoreStruct(data json.RawMessage, v reflect.Value) (json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, fmt.Errorf("encode fields: %w", err)
	}
	for _, f := range fieldsOf(v.Type()) {
		fv := v.FieldByIndex(f.index)
		if f.extra {
			for k, raw := range fv.Interface().(Extra) {
				if _, known := fields[k]; !known {
					fields[k] = raw
				}
			}
			continue
		}
		if raw, ok := fields[f.name]; ok {
			item, err := restore(raw, fv)
			if err != nil {
				return nil, err
			}
			fields[f.name] = item
		}
	}
	return json.Marshal(fields)
}

// hasExtra reports whether some struct inside v carries unknown fields.
func hasExtra(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return !v.IsNil() && hasExtra(v.Elem())
	case reflect.Slice:
		if !mayHoldExtra(v.Type().Elem()) {
			return false
		}
		for i := range v.Len() {
			if hasExtra(v.Index(i)) {
				return true
			}
		}
	case reflect.Struct:
		if !mayHoldExtra(v.Type()) {
			return false
		}
		for _, f := range fieldsOf(v.Type()) {
			fv := v.FieldByIndex(f.index)
			if f.extra && fv.Len() > 0 || !f.extra && hasExtra(fv) {
				return true
			}
		}
	}
	return false
}

func mayHoldExtra(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct && t.PkgPath() == reflect.TypeFor[Request]().PkgPath()
}

// field is one JSON member of a struct, embedded structs flattened.
type field struct {
	name  string
	index []int
	extra bool
}

var fieldCache sync.Map // reflect.Type → []field

func fieldsOf(t reflect.Type) []field {
	if f, ok := fieldCache.Load(t); ok {
		return f.([]field)
	}
	var fields []field
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields = append(fields, field{name: name, index: f.Index, extra: f.Type == extraType})
	}
	fieldCache.Store(t, fields)
	return fields
}
