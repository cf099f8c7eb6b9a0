package slackapp

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// How much of a list a card shows; the rest is behind a link.
const (
	shownRemoved = 10
	shownOutputs = 12
	shownReason  = 1200 // runes of Terraform's words
	shownWhy     = 400
)

// message is one rendered message. Its text is a full sentence: it is what screen
// readers read and notifications show.
type message struct {
	text   string
	blocks []slack.Block
}

// card draws the request's main message. It is the same in the channel and in the
// requester's direct messages, but for the links.
func (s scene) card() message {
	blocks := []slack.Block{header(s.title()), s.headline(), s.facts()}
	switch {
	case lifecycle.Can(s.r, lifecycle.ActionApprove) == nil:
		blocks = append(blocks, s.asks())
	case !s.over():
		blocks = append(blocks, rich(s.why(shownWhy)...))
	}
	blocks = append(blocks, rich(s.stepLines()...))
	for _, part := range []slack.Block{s.unreachable(), s.rejected(), s.objections(), s.removed(), s.problem(), s.outputs()} {
		if part != nil {
			blocks = append(blocks, part)
		}
	}
	blocks = append(blocks, s.rows()...)
	if f := s.foreignRun(); f != "" {
		blocks = append(blocks, smallPrint(f))
	}
	return message{text: s.sentence(), blocks: append(blocks, s.footer())}
}

// sentence tells the whole card in words.
func (s scene) sentence() string {
	st := s.state()
	text := fmt.Sprintf("%s, asked for by %s: %s. %s", s.title(), s.requesterName(), lowerFirst(st.word), st.means)
	if p := s.plan(); p != nil && !s.over() {
		text += " " + purposeWord(p.Purpose) + ": " + counts(p) + "."
	}
	if s.blocked != "" {
		text += fmt.Sprintf(" The channel of %s cannot be reached: %s.", s.where(), channelTrouble(s.blocked))
	}
	if p := s.r.Problem; p != nil {
		text += " Problem: " + oneLine(p.Text, shownWhy)
	}
	if s.r.ForeignRun() != nil && !s.over() {
		text += " " + foreignRunMeans
	}
	return cut(escape(text), limitMessageText)
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

func (s scene) requesterName() string {
	if s.r.Requester.Login != "" {
		return s.r.Requester.Login
	}
	return s.r.Requester.Name
}

func (s scene) headline() slack.Block {
	st := s.state()
	return rich(line(emoji(st.sign), text(" "), bold(st.word), text(" · "+st.means)))
}

// facts are the card's fields: literal text but for mentions.
func (s scene) facts() slack.Block {
	fields := []*slack.TextBlockObject{
		markup("*Asked for by*\n" + mention(s.r.Requester.SlackUser, s.requesterName())),
		markup("*Environment*\n" + escape(s.where()) + protectedNote(s.place)),
	}
	if p := s.plan(); p != nil {
		fields = append(fields, markup("*"+purposeWord(p.Purpose)+"*\n"+counts(p)))
	}
	if a := s.approver(); a != nil {
		fields = append(fields, markup("*Approved by*\n"+mention(a.SlackUser, a.Login)+", "+when(a.At)))
	}
	return slack.NewSectionBlock(nil, fields, nil)
}

func protectedNote(p config.Environment) string {
	if protected(p) {
		return " (protected)"
	}
	return ""
}

// step is one line of the way from a wish to what exists.
type step struct {
	state stepState
	what  string
	note  string
	at    *hyperlink
}

type stepState int

const (
	stepWaits stepState = iota
	stepRuns
	stepDone
	stepFailed
)

// stepSigns pair each sign with a word, since a sign alone says nothing to many.
var stepSigns = map[stepState][2]string{
	stepWaits:  {"white_circle", "to come"},
	stepRuns:   {"hourglass_flowing_sand", "in progress"},
	stepDone:   {"white_check_mark", "done"},
	stepFailed: {"x", "failed"},
}

func (s scene) stepLines() []slack.RichTextElement {
	var lines []slack.RichTextElement
	steps := s.steps()
	for i, st := range steps {
		sign := stepSigns[st.state]
		runs := []run{emoji(sign[0]), text(" "), bold(st.what), text(": " + or(st.note, sign[1]))}
		if st.at != nil && st.at.url != "" {
			runs = append(runs, text(" · "), anchor(st.at.url, st.at.label))
		}
		if i < len(steps)-1 {
			runs = append(runs, text("\n")) // sections of rich text follow each other on one line
		}
		lines = append(lines, line(runs...))
	}
	return lines
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (s scene) steps() []step {
	if s.going() {
		return s.destroySteps()
	}
	steps := []step{s.openStep(), s.planStep(), s.approvalStep(), s.mergeStep(), s.runStep("Apply", s.r.Runs.Apply.Current(), lifecycle.ActionApply)}
	if s.status() == lifecycle.StatusClosed {
		for i := range steps {
			if steps[i].state == stepWaits {
				steps[i].note = or(steps[i].note, "not done")
			}
		}
	}
	return steps
}

// destroyRun is the destroy that counts.
func (s scene) destroyRun() *lifecycle.Attempt {
	if a := s.r.Runs.Destroy.Current(); a != nil && !a.SetAside {
		return a
	}
	return nil
}

func (s scene) destroySteps() []step {
	steps := []step{s.planStep(), s.approvalStep(), s.runStep("Destroy", s.destroyRun(), lifecycle.ActionDestroy)}
	clean := step{what: "Code taken out"}
	if c := s.r.Cleanup; c != nil {
		clean = s.runStep("Code taken out", &c.Attempt, "")
		switch {
		case c.Nothing || c.MergedAt != nil:
			clean.state, clean.note = stepDone, ""
		case c.Conclusion == "success":
			clean.state, clean.note = stepRuns, "waiting for the merge"
		}
		if c.PRURL != "" {
			clean.at = &hyperlink{c.PRURL, fmt.Sprintf("pull request #%d", c.PRNumber)}
		}
	}
	return append(steps, clean)
}

func (s scene) openStep() step {
	st := step{state: stepRuns, what: "Pull request"}
	if pr := s.r.PR; pr != nil {
		st.state, st.note = stepDone, "open"
		st.at = &hyperlink{pr.URL, fmt.Sprintf("#%d", pr.Number)}
		switch {
		case s.merged():
			st.note = "merged"
		case pr.Foreign:
			st.state, st.note = stepFailed, "somebody changed its branch"
		case s.status() == lifecycle.StatusClosed:
			st.note = "closed"
		}
	} else if s.over() {
		st.state, st.note = stepWaits, "not opened"
	}
	return st
}

func (s scene) planStep() step {
	current := s.r.Runs.Plan.Current()
	if !s.going() && current != nil && current.Purpose == lifecycle.PurposeDestroy {
		return step{state: stepDone, what: "Plan"} // of a destroy that nobody wants any more
	}
	if s.destroyAsked() && s.r.DestroyPlan() == nil {
		return step{state: stepRuns, what: purposeWord(lifecycle.PurposeDestroy), note: "being started"}
	}
	what := "Plan"
	if current != nil {
		what = purposeWord(current.Purpose)
	}
	st := s.runStep(what, current, lifecycle.ActionPlan)
	if p := s.r.Plan; p != nil && current != nil && p.Attempt == current.Number && st.state == stepDone {
		st.note = counts(p)
	}
	if s.dismissed() && !s.going() {
		st.note = "dismissed"
		if s.r.Plan.Nothing {
			st.note = counts(s.r.Plan)
		}
	}
	if st.state == stepDone && s.r.Plan == nil {
		st.state, st.note = stepRuns, "its result is being read"
	}
	return st
}

func (s scene) approvalStep() step {
	st := step{what: "Approval"}
	switch a := s.approver(); {
	case a != nil:
		st.state, st.note = stepDone, "by "+a.Login
	case s.r.Rejection != nil && s.status() == lifecycle.StatusClosed:
		st.state, st.note = stepFailed, "rejected by "+s.r.Rejection.By
	case s.r.Wish(lifecycle.ActionApprove) != nil:
		st.state, st.note = stepRuns, s.r.Wish(lifecycle.ActionApprove).By+" approved; this is being recorded"
	case lifecycle.Can(s.r, lifecycle.ActionApprove) == nil:
		st.state, st.note = stepRuns, "waited for"
	case len(s.r.Objections()) > 0 && s.r.Runs.Apply.Current() == nil && !s.over():
		st.state, st.note = stepFailed, "changes requested on GitHub by "+s.r.Objections()[0].Login
	case !s.going() && s.plan() == nil && s.r.Runs.Apply.Current() != nil:
		st.state = stepDone // that of the destroy says nothing about what exists
	case s.voided() != nil && (s.voided().Purpose == lifecycle.PurposeDestroy) == s.going():
		v := s.voided()
		st.note = fmt.Sprintf("that of %s no longer counts: %s", v.Login, v.VoidReason)
	}
	return st
}

// voided is the newest approval when it counts no more.
func (s scene) voided() *lifecycle.Approver {
	n := len(s.r.Approval.Approvers)
	if n == 0 || s.r.Approval.Approved {
		return nil
	}
	if a := &s.r.Approval.Approvers[n-1]; a.VoidedAt != nil {
		return a
	}
	return nil
}

func (s scene) mergeStep() step {
	st := step{what: "Merge"}
	w := s.r.Wish(lifecycle.ActionMerge)
	switch {
	case s.merged():
		st.state = stepDone
	case w != nil:
		st.state, st.note = stepRuns, "asked for by "+w.By
	case s.r.Problem != nil && s.r.Problem.Step == string(lifecycle.ActionMerge):
		st.state, st.note = stepFailed, "see below"
	}
	return st
}

// runStep tells an attempt, or the wish for one.
func (s scene) runStep(what string, a *lifecycle.Attempt, wish lifecycle.Action) step {
	st := step{what: what}
	if w := s.r.Wish(wish); wish != "" && w != nil && (a == nil || a.Conclusion != "") {
		st.state, st.note = stepRuns, "asked for by "+w.By
		if place := s.lease.Place(w.CorrelationID); place > 0 {
			st.note = fmt.Sprintf("asked for by %s, number %d in the queue", w.By, place)
		}
		return st
	}
	if a == nil {
		return st
	}
	if a.URL != "" {
		st.at = &hyperlink{a.URL, "run"}
	}
	switch {
	case a.Conclusion == "":
		st.state = stepRuns
	case bad(a.Conclusion):
		st.state, st.note = stepFailed, strings.TrimPrefix(failure(a), "was ")
	default:
		st.state = stepDone
	}
	return st
}

// failure tells in a few words how an attempt ended.
func failure(a *lifecycle.Attempt) string {
	word := a.Outcome()
	if a.FailedStep != "" {
		return fmt.Sprintf("%s at the step “%s”", word, oneLine(a.FailedStep, limitOption))
	}
	return word
}

// rejected says why the request is closed: the requester's own card has no thread, and
// neither has one that is shown.
func (s scene) rejected() slack.Block {
	no := s.r.Rejection
	if no == nil || no.Reason == "" || s.status() != lifecycle.StatusClosed {
		return nil
	}
	return rich(line(bold("Why "+oneLine(no.By, limitOption)+" rejected it: "), text(cut(no.Reason, maxReason))))
}

// removed lists what a plan destroys or replaces.
func (s scene) removed() slack.Block {
	p := s.plan()
	if p == nil || p.Destroy+p.Replace == 0 || s.over() || s.destroyRun() != nil {
		return nil
	}
	head := line(emoji("warning"), text(" "), bold(goes(p)))
	if len(p.Removed) == 0 {
		return rich(head)
	}
	short := make([]string, len(p.Removed))
	for i, address := range p.Removed {
		short[i] = strings.TrimPrefix(address, "module.tfpilot_"+s.r.ID+".")
	}
	return rich(head, bullets(short, shownRemoved))
}

// goes says how much a plan takes away.
func goes(p *lifecycle.Plan) string {
	switch {
	case p.Destroy > 0 && p.Replace > 0:
		return fmt.Sprintf("%s destroyed and %s replaced:", things(p.Destroy), things(p.Replace))
	case p.Destroy > 0:
		return things(p.Destroy) + " destroyed:"
	default:
		return things(p.Replace) + " replaced:"
	}
}

func things(n int) string {
	if n == 1 {
		return "1 resource will be"
	}
	return fmt.Sprintf("%d resources will be", n)
}

// problem says what does not work and what helps.
func (s scene) problem() slack.Block {
	var parts []slack.RichTextElement
	a, kind := s.failed()
	if a != nil {
		parts = append(parts, line(bold(fmt.Sprintf("The %s %s.", kind, failure(a)))))
		if a.Reason != "" {
			parts = append(parts, quoted(a.Reason, shownReason))
		}
		if help := s.helps(a, kind); help != "" {
			parts = append(parts, line(text(help)))
		}
	}
	if p := s.r.Problem; p != nil && p.Step != string(kind) { // the failed run says it already
		if len(parts) > 0 {
			parts = append(parts, line(text("\n")))
		}
		parts = append(parts, line(emoji("warning"), text(" "), bold("Problem: "), text(cut(p.Text, shownReason))))
	}
	if len(parts) == 0 {
		return nil
	}
	return rich(parts...)
}

// helps says what to do after a failed run, as long as nobody has begun to.
func (s scene) helps(a *lifecycle.Attempt, kind lifecycle.Kind) string {
	if s.over() || s.newRound(a, kind) != "" {
		return ""
	}
	if p := s.r.Problem; p != nil && p.Step == string(kind) && p.Code == lifecycle.CodeStateLocked {
		return "" // the reason says what to do first
	}
	switch {
	case kind == lifecycle.KindPlan && s.destroyAsked():
		return "Nothing was changed. New plan tries again; Keep leaves what is there."
	case kind == lifecycle.KindPlan && s.merged():
		return "Nothing was changed. New plan tries again."
	case kind == lifecycle.KindPlan:
		return "Nothing was changed. If it was a passing trouble, plan again; if the inputs are wrong, close this request and ask again."
	case kind == lifecycle.KindApply && a.BeforeEffect():
		return "Nothing was changed: the run ended before the apply began. A new plan is approved and applied like the first."
	case kind == lifecycle.KindApply:
		return "Some of it may exist. A new plan shows what is left to do; it is approved and applied like the first."
	case a.BeforeEffect():
		return "Nothing was destroyed: the run ended before the destroy began. Destroy asks for it again with a new plan; Keep leaves what is there."
	default:
		return "Some of it may still exist. Destroy asks for it again with a new plan; Keep leaves what is there."
	}
}

// outputs shows what came out of the apply, in the module's order.
func (s scene) outputs() slack.Block {
	if len(s.r.Outputs) == 0 || s.status() == lifecycle.StatusDestroyed {
		return nil
	}
	var items []slack.RichTextElement
	for _, name := range s.outputNames() {
		if len(items) == shownOutputs {
			items = append(items, line(text(fmt.Sprintf("and %d more", len(s.r.Outputs)-shownOutputs))))
			break
		}
		items = append(items, line(bold(oneLine(name, limitOption)), text(" = "), code(outputText(s.r.Outputs[name]))))
	}
	return rich(line(bold("Outputs")), slack.NewRichTextList(slack.RTEListBullet, 0, items...))
}

func (s scene) outputNames() []string {
	var names []string
	if s.module != nil {
		for _, o := range s.module.Outputs {
			if _, ok := s.r.Outputs[o.Name]; ok {
				names = append(names, o.Name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.r.Outputs)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func outputText(v any) string {
	if t, ok := v.(string); ok {
		return oneLine(t, limitLine)
	}
	data, err := json.Marshal(v)
	if err != nil {
		return "–"
	}
	return oneLine(string(data), limitLine)
}

// footer links everything that belongs to the request, and names its id in small.
func (s scene) footer() slack.Block {
	var parts []string
	if s.r.PR != nil {
		parts = append(parts, linkTo(s.r.PR.URL, fmt.Sprintf("Pull request #%d", s.r.PR.Number)))
	}
	for _, l := range s.links {
		parts = append(parts, linkTo(l.url, l.label))
	}
	if s.details != "" {
		parts = append(parts, linkTo(s.details, "Details"))
	}
	parts = append(parts, "`"+escape(s.r.ID)+"`", "asked "+when(s.r.CreatedAt))
	return smallPrint(strings.Join(parts, " · "))
}
