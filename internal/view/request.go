package view

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// A request's view is everything that TfPilot says about the request, as data. The Slack card, its
// thread, the command line and the sandbox's page draw it, so that all of them say the same. Text
// from people and machines (titles, reasons, errors) stays as it was written: each surface escapes
// it for its medium and cuts it to the room that it has.

// Facts are what the view of a request is made from.
type Facts struct {
	Request     lifecycle.Request          // required
	Environment lifecycle.EnvironmentState // who holds the environment and who waits; without it no queue position is shown
	Module      *catalog.Module            // labels and order of inputs and outputs; nil when the catalog no longer has it
	Protected   bool                       // the environment has production rules
	Now         time.Time                  // required
}

// Request is the view of a request.
type Request struct {
	ID        string           `json:"id"`
	Title     string           `json:"title"` // what was requested: "S3 bucket acme-logs"
	Where     string           `json:"where"` // "core dev/app"
	Protected bool             `json:"protected,omitempty"`
	Archived  bool             `json:"archived,omitempty"`
	Over      bool             `json:"over,omitempty"` // nothing more will happen
	Merged    bool             `json:"merged,omitempty"`
	Status    lifecycle.Status `json:"status"`
	Icon      Icon             `json:"icon"`
	Headline  string           `json:"headline"` // a label of two to four words
	Sentence  string           `json:"sentence"` // what that means now
	Summary   string           `json:"summary"`  // all of it in sentences, for notifications and screen readers

	RequestedBy Person    `json:"requestedBy"`
	RequestedAt time.Time `json:"requestedAt"`
	Reason      string    `json:"reason,omitempty"`
	Inputs      []Value   `json:"inputs,omitempty"` // those that differ from their default, in the order of the form
	Fields      []Field   `json:"fields"`

	Round     *Round     `json:"round,omitempty"`     // the plan that counts now
	CanDecide bool       `json:"canDecide,omitempty"` // the plan needs an approval
	Outdated  bool       `json:"outdated,omitempty"`  // a newer plan runs or failed, so the last one cannot be approved
	Attempted bool       `json:"attempted,omitempty"` // an apply was started
	Approvals []Approval `json:"approvals,omitempty"` // every one, also those that were dismissed
	Rejection *Rejection `json:"rejection,omitempty"`

	Steps      []Step            `json:"steps"`
	Next       Next              `json:"next"`
	Notices    []Notice          `json:"notices,omitempty"`
	Removed    *Removed          `json:"removed,omitempty"` // what the plan destroys or replaces
	Problems   []Problem         `json:"problems,omitempty"`
	Outputs    []Value           `json:"outputs,omitempty"`
	Runs       []Run             `json:"runs,omitempty"` // the current one of each kind
	ForeignRun *Notice           `json:"foreignRun,omitempty"`
	Actions    []lifecycle.Offer `json:"actions,omitempty"`
	Events     []Event           `json:"events,omitempty"`

	PullRequest *Link `json:"pullRequest,omitempty"`
}

// Icon names a symbol. Each surface has its own; a word always accompanies it.
type Icon string

// The icons.
const (
	IconSaved     Icon = "saved"
	IconRunning   Icon = "running"
	IconReview    Icon = "review"
	IconDone      Icon = "done"
	IconMerged    Icon = "merged"
	IconApplying  Icon = "applying"
	IconLive      Icon = "live"
	IconDrift     Icon = "drift"
	IconDestroy   Icon = "destroy"
	IconFailed    Icon = "failed"
	IconClosed    Icon = "closed"
	IconBlocked   Icon = "blocked"
	IconAttention Icon = "attention"
	IconUnknown   Icon = "unknown"
)

// Person is a person in the names of both systems. A surface that can mention people does so by SlackUser.
type Person struct {
	Login     string `json:"login"`
	SlackUser string `json:"slackUser,omitempty"`
}

// Link is an address with its words.
type Link struct {
	URL   string `json:"url"`
	Label string `json:"label"`
}

// Value is an input or an output. Text may have several lines.
type Value struct {
	Label string `json:"label"`
	Text  string `json:"text"`
}

// Field is one fact with its label.
type Field struct {
	Label  string     `json:"label"`
	Text   string     `json:"text,omitempty"`
	Person *Person    `json:"person,omitempty"`
	At     *time.Time `json:"at,omitempty"`
}

// Round is the plan that counts now.
type Round struct {
	Purpose lifecycle.Purpose `json:"purpose"`
	Attempt int               `json:"attempt"`
	Name    string            `json:"name"`   // "Destroy plan"
	Counts  string            `json:"counts"` // "2 to add, 0 to change, 0 to destroy"
	Digest  string            `json:"digest"`
	Current bool              `json:"current"` // no newer plan runs or has failed
}

// Approval is one approval. Dismissed says why it no longer counts.
type Approval struct {
	By        Person    `json:"by"`
	At        time.Time `json:"at"`
	Source    string    `json:"source"`
	Dismissed string    `json:"dismissed,omitempty"`
}

// Rejection is a person's refusal with the reason.
type Rejection struct {
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
}

// Notice is something that people should know besides the status.
type Notice struct {
	Icon   Icon     `json:"icon"`
	Title  string   `json:"title"`
	People []Person `json:"people,omitempty"` // whom the title is about
	Text   string   `json:"text,omitempty"`
	Link   *Link    `json:"link,omitempty"`
}

// Run is the current run of a kind.
type Run struct {
	Kind    lifecycle.Kind `json:"kind"`
	Attempt int            `json:"attempt"`
	Outcome string         `json:"outcome"` // a verb: "failed in step “Apply”"
	ID      int64          `json:"id,omitempty"`
	URL     string         `json:"url,omitempty"`
}

// Limits, in runes, of what other people wrote inside a sentence.
const (
	limitTitle = 100
	limitName  = 75
)

// OfRequest says everything about a request.
func OfRequest(f Facts) Request {
	r, d := f.Request, describe(f)
	label := d.label()
	v := Request{
		ID: r.ID, Title: d.shortTitle(), Where: d.where(), Protected: f.Protected, Archived: r.ArchivedAt != nil,
		Over: d.over(), Merged: d.merged(), Status: d.status, Icon: label.icon, Headline: label.headline,
		Sentence:    label.sentence,
		RequestedBy: d.requester(), RequestedAt: r.CreatedAt, Reason: r.Reason, Inputs: d.inputs(), Fields: d.fields(),
		Round: d.round(), CanDecide: d.canDecide(), Outdated: d.outdated(), Attempted: d.currentApply() != nil,
		Approvals: d.approvals(),
		Steps:     d.steps(), Next: d.next(), Notices: d.notices(), Removed: d.removed(), Problems: d.problems(),
		Outputs: d.outputs(),
		Runs:    d.runs(), ForeignRun: d.foreignRun(), Actions: lifecycle.Actions(r, f.Now), Events: d.events(),
	}
	if no := r.Rejection; no != nil {
		v.Rejection = &Rejection{By: no.By, At: no.At, Reason: no.Reason}
	}
	if r.PR != nil {
		v.PullRequest = &Link{URL: r.PR.URL, Label: fmt.Sprintf("Pull request #%d", r.PR.Number)}
	}
	v.Summary = d.summary(label)
	return v
}

// Name is the request in words: what and where.
func (v Request) Name() string { return v.Title + " in " + v.Where }

// Name is the name of a request without the rest of its view.
func Name(r lifecycle.Request) string { return describe(Facts{Request: r}).name() }

// summary is the whole view in sentences. What happened comes first, since notifications show the beginning.
func (d description) summary(label statusWords) string {
	parts := []string{fmt.Sprintf("%s: %s. %s", label.headline, d.name(), label.sentence)}
	if p := d.plan(); p != nil && !d.over() {
		parts = append(parts, fmt.Sprintf("%s: %s.", PlanName(p.Purpose), Counts(p)))
	}
	parts = append(parts, fmt.Sprintf("Requested by %s.", d.requester().Login))
	for _, p := range d.problems() {
		parts = append(parts, oneLine(p.Title+" "+cmp.Or(p.Output, p.Text), limitProblem))
	}
	if f := d.foreignRun(); f != nil {
		parts = append(parts, f.Title)
	}
	return strings.Join(parts, " ")
}

// limitProblem bounds a problem inside the summary.
const limitProblem = 400

func (d description) fields() []Field {
	requester := d.requester()
	where := d.where()
	if d.Protected {
		where += " (protected)"
	}
	fields := []Field{{Label: "Requested by", Person: &requester}, {Label: "Environment", Text: where}}
	if p := d.plan(); p != nil {
		fields = append(fields, Field{Label: PlanName(p.Purpose), Text: Counts(p)})
	}
	if a := d.approver(); a != nil {
		fields = append(fields, Field{Label: "Approved by", Person: &Person{a.Login, a.SlackUser}, At: &a.At})
	}
	return fields
}

func (d description) approvals() []Approval {
	var all []Approval
	for _, a := range d.r.Approval.Approvers {
		one := Approval{By: Person{a.Login, a.SlackUser}, At: a.At, Source: a.Source}
		if a.VoidedAt != nil {
			one.Dismissed = a.VoidReason
		}
		all = append(all, one)
	}
	return all
}

func (d description) runs() []Run {
	var all []Run
	for _, kind := range lifecycle.RequestKinds {
		if a := d.r.CurrentRun(kind); a != nil {
			all = append(all, Run{Kind: kind, Attempt: a.Number, Outcome: ending(a), ID: a.RunID, URL: a.URL})
		}
	}
	return all
}

// oneLine puts text on one line of at most limit runes.
func oneLine(text string, limit int) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " ")
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return strings.TrimRightFunc(string([]rune(text)[:limit-1]), unicode.IsSpace) + "…"
}
