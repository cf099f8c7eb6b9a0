package slackapp

import "strings"

const foreignRunMeans = "A run that TfPilot did not start bears this request's name. TfPilot takes nothing from it, so the request stays as it is."

// foreignRun tells of a run that only bears the request's name, until TfPilot starts another
// of its own. Its name is all that is known of what it does.
func (s scene) foreignRun() string {
	f := s.r.ForeignRun()
	if f == nil || s.over() {
		return ""
	}
	label := strings.ReplaceAll(string(f.Kind), "_", " ") + " by @" + oneLine(or(f.Actor, "unknown"), limitOption)
	return foreignRunMeans + " See " + linkTo(f.URL, label) + "."
}
