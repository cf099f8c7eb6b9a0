package page

import (
	"fmt"
	"net/http"
)

// resetOrder is the body of POST /view/reset. A reset of one part leaves the product in a state that a
// real outage could cause. Documents, repositories and Terraform's states belong together; only a new
// data directory has none of them.
type resetOrder struct {
	Faults   bool `json:"faults"`
	Counters bool `json:"counters"`
	Redis    bool `json:"redis"`
	Messages bool `json:"messages"`
	Cloud    bool `json:"cloud"`
}

func (v *viewer) reset(w http.ResponseWriter, r *http.Request) {
	var order resetOrder
	if !decode(w, r, &order) {
		return
	}
	if order == (resetOrder{}) {
		problem(w, http.StatusBadRequest, "nothing", "choose what to reset")
		return
	}
	if err := v.resetParts(order); err != nil {
		problem(w, http.StatusInternalServerError, "not_reset", err.Error())
		return
	}
	answer(w, http.StatusOK, order)
}

func (v *viewer) resetParts(order resetOrder) error {
	if order.Cloud {
		if err := v.box.Cloud.Reset(); err != nil {
			return fmt.Errorf("empty the cloud: %w", err)
		}
	}
	if order.Messages {
		v.box.Slack.Reset()
	}
	if order.Redis {
		v.box.FlushRedis()
	}
	if order.Faults {
		v.box.GitHub.ClearFaults()
		v.box.S3.ClearFaults()
		v.box.Cloud.ClearFaults()
		v.box.Slack.ClearFaults()
		v.box.Model.ClearFaults()
	}
	if order.Counters {
		v.box.GitHub.ResetCounts()
		v.box.S3.ResetCounts()
		v.box.Cloud.ResetCounts()
	}
	return nil
}
