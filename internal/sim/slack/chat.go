package slack

import (
	"bytes"
	"encoding/json"
	"slices"
	"unicode/utf8"

	"github.com/tfpilot/tfpilot/internal/sim/slack/blockkit"
)

const (
	maxPostText    = 40_000 // longer text is cut
	maxUpdateText  = 4_000  // longer text is refused
	maxBlockText   = 10_000 // in all blocks together; Slack documents no limit, but refuses text from about 11,000 on
	maxAttachments = 100
	maxMetadata    = 16_000
)

// messageContent is the content of a message.
type messageContent struct {
	text        string
	blocks      []any
	attachments []any
	metadata    any
	files       []file
	broadcast   bool // a reply that is also shown in the channel
	hasText     bool // the text was sent, maybe empty
	hasBlocks   bool
	hasRest     bool // attachments
}

// content parses and checks the content of a call.
func (s *Server) content(a arguments) (messageContent, error) {
	c := messageContent{
		text: a.str("text"), broadcast: a.flag("reply_broadcast"),
		hasText: a.has("text"), hasBlocks: a.has("blocks"), hasRest: a.has("attachments"),
	}
	var err error
	if c.hasBlocks {
		if c.blocks, err = s.blocks(a.raw("blocks")); err != nil {
			return c, err
		}
	}
	if c.hasRest {
		if c.attachments, err = array(a.raw("attachments")); err != nil {
			return c, refuse("invalid_attachments")
		}
		if len(c.attachments) > maxAttachments {
			return c, refuse("too_many_attachments")
		}
	}
	if a.has("metadata") {
		if c.metadata, err = metadata(a.raw("metadata")); err != nil {
			return c, err
		}
	}
	return c, nil
}

// blocks checks the blocks of a message and adds missing ids.
func (s *Server) blocks(raw []byte) ([]any, error) {
	blocks, err := array(raw)
	if err != nil {
		return nil, refuse("invalid_blocks_format")
	}
	if problems := blockkit.Message(raw); len(problems) > 0 {
		return nil, refuse("invalid_blocks", problemTexts(problems)...)
	}
	s.nameBlocks(blocks)
	return blocks, nil
}

func problemTexts(problems []blockkit.Problem) []string {
	out := make([]string, len(problems))
	for i, p := range problems {
		out[i] = p.String()
	}
	return out
}

func array(raw []byte) ([]any, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, nil
	}
	var out []any
	err := decoder(raw).Decode(&out)
	return out, err
}

func metadata(raw []byte) (any, error) {
	if len(raw) > maxMetadata {
		return nil, refuse("metadata_too_large")
	}
	var m struct {
		Type    string         `json:"event_type"`
		Payload map[string]any `json:"event_payload"`
	}
	if json.Unmarshal(raw, &m) != nil {
		return nil, refuse("invalid_metadata_format")
	}
	if m.Type == "" && m.Payload == nil {
		return nil, nil // an empty object, as clients send it
	}
	if m.Type == "" || m.Payload == nil {
		return nil, refuse("invalid_metadata_schema")
	}
	return obj{"event_type": m.Type, "event_payload": m.Payload}, nil
}

func (c messageContent) empty() bool {
	return c.text == "" && len(c.blocks) == 0 && len(c.attachments) == 0
}

// message is content for a method of the Web API, which accepts less text in blocks than a
// response_url.
func (s *Server) message(a arguments) (messageContent, error) {
	c, err := s.content(a)
	if err == nil && textIn(c.blocks) > maxBlockText {
		err = refuse("msg_blocks_too_long")
	}
	return c, err
}

// textIn counts the characters of every text in blocks.
func textIn(v any) int {
	n := 0
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			n += textIn(one)
		}
	case obj:
		for name, one := range v {
			if words, isText := one.(string); isText && (name == "text" || name == "title") {
				n += utf8.RuneCountInString(words)
			} else {
				n += textIn(one)
			}
		}
	}
	return n
}

// place returns where a call may post: a channel that the app has joined, or the DM of a person.
func (s *Server) place(id string) (*channelLog, error) {
	if u := s.user(id); u != nil {
		if u.Deleted {
			return nil, refuse("channel_not_found")
		}
		return s.dm(id), nil
	}
	c := s.channelByID(id)
	switch {
	case c == nil:
		return nil, refuse("channel_not_found")
	case c.Archived:
		return nil, refuse("is_archived")
	case !c.HasBot && c.Private:
		return nil, refuse("channel_not_found")
	case !c.HasBot && !s.granted("chat:write.public"):
		return nil, refuse("not_in_channel")
	}
	return c, nil
}

func (s *Server) postMessage(a arguments) (obj, error) {
	if err := a.need("channel"); err != nil {
		return nil, err
	}
	body, err := s.message(a)
	if err != nil {
		return nil, err
	}
	c, err := s.place(a.str("channel"))
	if err != nil {
		return nil, err
	}
	if body.empty() {
		return nil, refuse("no_text")
	}
	m := s.post(c, s.cfg.Bot.UserID, c.root(a.str("thread_ts")), body)
	return obj{"channel": c.ID, "ts": m.TS, "message": s.payload(c, m)}, nil
}

// post adds a message and notifies the listeners. A reply to an unknown thread becomes a message of
// the channel, as in Slack.
func (s *Server) post(c *channelLog, by, thread string, body messageContent) *message {
	m := &message{
		TS: s.ts(), Thread: thread, User: by, Bot: by == s.cfg.Bot.UserID, Text: cut(body.text, maxPostText),
		Blocks: body.blocks, Attachments: body.attachments, Metadata: body.metadata, Files: body.files,
		Broadcast: thread != "" && body.broadcast,
	}
	c.add(m)
	if m.Bot {
		delete(s.status, c.ID)
		s.counts.Posts[c.ID]++
		if thread == "" {
			s.counts.TopLevel[c.ID]++
		}
	}
	s.announce(c, m)
	s.touch()
	return m
}

func cut(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most])
}

func (s *Server) updateMessage(a arguments) (obj, error) {
	if err := a.need("channel", "ts"); err != nil {
		return nil, err
	}
	body, err := s.message(a)
	if err != nil {
		return nil, err
	}
	c, m, err := s.ownMessage(a, "cant_update_message")
	switch {
	case err != nil:
		return nil, err
	case c.Archived:
		return nil, refuse("is_archived")
	case utf8.RuneCountInString(body.text) > maxUpdateText:
		return nil, refuse("msg_too_long")
	case body.empty() && (body.hasText || body.hasBlocks || body.metadata == nil):
		return nil, refuse("no_text")
	}
	s.rewrite(c, m, body)
	return obj{"channel": c.ID, "ts": m.TS, "text": m.Text, "message": s.payload(c, m)}, nil
}

// ownMessage returns the message that a call names, which must belong to the app.
func (s *Server) ownMessage(a arguments, otherwise string) (*channelLog, *message, error) {
	c := s.channelByID(a.str("channel"))
	if c == nil {
		return nil, nil, refuse("channel_not_found")
	}
	m := c.find(a.str("ts"))
	switch {
	case m == nil:
		return nil, nil, refuse("message_not_found")
	case !m.Bot:
		return nil, nil, refuse(otherwise)
	}
	return c, m, nil
}

// rewrite edits a message. Text without blocks removes the blocks; other fields that are not named
// stay.
func (s *Server) rewrite(c *channelLog, m *message, body messageContent) {
	before := s.payload(c, m)
	if !body.hasText && !body.hasBlocks {
		body.text, body.blocks = m.Text, m.Blocks
	}
	m.edit(s.ts(), body.text, body.blocks)
	if body.hasRest {
		m.Attachments = body.attachments
	}
	if body.metadata != nil {
		m.Metadata = body.metadata
	}
	s.counts.Updates[c.ID+" "+m.TS]++
	s.announceChange(c, m, before)
	s.touch()
}

func (s *Server) deleteMessage(a arguments) (obj, error) {
	if err := a.need("channel", "ts"); err != nil {
		return nil, err
	}
	c, m, err := s.ownMessage(a, "cant_delete_message")
	if err != nil {
		return nil, err
	}
	s.remove(c, m)
	return obj{"channel": c.ID, "ts": m.TS}, nil
}

// remove deletes a message. A root with replies becomes a tombstone.
func (s *Server) remove(c *channelLog, m *message) {
	if len(c.thread(m.TS)) > 1 {
		m.Deleted, m.Text, m.Blocks, m.Attachments = true, "This message was deleted.", nil, nil
	} else {
		c.Messages = slices.DeleteFunc(c.Messages, func(o *message) bool { return o == m })
	}
	s.touch()
}

func (s *Server) postEphemeral(a arguments) (obj, error) {
	if err := a.need("channel", "user"); err != nil {
		return nil, err
	}
	body, err := s.message(a)
	if err != nil {
		return nil, err
	}
	c, err := s.place(a.str("channel"))
	if err != nil {
		return nil, err
	}
	user := a.str("user")
	switch {
	case s.user(user) == nil:
		return nil, refuse("user_not_found")
	case !slices.Contains(c.Members, user):
		return nil, refuse("user_not_in_channel")
	case body.empty():
		return nil, refuse("no_text")
	}
	m := s.showOnlyTo(c, user, c.root(a.str("thread_ts")), body)
	return obj{"message_ts": m.TS}, nil
}

// showOnlyTo shows a message to one person.
func (s *Server) showOnlyTo(c *channelLog, user, thread string, body messageContent) *message {
	m := &message{
		TS: s.ts(), Thread: thread, User: s.cfg.Bot.UserID, Bot: true, Text: cut(body.text, maxPostText),
		Blocks: body.blocks, Attachments: body.attachments, For: user,
	}
	c.addEphemeral(m)
	s.counts.Ephemerals[c.ID+" "+user]++
	s.touch()
	return m
}

func (s *Server) setStatus(a arguments) (obj, error) {
	if err := a.need("channel_id", "thread_ts"); err != nil {
		return nil, err
	}
	c := s.channelByID(a.str("channel_id"))
	if c == nil {
		return nil, refuse("channel_not_found")
	}
	s.status[c.ID] = a.str("status")
	s.touch()
	return nil, nil
}
