package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func TestSecretShowsNothing(t *testing.T) {
	type inside struct {
		Named  Secret
		hidden Secret
	}
	v := inside{NewSecret("canary"), NewSecret("canary")}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+" "+verb+"\n", v, v.Named)
	}
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	text, err := yaml.Marshal(map[string]any{"secret": v.Named})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(data)
	out.Write(text)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", v.Named, "struct", v, "error",
		errors.Join(fmt.Errorf("%v", v)))
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", v.Named, "struct", v)
	all := out.String() + log.String()
	if strings.Contains(all, "canary") || strings.Contains(all, fmt.Sprintf("%x", "canary")) {
		t.Errorf("a secret is shown:\n%s", all)
	}
	if v.hidden.Reveal() != "canary" || !v.Named.Set() || NewSecret("").Set() || NewSecret("").String() != "" {
		t.Error("a secret lost its value")
	}
}
