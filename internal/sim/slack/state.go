package slack

import (
	"maps"
	"slices"
)

// State is the workspace as one person sees it.
type State struct {
	Team     TeamState      `json:"team"`
	User     string         `json:"user"`
	Bot      BotState       `json:"bot"`
	Sockets  int            `json:"sockets"` // number of the app's connections
	Users    []UserState    `json:"users"`
	Channels []ChannelState `json:"channels"` // the person's DM with the app last
	Views    []ViewState    `json:"views"`    // open modals, the top one last
	Home     *ViewState     `json:"home"`
	Pending  []*Pending     `json:"pending"`
	Notices  []Notice       `json:"notices"`
	Commands []slashCommand `json:"commands"`
	Counts   Counts         `json:"counts"`
}

// TeamState is the workspace in a State.
type TeamState struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Domain string `json:"domain"`
}

// BotState is the app in a State.
type BotState struct {
	UserID string `json:"userId"`
	BotID  string `json:"botId"`
	AppID  string `json:"appId"`
	Name   string `json:"name"`
	Home   bool   `json:"home"` // has a Home tab
	DM     bool   `json:"dm"`   // accepts direct messages
}

// UserState is a person in a State.
type UserState struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	RealName string `json:"realName"`
	Email    string `json:"email,omitempty"`
	Deleted  bool   `json:"deleted,omitempty"`
}

// ChannelState is a channel or DM in a State.
type ChannelState struct {
	ID         string         `json:"id"`
	Name       string         `json:"name"` // of a DM the app's
	Kind       string         `json:"kind"` // channel, private or im
	User       string         `json:"user,omitempty"`
	Member     bool           `json:"member"`
	Archived   bool           `json:"archived,omitempty"`
	Status     string         `json:"status,omitempty"` // "is thinking…"
	Messages   []MessageState `json:"messages"`         // top level, oldest first, threads inside
	Ephemerals []MessageState `json:"ephemerals"`
}

// MessageState is a message in a State.
type MessageState struct {
	TS         string         `json:"ts"`
	Channel    string         `json:"channel"`
	Thread     string         `json:"thread,omitempty"`
	User       string         `json:"user"`
	Name       string         `json:"name"`
	Bot        bool           `json:"bot"`
	Text       string         `json:"text"`
	Blocks     []any          `json:"blocks,omitempty"`
	Attach     []any          `json:"attachments,omitempty"`
	Files      []FileState    `json:"files,omitempty"`
	Metadata   any            `json:"metadata,omitempty"`
	Edited     bool           `json:"edited"` // as people see it
	Edits      int            `json:"edits"`
	Broadcast  bool           `json:"broadcast,omitempty"`
	Deleted    bool           `json:"deleted,omitempty"`
	Ephemeral  bool           `json:"ephemeral,omitempty"`
	Permalink  string         `json:"permalink,omitempty"`
	ReplyCount int            `json:"replyCount"`
	Replies    []MessageState `json:"replies,omitempty"`
}

// ViewState is an open modal or the Home in a State.
type ViewState struct {
	ID         string                    `json:"id"`
	Hash       string                    `json:"hash"`
	Type       string                    `json:"type"`
	Title      any                       `json:"title,omitempty"`
	Submit     any                       `json:"submit,omitempty"`
	Close      any                       `json:"close,omitempty"`
	CallbackID string                    `json:"callbackId,omitempty"`
	Previous   string                    `json:"previous,omitempty"`
	Blocks     []any                     `json:"blocks"`
	Values     map[string]map[string]obj `json:"values"` // as in view.state.values
	Errors     map[string]string         `json:"errors,omitempty"`
	Note       string                    `json:"note,omitempty"`
	Sending    bool                      `json:"sending"`
}

// State returns the workspace as a person sees it.
func (s *Server) State(user string) (State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.person(user)
	if err != nil {
		return State{}, err
	}
	home := s.manifest.Features.AppHome
	out := State{
		Team: TeamState{s.cfg.Team.ID, s.cfg.Team.Name, s.cfg.Team.Domain}, User: u.ID,
		Bot: BotState{
			UserID: s.cfg.Bot.UserID, BotID: s.cfg.Bot.BotID, AppID: s.cfg.Bot.AppID, Name: s.cfg.Bot.Name,
			Home: home.Home, DM: home.Messages && !home.ReadOnly,
		},
		Sockets: len(s.sockets), Views: s.viewStates(u.ID), Commands: s.manifest.Features.Commands,
		Pending: slices.Concat([]*Pending{}, s.pending[u.ID]), Notices: slices.Concat([]Notice{}, s.notices[u.ID]),
		Counts: s.counts.clone(),
	}
	for _, o := range s.users {
		out.Users = append(out.Users, UserState(o))
	}
	if v := s.homes[u.ID]; v != nil {
		state := viewState(v)
		out.Home = &state
	}
	out.Channels = s.channelStates(u)
	return out, nil
}

func (s *Server) channelStates(u *User) []ChannelState {
	s.dm(u.ID)
	var out, dm []ChannelState
	for _, c := range s.channels {
		switch {
		case c.IM == u.ID:
			dm = append(dm, s.channelState(c, u))
		case c.IM == "" && (!c.Private || slices.Contains(c.Members, u.ID)):
			out = append(out, s.channelState(c, u))
		}
	}
	return append(out, dm...)
}

func (s *Server) channelState(c *channelLog, u *User) ChannelState {
	out := ChannelState{
		ID: c.ID, Name: c.Name, Kind: "channel", Member: slices.Contains(c.Members, u.ID), Archived: c.Archived,
		Status: s.status[c.ID], Messages: []MessageState{}, Ephemerals: []MessageState{},
	}
	switch {
	case c.IM != "":
		out.Kind, out.Name, out.User = "im", s.cfg.Bot.Name, c.IM
	case c.Private:
		out.Kind = "private"
	}
	replies := map[string][]MessageState{}
	for _, m := range c.Messages {
		if m.Thread != "" && !m.Deleted {
			replies[m.Thread] = append(replies[m.Thread], s.messageState(c, m))
		}
	}
	for _, m := range c.Messages {
		if m.Thread != "" {
			continue
		}
		state := s.messageState(c, m)
		state.Replies, state.ReplyCount = replies[m.TS], len(replies[m.TS])
		out.Messages = append(out.Messages, state)
	}
	for _, m := range c.Ephemerals {
		if m.For == u.ID {
			out.Ephemerals = append(out.Ephemerals, s.messageState(c, m))
		}
	}
	return out
}

// messageState copies what may change. Blocks are replaced as a whole and never changed.
func (s *Server) messageState(c *channelLog, m *message) MessageState {
	out := MessageState{
		TS: m.TS, Channel: c.ID, Thread: m.Thread, User: m.User, Name: s.nameOf(m.User), Bot: m.Bot, Text: m.Text,
		Blocks: m.Blocks, Attach: m.Attachments, Metadata: m.Metadata, Edited: m.EditedTS != "" && len(m.Blocks) == 0,
		Edits: m.Edits, Broadcast: m.Broadcast, Deleted: m.Deleted, Ephemeral: m.For != "",
		Files: s.fileStates(m.Files),
	}
	if m.For == "" {
		out.Permalink = s.permalink(c, m)
	}
	return out
}

func (s *Server) nameOf(id string) string {
	if id == s.cfg.Bot.UserID {
		return s.cfg.Bot.Name
	}
	if u := s.user(id); u != nil {
		return u.Name
	}
	return "slackbot"
}

func (s *Server) viewStates(user string) []ViewState {
	out := []ViewState{}
	for _, v := range s.stacks[user] {
		out = append(out, viewState(v))
	}
	return out
}

func viewState(v *openView) ViewState {
	return ViewState{
		ID: v.ID, Hash: v.Hash, Type: textOf(v.Body["type"]), Title: v.Body["title"], Submit: v.Body["submit"],
		Close: v.Body["close"], CallbackID: textOf(v.Body["callback_id"]), Previous: v.Previous, Blocks: v.blocks(),
		Values: v.values(), Errors: maps.Clone(v.errors), Note: v.note, Sending: v.sending,
	}
}
