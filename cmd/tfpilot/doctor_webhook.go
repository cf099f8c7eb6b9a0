package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/github"
)

const (
	deliveryLog   = 24 * time.Hour // what is read of GitHub's log
	refusedRecent = time.Hour      // a worker asks for what failed again within this time
)

// examineWebhook compares how the App's webhook is set on GitHub, and reads from GitHub's
// log whether deliveries arrive. A token has neither.
func (p *parts) examineWebhook(ctx context.Context, hub *github.Client) []finding {
	hook, err := hub.Hook(ctx)
	if errors.Is(err, github.ErrNoApp) {
		return nil
	}
	f := finding{what: "GitHub's webhooks arrive"}
	switch {
	case err != nil:
		f.err = mend(err, "check GITHUB_API_URL and the three GITHUB_APP_… variables")
	case hook.URL == "":
		f.what = "the App has no webhook: TfPilot asks GitHub for changes instead"
	case !hook.Secret:
		f.err = errors.New("the App's webhook has no secret, so that TfPilot refuses every delivery; set it on GitHub to the value of GITHUB_WEBHOOK_SECRET")
	default:
		f.err = examineDeliveries(ctx, hub, hook.URL, time.Now())
	}
	return []finding{f}
}

// examineDeliveries describes what failed since a delivery arrived last. One that TfPilot
// refused counts for longer: another of its processes may have the right secret.
func examineDeliveries(ctx context.Context, hub *github.Client, address string, now time.Time) error {
	failed, err := hub.FailedDeliveries(ctx, now.Add(-deliveryLog))
	if err != nil || len(failed) == 0 {
		return mend(err, "check that the App may read its own deliveries")
	}
	arrived, err := hub.LastArrived(ctx, now.Add(-deliveryLog))
	if err != nil {
		return mend(err, "check that the App may read its own deliveries")
	}
	counts := map[string]int{}
	var faults []string
	last := map[string]github.Delivery{}
	for _, d := range failed {
		refused := d.StatusCode == http.StatusUnauthorized || d.StatusCode == http.StatusForbidden
		if !d.DeliveredAt.After(arrived) && !(refused && d.DeliveredAt.After(now.Add(-refusedRecent))) {
			continue
		}
		fault := deliveryFault(d, refused, address)
		if counts[fault]++; counts[fault] == 1 {
			faults = append(faults, fault)
		}
		last[fault] = d
	}
	if len(faults) == 0 {
		return nil
	}
	var lines []string
	for _, fault := range faults {
		lines = append(lines, fmt.Sprintf("%d failed, the last one at %s: %s", counts[fault], last[fault].DeliveredAt.UTC().Format("2006-01-02 15:04 UTC"), fault))
	}
	return errors.New(strings.Join(lines, "; "))
}

// deliveryFault is what happened to a delivery and what to do about it.
func deliveryFault(d github.Delivery, refused bool, address string) string {
	switch {
	case refused:
		return fmt.Sprintf("TfPilot refused them with %d, since GITHUB_WEBHOOK_SECRET differs from the secret of the App's webhook; "+
			"set both to the same value and restart app and workers", d.StatusCode)
	case d.StatusCode == 0:
		return fmt.Sprintf("GitHub did not reach %.200q (%.100q); open that address to GitHub, or correct the webhook URL of the App", address, d.Status)
	}
	return fmt.Sprintf("%.200q answered with %d; the webhook URL of the App must lead to /api/github/webhook of tfpilot app, and Redis must take what arrives", address, d.StatusCode)
}
