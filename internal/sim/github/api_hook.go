package github

import (
	"net/http"
	"time"
)

func (s *Server) getHookConfig(*call) (reply, error) {
	out := obj{"url": s.hooks.url, "content_type": "json", "insecure_ssl": "0"}
	if s.hooks.secret != "" {
		out["secret"] = "********"
	}
	return ok(out)
}

func (d *delivery) json(installation int64) obj {
	return obj{
		"id": d.ID, "guid": d.GUID, "delivered_at": d.At.UTC().Format(time.RFC3339), "redelivery": d.Redelivery,
		"duration": d.Duration, "status": d.Status, "status_code": d.Code, "event": d.Event, "action": d.Action,
		"installation_id": installation, "repository_id": d.RepositoryID, "throttled_at": nil,
	}
}

// listDeliveries lists the newest first. The cursor is the id of the last delivery of a page.
func (s *Server) listDeliveries(c *call) (reply, error) {
	size := clamp(c.query("per_page"), defaultPage, maxPage)
	before := int64(atoi(c.query("cursor")))
	want := c.query("status")
	out, more := []obj{}, int64(0)
	for i := len(s.hooks.log) - 1; i >= 0; i-- {
		d := s.hooks.log[i]
		if before != 0 && d.ID >= before || want == "success" && !d.ok() || want == "failure" && d.ok() {
			continue
		}
		if len(out) == size {
			more = out[size-1]["id"].(int64)
			break
		}
		out = append(out, d.json(s.cfg.App.InstallationID))
	}
	rep := reply{status: http.StatusOK, body: out}
	if more != 0 {
		q := c.r.URL.Query()
		q.Set("cursor", itoa(more))
		rep.header = http.Header{"Link": {"<" + s.apiURL("/app/hook/deliveries") + "?" + q.Encode() + `>; rel="next"`}}
	}
	return rep, nil
}

func (s *Server) findDelivery(id int64) *delivery {
	for _, d := range s.hooks.log {
		if d.ID == id {
			return d
		}
	}
	return nil
}

// redeliver sends an event again under the same GUID.
func (s *Server) redeliver(c *call) (reply, error) {
	if err := s.redeliverID(c.number("id")); err != nil {
		return reply{}, err
	}
	return accepted()
}

func (s *Server) redeliverID(id int64) error {
	d := s.findDelivery(id)
	if d == nil {
		return errNotFound
	}
	again := &delivery{GUID: d.GUID, Event: d.Event, Action: d.Action, RepositoryID: d.RepositoryID, Payload: d.Payload,
		Redelivery: true}
	s.hooks.route(s, again)
	return nil
}
