package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

// person is one person: a Slack user, and a GitHub user with a token.
type person struct {
	j                  *journey
	name, slack, token string
	windows            sync.Mutex // held while the person has a window open
}

// result is what Slack itself shows after an action of a person.
type result struct {
	Outcome string
	Note    string
	Errors  map[string]string
	Reply   *message
	Views   []view
}

func (p *person) workspace(ctx context.Context) (workspace, error) {
	var w workspace
	return w, p.j.get(ctx, "/control/state"+query("user", p.slack), &w)
}

// act sends one action of a person. It returns an error if Slack itself reports one.
func (p *person) act(ctx context.Context, what string, body map[string]any) (result, error) {
	body["user"] = p.slack
	var r result
	began := time.Now()
	if err := p.j.post(ctx, "/control/"+what, body, &r); err != nil {
		return r, err
	}
	p.j.clock.acted(p, began)
	if r.Outcome != "acked" && r.Outcome != "errors" {
		return r, notSeen("an answer to Slack in time", r.Outcome+": "+r.Note)
	}
	return r, nil
}

func (p *person) types(ctx context.Context, channel, text string) (result, error) {
	return p.act(ctx, "command", map[string]any{"channel": channel, "command": "/tfpilot", "text": text})
}

// rebuilding is the answer while the list of requests does not exist, for example after Redis lost its
// data. It suggests to try again.
const rebuilding = "is being rebuilt. Try again"

// asks types a command and waits for an answer that contains the words. If the answer suggests to try
// again, it does.
func (p *person) asks(ctx context.Context, channel, text string, words ...string) (message, error) {
	var found message
	err := until(ctx, later, "another answer than that the list is being rebuilt",
		func(ctx context.Context) (bool, string, error) {
			old, err := p.ephemerals(ctx)
			if err != nil {
				return false, "", err
			}
			if _, err := p.types(ctx, channel, text); err != nil {
				return false, "", err
			}
			found, err = p.answered(ctx, old, words...)
			return !strings.Contains(found.read(), rebuilding), found.read(), err
		})
	return found, err
}

// ephemerals returns the messages that only this person sees, in all channels.
func (p *person) ephemerals(ctx context.Context) (map[string]message, error) {
	w, err := p.workspace(ctx)
	all := map[string]message{}
	for _, c := range w.Channels {
		for _, m := range c.Ephemerals {
			all[c.ID+" "+m.TS] = m
		}
	}
	return all, err
}

// answered waits for a new ephemeral message that contains the words, or that suggests to try again.
func (p *person) answered(ctx context.Context, old map[string]message, words ...string) (message, error) {
	var found message
	err := until(ctx, soon, fmt.Sprintf("an answer to %s with “%s”", p.name, strings.Join(words, "” and “")),
		func(ctx context.Context) (bool, string, error) {
			now, err := p.ephemerals(ctx)
			seen := "no new answer"
			for place, m := range now {
				if _, known := old[place]; known {
					continue
				}
				if seen = m.read(); containsAll(seen, words...) || strings.Contains(seen, rebuilding) {
					found = m
					return true, seen, nil
				}
			}
			return false, seen, err
		})
	return found, err
}

// clicks clicks a button of a message. If the message was redrawn in the meantime, it clicks the
// button that is there now.
func (p *person) clicks(ctx context.Context, m message, label string) error {
	for {
		c, err := find(m.Blocks, label)
		if err != nil {
			return err
		}
		_, err = p.act(ctx, "action",
			map[string]any{"channel": m.Channel, "ts": m.TS, "actionId": c.action, "blockId": c.block, "value": c.value})
		var no *status
		if !errors.As(err, &no) || no.code != http.StatusNotFound || ctx.Err() != nil {
			return err
		}
		now, again := p.message(ctx, m)
		if again != nil || reflect.DeepEqual(now.Blocks, m.Blocks) {
			return errors.Join(err, again)
		}
		m = now
	}
}

// message returns the current content of a message.
func (p *person) message(ctx context.Context, m message) (message, error) {
	w, err := p.workspace(ctx)
	for _, c := range w.Channels {
		all := slices.Concat(c.Messages, c.Ephemerals)
		for _, top := range c.Messages {
			all = append(all, top.Replies...)
		}
		for _, now := range all {
			if now.Channel == m.Channel && now.TS == m.TS {
				return now, err
			}
		}
	}
	return message{}, err
}

// clicksAndSees clicks a button and waits for the answer.
func (p *person) clicksAndSees(ctx context.Context, m message, label string, words ...string) error {
	old, err := p.ephemerals(ctx)
	if err != nil {
		return err
	}
	if err := p.clicks(ctx, m, label); err != nil {
		return err
	}
	_, err = p.answered(ctx, old, words...)
	return err
}

// window waits until the top window contains the words.
func (p *person) window(ctx context.Context, words ...string) (view, error) {
	var top view
	err := until(ctx, soon, fmt.Sprintf("a window for %s with “%s”", p.name, strings.Join(words, "” and “")),
		func(ctx context.Context) (bool, string, error) {
			w, err := p.workspace(ctx)
			if err != nil || len(w.Views) == 0 {
				return false, "no window", err
			}
			top = w.Views[len(w.Views)-1]
			return containsAll(top.read(), words...), top.read(), nil
		})
	return top, err
}

// uses clicks a button or chooses from a menu in the top window. All other fields keep what was typed.
func (p *person) uses(ctx context.Context, v view, label, selected string, typed map[string]any) error {
	c, err := find(v.Blocks, label)
	if err != nil {
		return err
	}
	values, err := v.fields(typed)
	if err != nil {
		return err
	}
	body := map[string]any{"view": v.ID, "actionId": c.action, "blockId": c.block, "value": c.value, "values": values}
	if selected != "" {
		body["selected"] = selected
	}
	_, err = p.act(ctx, "action", body)
	return err
}

// fields maps what was typed from labels to the names of the fields.
func (v view) fields(typed map[string]any) (map[string]any, error) {
	values := map[string]any{}
	for label, value := range typed {
		c, err := find(v.Blocks, label)
		if err != nil {
			return nil, err
		}
		values[c.field()] = value
	}
	return values, nil
}

// submits fills in the top window and submits it.
func (p *person) submits(ctx context.Context, v view, typed map[string]any) (result, error) {
	values, err := v.fields(typed)
	if err != nil {
		return result{}, err
	}
	return p.act(ctx, "submit", map[string]any{"view": v.ID, "values": values})
}

// sends submits the window and returns errors at its fields as an error.
func (p *person) sends(ctx context.Context, v view, typed map[string]any) (result, error) {
	r, err := p.submits(ctx, v, typed)
	if err == nil && len(r.Errors) > 0 {
		return r, notSeen("that the window “"+textOf(v.Title)+"” is accepted", fmt.Sprint(r.Errors))
	}
	return r, err
}

// closes dismisses every window.
func (p *person) closes(ctx context.Context) error {
	for {
		w, err := p.workspace(ctx)
		if err != nil || len(w.Views) == 0 {
			return err
		}
		if _, err := p.act(ctx, "close", map[string]any{"view": w.Views[len(w.Views)-1].ID}); err != nil {
			return err
		}
	}
}

// slowly delays the storage, so that the intermediate state can be seen.
func (j *journey) slowly(ctx context.Context) error {
	return j.fault(ctx, faults{S3: []storageFault{{
		Kind: "delay", Verb: "GetObject", KeyPrefix: "identities/", Principal: "app", Count: 2,
		Delay: int64(700 * time.Millisecond),
	}}})
}
