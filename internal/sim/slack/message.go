package slack

import (
	"slices"
	"strings"
)

// message is one message of a channel, a thread or a DM, or an ephemeral one.
type message struct {
	TS string `json:"ts"`
	// Time stamp of the root; also empty for a root without replies.
	Thread      string    `json:"thread_ts,omitempty"`
	User        string    `json:"user"`
	Bot         bool      `json:"bot,omitempty"`
	Text        string    `json:"text"`
	Blocks      []any     `json:"blocks,omitempty"`
	Attachments []any     `json:"attachments,omitempty"`
	Files       []file    `json:"files,omitempty"`
	Metadata    any       `json:"metadata,omitempty"`
	Broadcast   bool      `json:"broadcast,omitempty"`
	Deleted     bool      `json:"deleted,omitempty"`
	EditedTS    string    `json:"edited_ts,omitempty"`
	Versions    []version `json:"versions,omitempty"` // its content before each edit
	Edits       int       `json:"edits,omitempty"`
	For         string    `json:"for,omitempty"` // the only person who sees it
}

type version struct {
	TS     string `json:"ts"`
	Text   string `json:"text"`
	Blocks []any  `json:"blocks,omitempty"`
}

const (
	maxVersions = 50
	maxMessages = 20_000 // per channel; the oldest are removed
)

// channelLog is a channel, or the DM of one person with the app.
type channelLog struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	IM         string     `json:"im,omitempty"` // the person
	Private    bool       `json:"private,omitempty"`
	Archived   bool       `json:"archived,omitempty"`
	Members    []string   `json:"members"`
	HasBot     bool       `json:"has_bot"`
	Messages   []*message `json:"messages"`
	Ephemerals []*message `json:"-"` // lost when the page reloads, as in Slack
}

func newChannel(c Channel, users []User) *channelLog {
	members := slices.Clone(c.Members)
	if len(members) == 0 {
		for _, u := range users {
			members = append(members, u.ID)
		}
	}
	return &channelLog{ID: c.ID, Name: c.Name, Private: c.Private, Archived: c.Archived, Members: members,
		HasBot: !c.NoBot}
}

func (c *channelLog) find(ts string) *message {
	for _, m := range slices.Backward(c.Messages) {
		if m.TS == ts && !m.Deleted {
			return m
		}
	}
	return nil
}

func (c *channelLog) ephemeral(ts, user string) *message {
	for _, m := range c.Ephemerals {
		if m.TS == ts && m.For == user {
			return m
		}
	}
	return nil
}

func (c *channelLog) add(m *message) {
	c.Messages = append(c.Messages, m)
	if over := len(c.Messages) - maxMessages; over > 0 {
		c.Messages = slices.Delete(c.Messages, 0, over)
	}
}

func (c *channelLog) addEphemeral(m *message) {
	const most = 500
	c.Ephemerals = append(c.Ephemerals, m)
	if over := len(c.Ephemerals) - most; over > 0 {
		c.Ephemerals = slices.Delete(c.Ephemerals, 0, over)
	}
}

func (c *channelLog) dropEphemeral(ts string) {
	c.Ephemerals = slices.DeleteFunc(c.Ephemerals, func(m *message) bool { return m.TS == ts })
}

// thread returns the root of a thread and its replies, or nil without such a root.
func (c *channelLog) thread(root string) []*message {
	var out []*message
	for _, m := range c.Messages {
		if m.TS == root || (m.Thread == root && !m.Deleted) {
			out = append(out, m)
		}
	}
	if len(out) == 0 || out[0].TS != root {
		return nil
	}
	return out
}

// root returns the message under which a reply belongs. A reply to a reply belongs under the root.
func (c *channelLog) root(ts string) string {
	m := c.find(ts)
	switch {
	case m == nil:
		return ""
	case m.Thread != "":
		return m.Thread
	}
	return m.TS
}

// edit changes a message and saves its old version.
func (m *message) edit(ts, text string, blocks []any) {
	m.Versions = append(m.Versions, version{TS: ts, Text: m.Text, Blocks: m.Blocks})
	if over := len(m.Versions) - maxVersions; over > 0 {
		m.Versions = slices.Delete(m.Versions, 0, over)
	}
	m.Edits++
	m.EditedTS, m.Text, m.Blocks = ts, text, blocks
}

// channelByID finds a channel or DM by its id alone, as the Web API does.
func (s *Server) channelByID(id string) *channelLog {
	for _, c := range s.channels {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// dm returns the DM of a person with the app, and creates it at the first call.
func (s *Server) dm(user string) *channelLog {
	id := "D" + user[1:]
	if c := s.channelByID(id); c != nil {
		return c
	}
	c := &channelLog{ID: id, IM: user, Members: []string{user}, HasBot: true}
	s.channels = append(s.channels, c)
	return c
}

func (s *Server) user(id string) *User {
	for i := range s.users {
		if s.users[i].ID == id {
			return &s.users[i]
		}
	}
	return nil
}

// payload renders a message as apps receive it.
func (s *Server) payload(c *channelLog, m *message) obj {
	out := obj{"type": "message", "ts": m.TS, "text": m.Text, "team": s.cfg.Team.ID, "user": m.User}
	if m.Bot {
		out["bot_id"], out["app_id"] = s.cfg.Bot.BotID, s.cfg.Bot.AppID
	}
	if len(m.Blocks) > 0 {
		out["blocks"] = m.Blocks
	}
	if len(m.Attachments) > 0 {
		out["attachments"] = m.Attachments
	}
	if len(m.Files) > 0 {
		out["files"] = filePayload(m.Files)
	}
	if m.EditedTS != "" && len(m.Blocks) == 0 { // messages with blocks get no "(edited)"
		out["edited"] = obj{"user": m.User, "ts": m.EditedTS}
	}
	if m.Thread != "" {
		out["thread_ts"] = m.Thread
		if root := c.find(m.Thread); root != nil {
			out["parent_user_id"] = root.User
		}
	}
	if m.Broadcast {
		out["subtype"] = "thread_broadcast"
	}
	s.threadInfo(c, m, out)
	return out
}

func (s *Server) threadInfo(c *channelLog, m *message, out obj) {
	if m.Thread != "" || m.For != "" {
		return
	}
	replies := c.thread(m.TS)
	if len(replies) < 2 {
		return
	}
	var by []string
	for _, r := range replies[1:] {
		if !slices.Contains(by, r.User) {
			by = append(by, r.User)
		}
	}
	out["thread_ts"] = m.TS
	out["reply_count"] = len(replies) - 1
	out["reply_users"] = by
	out["reply_users_count"] = len(by)
	out["latest_reply"] = replies[len(replies)-1].TS
}

// permalink returns the address of a message in Slack.
func (s *Server) permalink(c *channelLog, m *message) string {
	link := "https://" + s.cfg.Team.Domain + ".slack.com/archives/" + c.ID + "/p" + strings.ReplaceAll(m.TS, ".", "")
	if m.Thread != "" {
		link += "?thread_ts=" + m.Thread + "&cid=" + c.ID
	}
	return link
}
