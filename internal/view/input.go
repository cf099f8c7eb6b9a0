package view

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// inputs are those that differ from their default, in the order of the form.
func (d description) inputs() []Value {
	var all []Value
	known := map[string]bool{}
	if d.Module != nil {
		env := catalog.Environment{Project: d.r.Project, Key: d.r.Environment.Key, Slug: d.r.Environment.Slug,
			Protected: d.Protected}
		for i := range d.Module.Fields {
			f := &d.Module.Fields[i]
			known[f.Name] = true
			value, given := d.r.Config[f.Name]
			if given && !reflect.DeepEqual(value, f.DefaultIn(env)) {
				all = append(all, Value{Label: f.Label, Text: f.Text(value)})
			}
		}
	}
	// The module may have lost a field since. The request still has its value, so show it.
	for _, name := range slices.Sorted(maps.Keys(d.r.Config)) {
		if !known[name] {
			all = append(all, Value{Label: name, Text: valueText(d.r.Config[name])})
		}
	}
	return all
}

// outputs are what the apply returned, in the order of the module.
func (d description) outputs() []Value {
	// The outputs name resources that no longer exist.
	if d.status == lifecycle.StatusDestroyed {
		return nil
	}
	var all []Value
	known := map[string]bool{}
	add := func(name string) {
		if value, given := d.r.Outputs[name]; given && !known[name] {
			known[name] = true
			all = append(all, Value{Label: name, Text: valueText(value)})
		}
	}
	if d.Module != nil {
		for _, o := range d.Module.Outputs {
			add(o.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.r.Outputs)) {
		add(name)
	}
	return all
}

func valueText(v any) string {
	if text, isText := v.(string); isText {
		return text
	}
	data, err := json.Marshal(v)
	if err != nil {
		return "–"
	}
	return string(data)
}

// shortAddresses leaves out the part of an address that all resources of the request share.
func shortAddresses(addresses []string, id string) []string {
	var all []string
	for _, address := range addresses {
		all = append(all, strings.TrimPrefix(address, "module.tfpilot_"+id+"."))
	}
	return all
}

// kindName is a run's kind in words.
func kindName(k lifecycle.Kind) string { return strings.ReplaceAll(string(k), "_", " ") }
