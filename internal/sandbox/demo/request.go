package demo

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// request is a request as its requester sees it.
type request struct {
	id      string
	title   string // as on its card
	name    string // its name in the cloud
	kind    string // the Terraform type of its resource
	place   string // project and environment
	channel string
	by      *person
	repo    string // owner/name
	pull    int
	failing bool // it is expected to fail now
}

// The channels and commands of the requests.
const (
	infraDev  = "infra-dev"
	infraProd = "infra-prod"
)

var idPattern = regexp.MustCompile(`req_[a-z0-9]{10,16}`)

// saved reads the request from the window that confirms it, and closes the window.
func (j *journey) saved(ctx context.Context, p *person, r *request) (*request, error) {
	v, err := p.window(ctx, "Request submitted: ", r.name)
	if err != nil {
		return nil, err
	}
	if r.id = idPattern.FindString(v.read()); r.id == "" {
		return nil, notSeen("the request's id", v.read())
	}
	r.by = p
	j.mu.Lock()
	j.requests = append(j.requests, r)
	j.mu.Unlock()
	return r, p.closes(ctx)
}

// fill submits a form that is already open.
func (j *journey) fill(ctx context.Context, v view, p *person, r *request, typed map[string]any) (*request, error) {
	if _, err := p.sends(ctx, v, typed); err != nil {
		return nil, err
	}
	return j.saved(ctx, p, r)
}

// submitRequest requests a log group in one step.
func (j *journey) submitRequest(ctx context.Context, p *person, env, suffix string) (*request, error) {
	r := &request{name: "/demo/" + j.stamp + "/" + suffix, kind: "aws_cloudwatch_log_group", channel: "infra-" + env,
		place: "core " + env + "/app"}
	r.title = "Log group " + r.name
	if _, err := p.types(ctx, r.channel, "request cloudwatch-log-group "+env); err != nil {
		return nil, err
	}
	v, err := p.window(ctx, "Log group name", "Why is it needed?")
	if err != nil {
		return nil, err
	}
	return j.fill(ctx, v, p, r, map[string]any{"Log group name": r.name,
		"Why is it needed?": "Logs of the demo's " + suffix})
}

// card returns the request's card in a channel, or in the DM of the person.
func (p *person) card(ctx context.Context, r *request, place string) (message, error) {
	w, err := p.workspace(ctx)
	if err != nil {
		return message{}, err
	}
	var found []message
	for _, c := range w.Channels {
		if c.Name != place && (c.Kind != "im" || place != "dm") {
			continue
		}
		for _, m := range c.Messages {
			if m.Bot && !m.Deleted && strings.Contains(m.read(), r.id) {
				found = append(found, m)
			}
		}
	}
	if len(found) > 1 {
		return found[0], notSeen("one card of "+r.title+" in "+place, fmt.Sprintf("%d cards", len(found)))
	}
	if len(found) == 0 {
		return message{}, nil
	}
	return found[0], nil
}

// sees waits until the card in the request's channel contains the words. A card with an unexpected
// failure ends the wait.
func (p *person) sees(ctx context.Context, r *request, limit time.Duration, words ...string) (message, error) {
	return p.seesIn(ctx, r, r.channel, limit, words...)
}

func (p *person) seesIn(ctx context.Context, r *request, place string, limit time.Duration, words ...string) (message,
	error) {
	var card message
	var failed time.Time
	want := fmt.Sprintf("the card of “%s” in %s with “%s”", r.title, place, strings.Join(words, "” and “"))
	err := until(ctx, limit, want, func(ctx context.Context) (bool, string, error) {
		m, err := p.card(ctx, r, place)
		if err != nil || m.TS == "" {
			return false, "no card", err
		}
		card = m
		seen := m.read()
		switch {
		case containsAll(seen, words...):
			return true, seen, nil
		case r.failing || !strings.Contains(seen, stateFailed):
			failed = time.Time{}
			return false, seen, nil
		case failed.IsZero():
			failed = time.Now()
		case strings.Contains(seen, failedStep) || time.Since(failed) > soon:
			return false, seen, notSeen(want, seen)
		}
		return false, seen, nil
	})
	return card, err
}

// failedStep is the text of a card before the step that failed. It can appear a little later than the
// failure.
const failedStep = "in step “"

// States in the first line of the card.
const (
	statePlanReady = "Plan ready · "
	stateApproved  = "Approved · "
	stateMerged    = "Merged · "
	stateApplied   = "Applied · "
	stateDestroyed = "Destroyed · "
	stateClosed    = "Closed · "
	stateRejected  = "Rejected · "
	stateFailed    = " failed · " // after the kind of the run
)

// seesReply waits for a reply in the card's thread that contains the words, and returns the newest
// one.
func (p *person) seesReply(ctx context.Context, r *request, limit time.Duration, words ...string) (message, error) {
	var found message
	want := fmt.Sprintf("a reply in the thread of “%s” with “%s”", r.title, strings.Join(words, "” and “"))
	err := until(ctx, limit, want, func(ctx context.Context) (bool, string, error) {
		card, err := p.card(ctx, r, r.channel)
		if err != nil {
			return false, "", err
		}
		var all []string
		ok := false
		for _, m := range card.Replies {
			all = append(all, m.read())
			if containsAll(m.read(), words...) {
				found, ok = m, true
			}
		}
		return ok, "the thread:\n" + strings.Join(all, "\n—\n"), nil
	})
	return found, err
}

// planReply returns the newest reply that requests a decision.
func (p *person) planReply(ctx context.Context, r *request) (message, error) {
	return p.seesReply(ctx, r, later, " ready for ", "[Review plan]", "[Approve")
}

var pullLink = regexp.MustCompile(`/([A-Za-z0-9._-]+/[A-Za-z0-9._-]+)/pull/([0-9]+)`)

// follow finds the pull request that the card links.
func (r *request) follow(card message) error {
	if r.pull != 0 {
		return nil
	}
	for _, address := range links(card.Blocks) {
		if m := pullLink.FindStringSubmatch(address); m != nil {
			n, err := strconv.Atoi(m[2])
			r.repo, r.pull = m[1], n
			return err
		}
	}
	return notSeen("a link to the pull request on the card", card.read())
}

var markupLink = regexp.MustCompile(`<(https?://[^|>]+)`)

// links returns all addresses in a message.
func links(v any) []string {
	var out []string
	switch v := v.(type) {
	case []block:
		for _, e := range v {
			out = append(out, links(e)...)
		}
	case []any:
		for _, e := range v {
			out = append(out, links(e)...)
		}
	case map[string]any:
		for _, e := range v {
			out = append(out, links(e)...)
		}
		if v["type"] == "link" {
			out = append(out, str(v["url"]))
		}
	case string:
		for _, m := range markupLink.FindAllStringSubmatch(v, -1) {
			out = append(out, m[1])
		}
	}
	return out
}

// env returns the environment without the project, as in "dev/app".
func (r *request) env() string {
	_, env, _ := strings.Cut(r.place, " ")
	return env
}
