// Package view owns what TfPilot says about a request and about a plan, as data: headline,
// sentence, steps, fields, problems, actions and events of a request, and a plan as the lines of a
// tidy Terraform diff. Each surface (Slack, pull request, job summary, command line, page) draws
// this data and adds no words of its own. The package is pure: it reads no clock, no network and no
// disk, and the same facts always give the same view.
//
// What it promises about a plan: every change, every attribute that a run may set, and every
// command is in the lines. It folds what is empty or computed into a list of names, and it never
// shortens a value.
package view

import (
	"strings"

	"github.com/tfpilot/tfpilot/internal/invisible"
)

// Sign says what happens, in Terraform's own symbols.
type Sign string

// The signs. A line without one is context.
const (
	Create        Sign = "+"
	Update        Sign = "~"
	Destroy       Sign = "-"
	Replace       Sign = "-/+" // the old one is destroyed first
	CreateReplace Sign = "+/-" // the new one is created first
	Move          Sign = "=>"
	Import        Sign = "<-"
	Read          Sign = "<="
)

// Line is one line of a plan. Depth 0 is a change, what is inside it is deeper.
type Line struct {
	Sign  Sign   `json:"sign,omitempty"`
	Depth int    `json:"depth,omitempty"`
	Text  string `json:"text"`
}

// maxIndent bounds how far a line is indented: what is nested deeper, as only hostile values are, starts there.
const maxIndent = 24

// String draws the line as Terraform does: the sign directly before the text.
func (l Line) String() string {
	switch {
	case l.Depth == 0 && l.Sign == "":
		return l.Text
	case l.Depth == 0:
		return string(l.Sign) + " " + l.Text
	}
	sign := string(l.Sign)
	return strings.Repeat(" ", 4*min(l.Depth, maxIndent)) + sign + strings.Repeat(" ", max(0, 2-len(sign))) + l.Text
}

// Diff draws the line for a reader that colors lines by their first character.
func (l Line) Diff() string {
	if l.Text == "" {
		return ""
	}
	sign := string(l.Sign)
	return sign + strings.Repeat(" ", 4-len(sign)+4*min(l.Depth, maxIndent)) + l.Text
}

// visible shows a text on one line, with every character that people cannot see as an escape.
func visible(text string) string { return invisible.ShowLine(text) }
