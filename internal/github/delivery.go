package github

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// GitHub sends each webhook once and does not retry. It keeps a log of the deliveries of an App
// for some days, in which each attempt is one entry; attempts of one delivery share a GUID. This
// file finds deliveries that never arrived and asks for them again.

// Hook is the configuration of the App's webhook on GitHub.
type Hook struct {
	URL    string // empty: the App has no webhook
	Secret bool   // a secret is set; GitHub never returns it
}

// Hook reads how the App's webhook is set.
func (c *Client) Hook(ctx context.Context) (Hook, error) {
	if c.app == nil {
		return Hook{}, ErrNoApp
	}
	var out struct {
		URL    string `json:"url"`
		Secret string `json:"secret"`
	}
	if _, err := c.do(ctx, c.app, http.MethodGet, "app/hook/config", "", nil, &out); err != nil {
		return Hook{}, fmt.Errorf("webhook of the App: %w", err)
	}
	return Hook{URL: out.URL, Secret: out.Secret != ""}, nil
}

// LastArrived returns the time of the newest delivery since then that arrived, or zero.
func (c *Client) LastArrived(ctx context.Context, since time.Time) (time.Time, error) {
	if c.app == nil {
		return time.Time{}, ErrNoApp
	}
	arrived, err := c.deliveries(ctx, "&status=success", since)
	for _, w := range arrived { // newest first
		if w.ok() {
			return w.DeliveredAt, err
		}
	}
	return time.Time{}, err
}

// Delivery is a webhook delivery that never arrived.
type Delivery struct {
	ID          int64  // of the newest attempt
	GUID        string // the same for every attempt
	Event       string
	Action      string
	StatusCode  int    // of TfPilot's answer; 0 without one
	Status      string // GitHub's description of the failure
	DeliveredAt time.Time
	Attempts    int
}

type wireDelivery struct {
	ID          int64     `json:"id"`
	GUID        string    `json:"guid"`
	Event       string    `json:"event"`
	Action      string    `json:"action"`
	Status      string    `json:"status"`
	StatusCode  int       `json:"status_code"`
	DeliveredAt time.Time `json:"delivered_at"`
}

// ok reports whether the receiver answered the attempt with success.
func (w wireDelivery) ok() bool { return w.StatusCode >= 200 && w.StatusCode < 300 || w.Status == "OK" }

// FailedDeliveries lists the deliveries since then that failed in every attempt, oldest first.
// It usually costs one call.
func (c *Client) FailedDeliveries(ctx context.Context, since time.Time) ([]Delivery, error) {
	if c.app == nil {
		return nil, ErrNoApp
	}
	failed, err := c.deliveries(ctx, "&status=failure", since)
	if err != nil || len(failed) == 0 {
		return nil, err
	}
	// A failed attempt stays in that list after a later one arrived.
	all, err := c.deliveries(ctx, "", since)
	if err != nil {
		return nil, err
	}
	arrived := map[string]bool{}
	for _, w := range all {
		arrived[w.GUID] = arrived[w.GUID] || w.ok()
	}
	index := map[string]int{}
	var out []Delivery
	for i := len(failed) - 1; i >= 0; i-- { // newest first, as GitHub lists them
		w := failed[i]
		if w.ok() || arrived[w.GUID] {
			continue
		}
		at, known := index[w.GUID]
		if !known {
			at = len(out)
			index[w.GUID] = at
			out = append(out, Delivery{})
		}
		out[at] = Delivery{
			ID: w.ID, GUID: w.GUID, Event: w.Event, Action: w.Action, StatusCode: w.StatusCode,
			Status:      cutRunes(w.Status, maxMessage),
			DeliveredAt: w.DeliveredAt, Attempts: out[at].Attempts + 1,
		}
	}
	return out, nil
}

func (c *Client) deliveries(ctx context.Context, filter string, since time.Time) ([]wireDelivery, error) {
	var all []wireDelivery
	cursor := ""
	for range maxPages {
		path := fmt.Sprintf("app/hook/deliveries?per_page=%d%s", pageSize, filter)
		if cursor != "" {
			path += "&cursor=" + queryEscape(cursor)
		}
		var out []wireDelivery
		a, err := c.do(ctx, c.app, http.MethodGet, path, "", nil, &out)
		if err != nil {
			return nil, fmt.Errorf("list deliveries: %w", err)
		}
		for _, w := range out {
			if w.DeliveredAt.Before(since) {
				return all, nil
			}
			all = append(all, w)
		}
		if cursor = a.cursor; cursor == "" {
			break
		}
	}
	return all, nil
}

// Redeliver asks GitHub to send a delivery again, under the same GUID.
func (c *Client) Redeliver(ctx context.Context, id int64) error {
	if c.app == nil {
		return ErrNoApp
	}
	path := fmt.Sprintf("app/hook/deliveries/%d/attempts", id)
	if _, err := c.do(ctx, c.app, http.MethodPost, path, "", nil, nil); err != nil {
		return fmt.Errorf("redeliver %d: %w", id, err)
	}
	return nil
}
