package slackapp

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/internal/terraform"
)

// How much of a plan a view shows. What is left out is said, and linked; what goes
// is never among it before what comes.
const (
	shownChanges    = 20
	shownProviders  = 5
	shownAttributes = 12
	shownValue      = 120
	titleReview     = "Plan"
)

// review opens the plan that a button belongs to.
func (a *App) review(ctx context.Context, cb slack.InteractionCallback, value string) {
	g, err := readGrip(value)
	if err != nil {
		a.tell(ctx, cb, "This button cannot be read any more. The newest card of the request has current ones.")
		return
	}
	opened, err := a.open(ctx, cb.TriggerID, loading(titleReview, "One moment: the plan is being fetched."))
	if err != nil {
		a.Log.Warn("open view", keyCode, errorCode(err), keyError, err)
		a.tell(ctx, cb, "The window could not be opened in time. Please press the button again.")
		return
	}
	v, err := a.whoClicked(ctx, cb)
	if err != nil {
		a.Log.Error("identity", keyError, err)
		a.redraw(ctx, opened.ID, "", notice(titleReview, words(trouble)))
		return
	}
	if no := a.refusal(v, rbac.Show, rbac.Scope{}); no != "" {
		a.redraw(ctx, opened.ID, "", notice(titleReview, words(no)))
		return
	}
	a.redraw(ctx, opened.ID, "", a.reviewView(ctx, g))
}

func (a *App) reviewView(ctx context.Context, g grip) slack.ModalViewRequest {
	doc, err := a.Documents.Get(ctx, g.ID)
	if err != nil {
		a.Log.Error("read request", keyRequest, g.ID, keyError, err)
		return notice(titleReview, words("The plan cannot be read at this moment. Please try again in a minute."))
	}
	s := scene{r: doc.Request, place: a.Projects.of(doc.Request), now: now()}
	if s.r.Plan == nil {
		return notice(titleReview, words("This request has no plan at this moment: a new one is being made, or the last one failed. The card shows which."))
	}
	blocks := []slack.Block{header(s.title()), words(fmt.Sprintf("%s: %s.", purposeWord(s.r.Plan.Purpose), counts(s.r.Plan)))}
	if g.Digest != s.r.Plan.Digest {
		blocks = append(blocks, words("This is a newer plan than the one under the button that you pressed."))
	}
	if run := s.r.Runs.Plan.Current(); run != nil && run.Number != s.r.Plan.Attempt {
		blocks = append(blocks, words("A newer plan is running or did not succeed; this one cannot be approved any more."))
	}
	plan, _ := a.planBlocks(ctx, s) // what went wrong is logged, and said in the blocks
	return notice(titleReview, append(blocks, plan...)...)
}

// planBlocks show the plan itself: the stored, redacted summary whose digest is
// approved, checked against that digest.
func (a *App) planBlocks(ctx context.Context, s scene) ([]slack.Block, error) {
	summary, err := a.summary(ctx, s.r)
	if err != nil {
		a.Log.Error("read plan", keyRequest, s.r.ID, keyError, err)
		return []slack.Block{words("The plan's details cannot be read at this moment. Please try again in a minute before you decide.")}, err
	}
	blocks := changeBlocks(summary)
	if more := len(summary.Changes) - shownChanges; more > 0 {
		blocks = append(blocks, words(leftOut(more)))
	}
	if places := providerLines(summary); places != "" {
		blocks = append(blocks, hint(places))
	}
	return append(blocks, smallPrint(strings.Join(a.planLinks(s), " · "))), nil
}

func leftOut(n int) string {
	if n == 1 {
		return "1 more change is not shown here."
	}
	return fmt.Sprintf("%d more changes are not shown here.", n)
}

// providerLines say where and as whom the changes are made.
func providerLines(s *terraform.Summary) string {
	var lines []string
	for i, p := range s.Providers {
		if i == shownProviders && len(s.Providers) > shownProviders {
			lines = append(lines, fmt.Sprintf("and %d more", len(s.Providers)-i))
			break
		}
		lines = append(lines, p.Line())
	}
	return strings.Join(lines, "\n")
}

func (a *App) planLinks(s scene) []string {
	var links []string
	if run := planRun(s.r); run != nil && run.URL != "" {
		links = append(links, linkTo(run.URL, "Full plan in the run"))
	}
	if s.r.PR != nil {
		links = append(links, linkTo(s.r.PR.URL, fmt.Sprintf("Pull request #%d", s.r.PR.Number)))
	}
	return append(links, "`"+escape(cut(strings.TrimPrefix(s.r.Plan.Digest, "sha256:"), 13))+"`")
}

// planRun is the run that made the plan; a newer one may run or have failed.
func planRun(r lifecycle.Request) *lifecycle.Attempt {
	i := slices.IndexFunc(r.Runs.Plan.Attempts, func(a lifecycle.Attempt) bool { return r.Plan != nil && a.Number == r.Plan.Attempt })
	if i < 0 {
		return nil
	}
	return &r.Runs.Plan.Attempts[i]
}

// summary reads the stored summary of the plan. Bytes that do not have the
// plan's digest are not shown: what people see is what they approve.
func (a *App) summary(ctx context.Context, r lifecycle.Request) (*terraform.Summary, error) {
	run := planRun(r)
	if run == nil {
		return nil, fmt.Errorf("plan %s: its run is unknown", r.ID)
	}
	data, err := a.Facts.Summary(ctx, run.CorrelationID)
	if err != nil {
		return nil, err
	}
	if terraform.Digest(data) != r.Plan.Digest {
		return nil, fmt.Errorf("plan %s: stored summary has another digest", r.ID)
	}
	return terraform.ParseSummary(data)
}

// changeOrder is what people read first: what goes, then what changes, then what
// comes.
var changeOrder = map[string]int{"delete": 0, "replace": 1, "update": 2, "create": 3, "import": 4, "move": 5, "read": 6}

var changeWords = map[string]string{
	"delete": "Destroyed", "replace": "Replaced", "update": "Changed", "create": "Added", "import": "Imported", "move": "Moved", "read": "Read during the apply",
}

// changeBlocks list the changes in groups.
func changeBlocks(s *terraform.Summary) []slack.Block {
	if len(s.Changes) == 0 {
		return []slack.Block{words("Nothing will be changed.")}
	}
	changes := slices.Clone(s.Changes)
	slices.SortStableFunc(changes, func(a, b terraform.Change) int {
		return cmp.Compare(changeOrder[a.Kind()], changeOrder[b.Kind()])
	})
	var blocks []slack.Block
	group := ""
	for _, c := range changes[:min(len(changes), shownChanges)] {
		if kind := c.Kind(); kind != group {
			group = kind
			blocks = append(blocks, groupHead(s, kind))
		}
		blocks = append(blocks, changeBlock(c))
	}
	return blocks
}

func groupHead(s *terraform.Summary, kind string) slack.Block {
	n := 0
	for _, c := range s.Changes {
		if c.Kind() == kind {
			n++
		}
	}
	head := fmt.Sprintf("%s (%d)", or(changeWords[kind], kind), n)
	if kind == "delete" || kind == "replace" {
		return rich(line(emoji("warning"), text(" "), bold(head)))
	}
	return rich(line(bold(head)))
}

// changeBlock shows one change: its address, and the attributes that differ. Each
// value is cut for itself, so that a long one hides no other.
func changeBlock(c terraform.Change) slack.Block {
	head := []slack.RichTextSectionElement{code(oneLine(c.ShortAddress(), limitLine))}
	if c.Configuration != "" {
		head = append(head, text(" by provider "+oneLine(c.Configuration, limitLine)))
	}
	elements := []slack.RichTextElement{line(head...)}
	for _, command := range c.CommandLines() {
		elements = append(elements, line(emoji("warning"), text(" "+command)))
	}
	for _, warning := range c.Warnings {
		elements = append(elements, line(emoji("warning"), text(" "+oneLine(warning, limitLine))))
	}
	if lines := attributes(c); len(lines) > 0 {
		elements = append(elements, quoted(strings.Join(lines, "\n"), limitRich))
	}
	return rich(elements...)
}

func attributes(c terraform.Change) []string {
	names := map[string]bool{}
	for name := range c.Before {
		names[name] = true
	}
	for name := range c.After {
		names[name] = true
	}
	var lines []string
	for _, name := range telling(slices.Sorted(maps.Keys(names)), c) {
		if len(lines) == shownAttributes {
			return append(lines, fmt.Sprintf("and %d more", len(names)-shownAttributes))
		}
		lines = append(lines, oneLine(name, limitOption)+attribute(c, name))
	}
	return lines
}

// telling puts the attributes that hold something before those that are empty on both
// sides, as most of a resource that is made are.
func telling(names []string, c terraform.Change) []string {
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Compare(emptyRank(c, a), emptyRank(c, b))
	})
	return names
}

func emptyRank(c terraform.Change, name string) int {
	for _, v := range []any{c.Before[name], c.After[name]} {
		if text := valueText(v); !slices.Contains([]string{"null", `""`, "[]", "{}"}, text) {
			return 0
		}
	}
	return 1
}

func attribute(c terraform.Change, name string) string {
	before, was := c.Before[name]
	after, is := c.After[name]
	switch {
	case was && is:
		return ": " + valueText(before) + " → " + valueText(after)
	case is:
		return " = " + valueText(after)
	case c.Kind() == "delete":
		return " = " + valueText(before)
	default:
		return ": " + valueText(before) + " → none"
	}
}

func valueText(v any) string {
	if t, ok := v.(string); ok {
		return fmt.Sprintf("%q", oneLine(t, shownValue))
	}
	data, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return oneLine(string(data), shownValue)
}

// existing lists what the request made, as far as its applied plan tells.
func (a *App) existing(ctx context.Context, s scene) slack.RichTextElement {
	run := s.appliedPlan()
	if run == nil {
		return bullets([]string{s.r.Title}, shownRemoved)
	}
	data, err := a.Facts.Summary(ctx, run.CorrelationID)
	if err != nil {
		a.Log.Warn("read applied plan", keyRequest, s.r.ID, keyError, err)
		return bullets([]string{s.r.Title}, shownRemoved)
	}
	summary, err := terraform.ParseSummary(data)
	if err != nil {
		a.Log.Warn("read applied plan", keyRequest, s.r.ID, keyError, err)
		return bullets([]string{s.r.Title}, shownRemoved)
	}
	var addresses []string
	for _, c := range summary.Changes {
		if kind := c.Kind(); kind != "delete" && kind != "read" {
			addresses = append(addresses, c.ShortAddress())
		}
	}
	if len(addresses) == 0 {
		addresses = []string{s.r.Title}
	}
	return bullets(addresses, shownRemoved)
}

// appliedPlan is the run of the first plan that was applied: the one that made
// things, while later ones tell only what they changed.
func (s scene) appliedPlan() *lifecycle.Attempt {
	for _, apply := range s.r.Runs.Apply.Attempts {
		for i, plan := range s.r.Runs.Plan.Attempts {
			if plan.Number == apply.PlanAttempt {
				return &s.r.Runs.Plan.Attempts[i]
			}
		}
	}
	return nil
}
