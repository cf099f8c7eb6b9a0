package config

import "log/slog"

const redacted = "[redacted]"

// Secret is a value that no log, error or JSON shows. It sits behind a pointer, so
// that printing a struct around it with any verb prints an address at most.
type Secret struct{ value *string }

// NewSecret makes a secret of s; the empty string makes one that is not set.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{&s}
}

// Reveal gives the value, for the one place that needs it.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Set says whether there is a value.
func (s Secret) Set() bool { return s.value != nil }

func (s Secret) String() string {
	if s.value == nil {
		return ""
	}
	return redacted
}

// GoString keeps %#v from showing more than %v.
func (s Secret) GoString() string { return "config.Secret(" + s.String() + ")" }

// LogValue is what slog shows.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is what JSON, YAML and flags show.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON is said explicitly, so that no embedding changes it.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }
