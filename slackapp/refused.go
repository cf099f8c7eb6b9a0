package slackapp

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// refusedReplies tell the person who requested something that was refused later, by name,
// and everybody else who it was and why.
func (s scene) refusedReplies() []reply {
	var all []reply
	for _, no := range s.r.Refused {
		row, _ := no.What.Row()
		head := fmt.Sprintf("%s requested to %s %s. This was refused:", no.By, or(row.Phrase, string(no.What)), s.title())
		r := s.say(refusedTopic(no), "no_entry", head, cut(no.Text, shownReason), s.told(no.SlackUser, s.r.Requester.SlackUser))
		if p := s.r.Problem; p != nil && refusedAs(no, p) {
			r.blocks = append(r.blocks, s.row(false, problemActions...)...)
		}
		all = append(all, r)
	}
	return all
}

func refusedTopic(no lifecycle.RefusedIntent) string {
	return fmt.Sprintf("refused:%s:%s:%d", no.What, no.By, no.At.Unix())
}

func refusedAs(no lifecycle.RefusedIntent, p *lifecycle.Problem) bool {
	return string(no.What) == p.Step && no.Code == p.Code && no.At.Equal(p.Since)
}

// toldRefused reports whether the problem is a refusal that has a reply of its own.
func (s scene) toldRefused(p *lifecycle.Problem) bool {
	for _, no := range s.r.Refused {
		if refusedAs(no, p) {
			return true
		}
	}
	return false
}

// objectionReply tells that a person who may reject requested changes on GitHub.
func (s scene) objectionReply() (reply, bool) {
	open := s.r.Objections()
	if len(open) == 0 || s.over() || s.r.Runs.Apply.Current() != nil {
		return reply{}, false
	}
	o := open[0]
	return s.say(fmt.Sprintf("objection:%d", o.Review), "no_entry", fmt.Sprintf("%s requested changes to %s on GitHub.", o.Login, s.title()),
		fmt.Sprintf("Approving, merging and applying are blocked until %s approves there or that review is dismissed.", o.Login),
		s.told(s.r.Requester.SlackUser)), true
}

// objections stand on the card as long as they block.
func (s scene) objections() slack.Block {
	open := s.r.Objections()
	if len(open) == 0 || s.over() || s.r.Runs.Apply.Current() != nil {
		return nil
	}
	runs := []run{emoji("no_entry"), text(" "), bold("Changes requested on GitHub")}
	for i, o := range open[:min(len(open), maxMentions)] {
		sep := ", "
		if i == 0 {
			sep = " by "
		}
		runs = append(runs, text(sep), person(s.account[strings.ToLower(o.Login)], o.Login))
	}
	runs = append(runs, text(". Blocked until they approve there or their review is dismissed."))
	return rich(line(runs...))
}

// unchangedReply tells that a new plan had nothing to change and needs no decision.
func (s scene) unchangedReply() (reply, bool) {
	current := s.r.Runs.Plan.Current()
	if !s.dismissed() || !s.r.Plan.Nothing || current.Purpose != lifecycle.PurposeReapply || s.over() {
		return reply{}, false
	}
	by := ""
	if current.RequestedBy != nil {
		by = current.RequestedBy.SlackUser
	}
	return s.say(fmt.Sprintf("unchanged:%d", current.Number), "white_check_mark", fmt.Sprintf("The new plan of %s changes nothing.", s.title()),
		"What exists is what was requested, and there is nothing to approve.", s.told(by)), true
}
