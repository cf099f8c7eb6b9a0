package view

import (
	"fmt"
	"reflect"
	"slices"
	"unicode/utf8"
)

// Draws how two values of one attribute differ. Lists are aligned by their longest common
// subsequence, as diff does with lines: an element that was inserted at the start must not make
// all others look changed, since an approver would miss the one that matters.

// changedObject shows the members of an object that differ. A JSON document is shown whole, since a
// statement of a policy means little without the rest of it. Elsewhere what stays is counted, but
// for what tells an element of a list from the others.
func (w *writer) changedObject(p place, was, is map[string]any) {
	first := len(w.lines)
	w.add(p.depth, Update, p.prefix()+"{")
	all := names(was, is)
	if !p.json {
		all = slices.DeleteFunc(all, func(name string) bool { return was[name] == nil && is[name] == nil })
	}
	unchanged, signed := 0, false
	for i, name := range all {
		m := member(p.depth+1, name, p.json, i < len(all)-1)
		before, had := was[name]
		after, has := is[name]
		switch {
		case had && has && reflect.DeepEqual(before, after):
			if p.json || p.name == "" && isPlain(after) && !isEmpty(after) { // which element it is
				w.whole(m, "", after)
			} else {
				unchanged++
			}
			continue
		case !p.json:
			w.changed(m, before, after)
		case !had:
			w.whole(m, Create, after)
		case !has:
			w.whole(m, Destroy, before)
		default:
			w.changed(m, before, after)
		}
		signed = true
	}
	if !signed { // only null against not set
		w.lines = w.lines[:first]
		return
	}
	if unchanged > 0 {
		w.add(p.depth+1, "", "# unchanged: "+fmt.Sprint(unchanged))
	}
	w.add(p.depth, "", "}"+p.comma)
}

// changedList shows the elements of a list that differ.
func (w *writer) changedList(p place, was, is []any) {
	if before, short := shortListText(was, p.json); short {
		if after, short := shortListText(is, p.json); short {
			if text := p.prefix() + arrowText(before, after) + p.comma; utf8.RuneCountInString(text) <= shortArrow {
				w.add(p.depth, Update, text)
				return
			}
		}
	}
	steps := pair(was, is)
	asBlocks := w.blocks(p, was) && w.blocks(p, is)
	inner := func(i int) place {
		if asBlocks {
			return place{depth: p.depth, label: key(p.name) + " "}
		}
		return element(p, i < len(steps)-1)
	}
	if !asBlocks {
		w.add(p.depth, Update, p.prefix()+"[")
	}
	unchanged := 0
	for i, s := range steps {
		switch {
		case s.was >= 0 && s.is >= 0 && reflect.DeepEqual(was[s.was], is[s.is]):
			if p.json {
				w.whole(inner(i), "", is[s.is])
			} else {
				unchanged++
			}
		case s.was >= 0 && s.is >= 0:
			w.changedValue(inner(i), was[s.was], is[s.is])
		case s.was >= 0:
			w.whole(inner(i), Destroy, was[s.was])
		default:
			w.whole(inner(i), Create, is[s.is])
		}
	}
	switch {
	case asBlocks && unchanged > 0:
		w.add(p.depth, "", fmt.Sprintf("# unchanged %s: %d", key(p.name), unchanged))
	case unchanged > 0:
		w.add(p.depth+1, "", fmt.Sprintf("# unchanged: %d", unchanged))
	}
	if !asBlocks {
		w.add(p.depth, "", "]"+p.comma)
	}
}

// pair aligns two lists. Objects in the position of others are shown as one that changes.
func pair(was, is []any) []match {
	var steps []match
	var gone, come []int
	flush := func() {
		for len(gone) > 0 && len(come) > 0 && sameShape(was[gone[0]], is[come[0]]) {
			steps = append(steps, match{gone[0], come[0]})
			gone, come = gone[1:], come[1:]
		}
		for _, i := range gone {
			steps = append(steps, match{i, -1})
		}
		for _, i := range come {
			steps = append(steps, match{-1, i})
		}
		gone, come = nil, nil
	}
	for _, s := range align(was, is) {
		switch {
		case s.was >= 0 && s.is >= 0:
			flush()
			steps = append(steps, s)
		case s.was >= 0:
			gone = append(gone, s.was)
		default:
			come = append(come, s.is)
		}
	}
	flush()
	return steps
}

// sameShape reports whether two elements can be drawn as one that changes: an object with an
// object.
func sameShape(a, b any) bool {
	switch a.(type) {
	case map[string]any:
		_, same := b.(map[string]any)
		return same
	case []any:
		_, same := b.([]any)
		return same
	}
	return false
}

// match is one row of two aligned lists, by index; -1 where a list has nothing.
type match struct{ was, is int }

// maxCells bounds the table that align fills.
const maxCells = 1 << 20

// align finds a longest common subsequence. Lists too long for that are one that goes and one that
// comes, but for their common beginning and end.
func align[T any](was, is []T) []match {
	start := 0
	for start < len(was) && start < len(is) && reflect.DeepEqual(was[start], is[start]) {
		start++
	}
	end := 0
	for end < len(was)-start && end < len(is)-start && reflect.DeepEqual(was[len(was)-1-end], is[len(is)-1-end]) {
		end++
	}
	var steps []match
	for i := range start {
		steps = append(steps, match{i, i})
	}
	steps = append(steps, alignMiddle(was[start:len(was)-end], is[start:len(is)-end], start)...)
	for i := end; i > 0; i-- {
		steps = append(steps, match{len(was) - i, len(is) - i})
	}
	return steps
}

// alignMiddle fills the table of the longest common subsequences of all rests, from the end, and
// then follows it from the start. Its cost is the product of the two lengths, which maxCells
// bounds.
func alignMiddle[T any](was, is []T, offset int) []match {
	n, m := len(was), len(is)
	var common [][]int // of was[i:] and is[j:]
	if n*m <= maxCells {
		common = make([][]int, n+1)
		common[n] = make([]int, m+1)
		for i := n - 1; i >= 0; i-- {
			common[i] = make([]int, m+1)
			for j := m - 1; j >= 0; j-- {
				if reflect.DeepEqual(was[i], is[j]) {
					common[i][j] = common[i+1][j+1] + 1
				} else {
					common[i][j] = max(common[i+1][j], common[i][j+1])
				}
			}
		}
	}
	var steps []match
	i, j := 0, 0
	for i < n || j < m {
		switch {
		case common != nil && i < n && j < m && reflect.DeepEqual(was[i], is[j]):
			steps = append(steps, match{i + offset, j + offset})
			i, j = i+1, j+1
		case i < n && (j == m || common == nil || common[i+1][j] >= common[i][j+1]):
			steps = append(steps, match{i + offset, -1})
			i++
		default:
			steps = append(steps, match{-1, j + offset})
			j++
		}
	}
	return steps
}
