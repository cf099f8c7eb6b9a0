package slack

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// paginate returns one page of a list. Clients cannot interpret the cursor.
func paginate[T any](a arguments, all []T, otherwise int) ([]T, string, error) {
	limit := a.number("limit", otherwise)
	if limit < 1 || limit > 1000 {
		return nil, "", refuse("invalid_limit")
	}
	start := 0
	if cursor := a.str("cursor"); cursor != "" {
		raw, err1 := base64.StdEncoding.DecodeString(cursor)
		n, err2 := strconv.Atoi(strings.TrimPrefix(string(raw), "next:"))
		if err := cmp.Or(err1, err2); err != nil || n < 0 || n > len(all) {
			return nil, "", refuse("invalid_cursor")
		}
		start = n
	}
	end := min(len(all), start+limit)
	next := ""
	if end < len(all) {
		next = base64.StdEncoding.EncodeToString([]byte("next:" + strconv.Itoa(end)))
	}
	return all[start:end], next, nil
}

func (s *Server) channelObject(c *channelLog) obj {
	if c.IM != "" {
		return obj{"id": c.ID, "is_im": true, "is_channel": false, "is_open": true, "user": c.IM, "is_archived": false,
			"created": 0}
	}
	return obj{
		"id": c.ID, "name": c.Name, "name_normalized": c.Name, "is_channel": !c.Private, "is_group": c.Private,
		"is_im": false, "is_mpim": false, "is_private": c.Private, "is_archived": c.Archived, "is_member": c.HasBot,
		"is_general": false, "created": 0, "num_members": len(c.Members),
		"topic": obj{"value": ""}, "purpose": obj{"value": ""},
	}
}

// visibleChannel returns a channel that the app can see, and checks the scope for its type.
func (s *Server) visibleChannel(id, right string) (*channelLog, error) {
	c := s.channelByID(id)
	if c == nil || (c.Private && !c.HasBot) {
		return nil, refuse("channel_not_found")
	}
	scope := "channels:" + right
	switch {
	case c.IM != "":
		scope = "im:" + right
	case c.Private:
		scope = "groups:" + right
	}
	if !s.granted(scope) {
		return nil, &apiError{code: "missing_scope", needed: scope}
	}
	return c, nil
}

func (s *Server) conversationsInfo(a arguments) (obj, error) {
	if err := a.need("channel"); err != nil {
		return nil, err
	}
	c, err := s.visibleChannel(a.str("channel"), "read")
	if err != nil {
		return nil, err
	}
	return obj{"channel": s.channelObject(c)}, nil
}

func (s *Server) conversationsOpen(a arguments) (obj, error) {
	id := a.str("users")
	if channel := a.str("channel"); channel != "" {
		if c := s.channelByID(channel); c != nil && c.IM != "" {
			id = c.IM
		}
	}
	u := s.user(id)
	if u == nil || u.Deleted {
		return nil, refuse("user_not_found")
	}
	known := s.channelByID("D"+id[1:]) != nil
	c := s.dm(id)
	out := obj{"channel": obj{"id": c.ID}, "already_open": known, "no_op": known}
	if a.flag("return_im") {
		out["channel"] = s.channelObject(c)
	}
	return out, nil
}

func (s *Server) conversationsHistory(a arguments) (obj, error) {
	c, err := s.readable(a)
	if err != nil {
		return nil, err
	}
	var all []any
	for _, m := range slices.Backward(c.Messages) {
		if (m.Thread == "" || m.Broadcast) && within(a, m.TS) {
			all = append(all, s.historic(a, c, m))
		}
	}
	return s.historyPage(a, all, 100)
}

func (s *Server) conversationsReplies(a arguments) (obj, error) {
	c, err := s.readable(a)
	if err != nil {
		return nil, err
	}
	messages := c.thread(a.str("ts"))
	if messages == nil {
		return nil, refuse("thread_not_found")
	}
	var all []any
	for _, m := range messages {
		if m.Thread == "" || within(a, m.TS) {
			all = append(all, s.historic(a, c, m))
		}
	}
	return s.historyPage(a, all, 1000)
}

func (s *Server) readable(a arguments) (*channelLog, error) {
	if err := a.need("channel"); err != nil {
		return nil, err
	}
	c, err := s.visibleChannel(a.str("channel"), "history")
	if err == nil && !c.HasBot {
		return nil, refuse("not_in_channel")
	}
	return c, err
}

// within compares timestamps as text: they all have the same number of digits.
func within(a arguments, ts string) bool {
	oldest, latest, inclusive := a.str("oldest"), a.str("latest"), a.flag("inclusive")
	if oldest != "" && oldest != "0" && (ts < oldest || (ts == oldest && !inclusive)) {
		return false
	}
	return latest == "" || ts < latest || (ts == latest && inclusive)
}

func (s *Server) historic(a arguments, c *channelLog, m *message) obj {
	out := s.payload(c, m)
	if m.Deleted {
		out["subtype"] = "tombstone"
	}
	if a.flag("include_all_metadata") && m.Metadata != nil {
		out["metadata"] = m.Metadata
	}
	return out
}

func (s *Server) historyPage(a arguments, all []any, otherwise int) (obj, error) {
	page, next, err := paginate(a, all, otherwise)
	if err != nil {
		return nil, err
	}
	if page == nil {
		page = []any{}
	}
	return obj{"messages": page, "has_more": next != "", "response_metadata": obj{"next_cursor": next}}, nil
}
