package slack

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// manifest is the part of an app manifest that decides what the app may do.
type manifest struct {
	Features struct {
		AppHome struct {
			Home     bool `yaml:"home_tab_enabled"`
			Messages bool `yaml:"messages_tab_enabled"`
			ReadOnly bool `yaml:"messages_tab_read_only_enabled"`
		} `yaml:"app_home"`
		Commands  []slashCommand `yaml:"slash_commands"`
		Shortcuts []shortcut     `yaml:"shortcuts"`
	} `yaml:"features"`
	OAuth struct {
		Scopes struct {
			Bot      []string `yaml:"bot"`
			Optional []string `yaml:"bot_optional"`
		} `yaml:"scopes"`
	} `yaml:"oauth_config"`
	Settings struct {
		Events struct {
			Bot []string `yaml:"bot_events"`
		} `yaml:"event_subscriptions"`
		Interactivity struct {
			Enabled bool `yaml:"is_enabled"`
		} `yaml:"interactivity"`
		SocketMode bool `yaml:"socket_mode_enabled"`
	} `yaml:"settings"`
}

type slashCommand struct {
	Command     string `yaml:"command" json:"command"`
	Description string `yaml:"description" json:"description,omitempty"`
	UsageHint   string `yaml:"usage_hint" json:"usageHint,omitempty"`
	Escape      bool   `yaml:"should_escape" json:"-"`
}

func parseManifest(raw []byte) (manifest, error) {
	var m manifest
	err := yaml.Unmarshal(raw, &m)
	return m, err
}

func (m manifest) subscribed(event string) bool {
	return slices.Contains(m.Settings.Events.Bot, event)
}

func (m manifest) command(name string) (slashCommand, bool) {
	for _, c := range m.Features.Commands {
		if c.Command == name {
			return c, true
		}
	}
	return slashCommand{}, false
}

// scopes lists the scopes of the bot token.
func (s *Server) scopes() []string {
	granted := s.manifest.OAuth.Scopes.Bot
	if s.cfg.GrantOptional {
		granted = append(slices.Clone(granted), s.manifest.OAuth.Scopes.Optional...)
	}
	return granted
}

func (s *Server) granted(scope string) bool { return slices.Contains(s.scopes(), scope) }

// allowed reports whether one of the scopes is granted. An empty list requires none.
func (s *Server) allowed(anyOf []string) bool {
	return len(anyOf) == 0 || slices.ContainsFunc(anyOf, s.granted)
}

func (s *Server) provided() string { return strings.Join(s.scopes(), ",") }
