package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/wire"
)

const (
	deliveryLog   = 24 * time.Hour // how far back to read GitHub's log
	refusedRecent = time.Hour      // within this time a worker requests redelivery of what failed
)

// webhook checks the settings of the App's webhook, and GitHub's log of deliveries.
// With a token there is no webhook to check.
func (x exam) webhook(ctx context.Context, client *github.Client) []Finding {
	hook, err := client.Hook(ctx)
	if errors.Is(err, github.ErrNoApp) {
		return nil
	}
	f := Finding{What: "GitHub delivers webhooks"}
	switch {
	case err != nil:
		f.Err = wire.Hint(err, "check GITHUB_API_URL and the three GITHUB_APP_… variables")
	case hook.URL == "":
		f.What = "the App has no webhook: TfPilot polls GitHub instead"
	case !hook.Secret:
		f.Err = errors.New(
			"the App's webhook has no secret, so TfPilot rejects every delivery; set the secret on GitHub to the value of " +
				"GITHUB_WEBHOOK_SECRET",
		)
	default:
		f.Err = deliveryFaults(ctx, client, hook.URL, time.Now())
	}
	return []Finding{f}
}

// deliveryFaults describes the failures after the last delivery that arrived. One that
// TfPilot rejected counts for an hour: another process may have the right secret.
func deliveryFaults(ctx context.Context, client *github.Client, address string, now time.Time) error {
	failed, err := client.FailedDeliveries(ctx, now.Add(-deliveryLog))
	if err != nil || len(failed) == 0 {
		return wire.Hint(err, "check that the App may read its own deliveries")
	}
	arrived, err := client.LastArrived(ctx, now.Add(-deliveryLog))
	if err != nil {
		return wire.Hint(err, "check that the App may read its own deliveries")
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
		lines = append(
			lines,
			fmt.Sprintf(
				"%d failed, the last one at %s: %s",
				counts[fault],
				last[fault].DeliveredAt.UTC().Format("2006-01-02 15:04 UTC"),
				fault,
			),
		)
	}
	return errors.New(strings.Join(lines, "; "))
}

// deliveryFault describes a failed delivery and how to fix it.
func deliveryFault(d github.Delivery, refused bool, address string) string {
	switch {
	case refused:
		return fmt.Sprintf(
			"TfPilot rejected them with %d, because GITHUB_WEBHOOK_SECRET differs from the secret of the App's webhook; "+
				"set both to the same value, then restart app and workers",
			d.StatusCode,
		)
	case d.StatusCode == 0:
		return fmt.Sprintf(
			"GitHub did not reach %.200q (%.100q); allow GitHub to reach that address, or correct the webhook URL of the App",
			address,
			d.Status,
		)
	}
	return fmt.Sprintf(
		"%.200q responded with %d; the webhook URL of the App must end with /api/github/webhook and reach tfpilot app, "+
			"and Redis must be available",
		address,
		d.StatusCode,
	)
}
