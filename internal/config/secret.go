package config

import "log/slog"

const redacted = "[redacted]"

// Secret is a value that never appears in logs, errors or JSON. It is a pointer, so that
// printing a struct that contains it prints at most an address.
type Secret struct{ value *string }

// NewSecret makes a secret of s; the empty string makes one that is not set.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{&s}
}

// Reveal returns the value, for the code that needs it.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Set reports whether the secret has a value.
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

// MarshalJSON is explicit, so that embedding cannot change it.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }
