package view

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/terraform"
)

// Renders the summary of a plan for people. Terraform's own text is not used: it is neither
// masked nor bound to the approval. Everything here comes from the document whose digest is
// approved, so what a person reads is what is compared before the apply.
//
// The order serves the reader: destructive changes first, and among equals those that decide
// about access. Text from the plan is untrusted; visible escapes characters that could hide
// something or change the direction of a line.

// Plan is a whole plan as people read it.
type Plan struct {
	Headline  string   `json:"headline"`
	Providers []Line   `json:"providers,omitempty"` // where the changes happen, and as whom
	Changes   []Change `json:"changes,omitempty"`   // what is destroyed comes first
	Code      []Line   `json:"code,omitempty"`      // what the plan was made of
}

// Change is one change. Its first line names it.
type Change struct {
	Kind    string `json:"kind"`    // create, update, replace, delete, move, import, read
	Address string `json:"address"` // inside the request's module
	Access  bool   `json:"access,omitempty"`
	Lines   []Line `json:"lines"`
}

// order is what people read first: what goes, then what changes, then what comes.
var order = map[string]int{"delete": 0, "replace": 1, "update": 2, "create": 3, "import": 4, "move": 5, "read": 6}

// OfPlan renders a summary.
func OfPlan(s *terraform.Summary) Plan {
	p := Plan{Headline: headline(s), Providers: providers(s), Code: code(s.Code)}
	for _, c := range s.Changes {
		p.Changes = append(p.Changes, changeOf(c))
	}
	slices.SortStableFunc(p.Changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(order[a.Kind], order[b.Kind]), compareAccess(a, b))
	})
	return p
}

// compareAccess orders changes that grant access before others.
func compareAccess(a, b Change) int {
	switch {
	case a.Access == b.Access:
		return 0
	case a.Access:
		return -1
	}
	return 1
}

// AccessFirst is the plan in another order: what grants access before everything else. A surface
// that has no room for the whole plan draws this one.
func (p Plan) AccessFirst() Plan {
	p.Changes = slices.Clone(p.Changes)
	slices.SortStableFunc(p.Changes, compareAccess)
	return p
}

// Lines is the whole plan: the headline, the providers, then each change behind an empty line.
func (p Plan) Lines() []Line {
	lines := append([]Line{{Text: p.Headline}}, p.Providers...)
	for _, c := range p.Changes {
		lines = append(lines, Line{})
		lines = append(lines, c.Lines...)
	}
	if len(p.Code) > 0 {
		lines = append(append(lines, Line{}), p.Code...)
	}
	return lines
}

// Text is the whole plan as plain text.
func (p Plan) Text() string {
	var b strings.Builder
	for _, l := range p.Lines() {
		b.WriteString(l.String() + "\n")
	}
	return b.String()
}

// Titles are the changes in one line each, at most limit of them; the last line counts what is left out.
func (p Plan) Titles(limit int) []string {
	var titles []string
	for i, c := range p.Changes {
		if len(titles) == limit-1 && len(p.Changes) > limit {
			return append(titles, fmt.Sprintf("and %d more", len(p.Changes)-i))
		}
		titles = append(titles, c.Lines[0].String())
	}
	return titles
}

// headline counts in words, what is destroyed or replaced first.
func headline(s *terraform.Summary) string {
	n, reads := s.Counts(), 0
	for _, c := range s.Changes {
		if c.Kind() == "read" {
			reads++
		}
	}
	var parts []string
	for _, one := range []struct {
		count int
		word  string
	}{{n.Destroy, "to destroy"}, {n.Replace, "to replace"}, {n.Change, "to change"}, {n.Add, "to add"},
		{len(s.Changes) - n.Destroy - n.Replace - n.Change - n.Add - reads, "to move or import"},
		{reads, "to read during the apply"}} {
		if one.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", one.count, one.word))
		}
	}
	if len(parts) == 0 {
		return "Plan: no changes."
	}
	return "Plan: " + strings.Join(parts, ", ") + "."
}

// providers show the configuration of each provider, the region first.
func providers(s *terraform.Summary) []Line {
	w := writer{code: true}
	for _, p := range s.Providers {
		w.add(0, "", "provider "+visible(p.Name)+" ("+visible(p.Source)+")")
		w.object(1, "", p.Config, false, nil)
	}
	return w.lines
}

// code names the git ids of what the run reads: a plan of other code is another plan.
func code(c *terraform.CodeIdentity) []Line {
	if c == nil {
		return nil
	}
	var w writer
	w.add(0, "", "Planned with Terraform "+visible(c.Terraform)+" from this code:")
	for _, path := range slices.Sorted(maps.Keys(c.Files)) {
		w.add(1, "", visible(path)+" "+shortID(c.Files[path]))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Remote)) {
		r := c.Remote[name]
		w.add(1, "", strings.TrimSpace(visible("module "+name+": "+r.Source+" "+r.Version))+" "+shortID(strings.TrimPrefix(r.Hash, "sha256:")))
	}
	return w.lines
}

func shortID(id string) string { return visible(id[:min(len(id), 12)]) }

func changeOf(c terraform.Change) Change {
	w := writer{unknown: unknownPaths(c.Unknown), paths: slices.Sorted(slices.Values(c.Unknown))}
	w.add(0, signOf(c), title(c))
	for _, note := range notes(c) {
		w.add(1, "", "# "+note)
	}
	for _, warning := range c.Warnings {
		w.add(1, "", "! "+visible(warning))
	}
	w.commands(c)
	w.attributes(c)
	w.settings(c)
	w.writeOnly(c)
	return Change{Kind: c.Kind(), Address: visible(c.ShortAddress()), Access: grantsAccess(c), Lines: w.lines}
}

// signOf returns the sign of Terraform's plans. A replacement has two, by what happens first.
func signOf(c terraform.Change) Sign {
	switch c.Kind() {
	case "create":
		return Create
	case "update":
		return Update
	case "delete":
		return Destroy
	case "move":
		return Move
	case "import":
		return Import
	case "replace":
		if c.Actions[0] == "create" {
			return CreateReplace
		}
		return Replace
	}
	return Read
}

// title says what happens in words, since not every reader knows the signs.
func title(c terraform.Change) string {
	address := visible(c.ShortAddress())
	switch sign := signOf(c); sign {
	case Create:
		return "create " + address
	case Update:
		return "update " + address
	case Destroy:
		return "destroy " + address
	case Replace:
		return "replace " + address + " (the old one is destroyed first)"
	case CreateReplace:
		return "replace " + address + " (the new one is created first, then the old one is destroyed)"
	case Move:
		return "move " + address + " from " + visible(terraform.ShortAddress(c.PreviousAddress))
	case Import:
		return "import " + address
	case Read:
		if terraform.IsEphemeral(c) {
			return "read " + address + " (during the plan and again during the apply)"
		}
		return "read " + address + " (during the apply)"
	}
	return c.Kind() + " " + address
}

// notes say in words what the attributes do not: the cause first.
func notes(c terraform.Change) []string {
	var all []string
	if why := cause(c); why != "" {
		all = append(all, why)
	}
	if c.Deposed != "" {
		all = append(all, "deposed object "+visible(c.Deposed)+": left over from an earlier replacement, in addition to "+
			"the resource itself")
	}
	if c.PreviousAddress != "" && c.Kind() != "move" {
		all = append(all, "moved from "+visible(terraform.ShortAddress(c.PreviousAddress)))
	}
	if c.Importing != "" {
		all = append(all, "import id: "+visible(c.Importing))
	}
	if c.Configuration != "" {
		all = append(all, "by provider "+visible(c.Configuration))
	}
	return all
}

// reasons are Terraform's action reasons in words.
var reasons = map[string]string{
	"replace_because_tainted": "because it is tainted: its last creation failed, or a person marked it for " +
		"replacement",
	"replace_because_cannot_update":     "because it cannot be changed in place",
	"replace_by_request":                "because its replacement was requested",
	"replace_by_triggers":               "because something in its replace_triggered_by changes",
	"delete_because_no_resource_config": "because it is no longer in the code",
	"delete_because_no_module":          "because its module is no longer in the code",
	"delete_because_no_move_target":     "because the resource that it moved to is not in the code",
	"delete_because_wrong_repetition":   "because the code switched between count and for_each",
	"delete_because_count_index":        "because its index is outside count",
	"delete_because_each_key":           "because its key is no longer in for_each",
	"read_because_config_unknown":       "because its configuration is known only after apply",
	"read_because_dependency_pending":   "because what it depends on changes",
}

// cause says why Terraform does this.
func cause(c terraform.Change) string {
	words, known := reasons[c.Reason]
	if !known && c.Reason != "" {
		words = "because: " + visible(strings.ReplaceAll(c.Reason, "_", " "))
	}
	if len(c.ReplacePaths) == 0 {
		return words
	}
	var paths []string
	for _, p := range c.ReplacePaths {
		paths = append(paths, replacePath(p))
	}
	paths = slices.Compact(paths)
	changing := strings.Join(paths, ", ") + " changes"
	if len(paths) > 1 {
		changing = strings.Join(paths, ", ") + " change"
	}
	if c.Reason == "" || c.Reason == "replace_because_cannot_update" {
		return "because " + changing + ", which cannot be done in place"
	}
	return words + "; " + changing
}

// replacePath writes a path of Terraform's replace_paths as people write it.
func replacePath(path any) string {
	steps, ok := path.([]any)
	if !ok {
		return literal(path)
	}
	var b strings.Builder
	for i, step := range steps {
		name, isName := step.(string)
		switch {
		case !isName:
			b.WriteString("[" + literal(step) + "]")
		case i == 0:
			b.WriteString(key(name))
		default:
			b.WriteString("." + key(name))
		}
	}
	return b.String()
}

// commands show what runs beside the change: no attribute shows it.
func (w *writer) commands(c terraform.Change) {
	w.code = true
	defer func() { w.code = false }()
	for _, one := range c.Commands {
		command, _ := one.(map[string]any)
		kind, _ := command["type"].(string)
		config, ok := command["config"].(map[string]any)
		if !ok {
			w.whole(place{depth: 1, label: "! runs " + visible(kind) + ": "}, "", command["config"])
			continue
		}
		w.add(1, "", "! runs "+visible(kind)+":")
		w.object(2, "", config, false, nil)
	}
}

// settings show what is requested from an ephemeral resource: its result is in no plan.
func (w *writer) settings(c terraform.Change) {
	w.code = true
	defer func() { w.code = false }()
	w.object(1, "", c.Settings, false, nil)
}

// writeOnly shows which values the apply sends that no plan shows.
func (w *writer) writeOnly(c terraform.Change) {
	for _, path := range names(c.WriteOnly) {
		one, _ := c.WriteOnly[path].(map[string]any)
		note := "write-only: the apply sends it, no plan shows it"
		if from := texts(one["from"]); len(from) > 0 {
			note += "; built from " + visible(strings.Join(from, ", "))
		}
		w.add(1, signOf(c), visible(path)+" = "+terraform.Hidden+"  # "+note)
	}
}

func texts(list any) []string {
	var all []string
	values, _ := list.([]any)
	for _, v := range values {
		if text, ok := v.(string); ok {
			all = append(all, text)
		}
	}
	return all
}
