package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/testing/golden"
)

func TestDocs(t *testing.T) {
	golden.Check(t, filepath.Join("..", "..", "docs", "CONFIGURATION.md"), page())
}

// page is docs/CONFIGURATION.md, made from the tables that are read by.
func page() string {
	var b strings.Builder
	b.WriteString(intro)
	group := ""
	for _, v := range Variables() {
		if v.Group != group {
			group = v.Group
			fmt.Fprintf(&b, "\n### %s\n\n| Variable | Needed by | Default | What |\n|---|---|---|---|\n", group)
		}
		fmt.Fprintf(&b, "| `%s`%s | %s | %s | %s |\n", v.Name, mark(v.Secret, " (secret)"), needed(v), code(v.Default),
			v.Help)
	}
	b.WriteString(structurePage)
	b.WriteString("| Key | Kind | Default | What |\n|---|---|---|---|\n")
	for _, k := range Keys() {
		fmt.Fprintf(&b, "| `%s` | %s%s | %s | %s |\n", k.Path, k.Kind, mark(k.Required, ", required"),
			strings.NewReplacer("<", "`<", ">", ">`").Replace(k.Default), k.Help)
	}
	return b.String()
}

func mark(on bool, text string) string {
	if on {
		return text
	}
	return ""
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

func needed(v Variable) string {
	var list []string
	for _, p := range []Process{App, Worker, CLI, Bootstrap} {
		if slices.Contains(v.Needed, p) {
			list = append(list, string(p))
		}
	}
	return strings.Join(list, ", ")
}

const intro = `# Configuration

This page is written by ` + "`go test ./internal/config -update`" + ` from the tables that the settings are read by (` + "`internal/config`" + `).

Secrets and addresses come from environment variables, structure from ` + "`tfpilot.yaml`" + `. Both are read once when a process starts. Everything that is
wrong is reported together, each fault with its key and what to do, and the process does not start. What is allowed but probably not meant (a prod list
that is empty, for example) is said as a warning.

## Environment variables

Each variable can also be read from a file: set ` + "`NAME_FILE`" + ` to its path. Setting both is a fault. An empty variable counts as not set. Lists hold
GitHub logins, separated by commas, compared without case; see [RBAC.md](RBAC.md) for the permissions.
"cli" are the commands ` + "`tfpilot requests …`, `environments …`, `identities …` and `reindex`; `tfpilot doctor`" + ` needs whatever app or worker needs.
`

const structurePage = `
## tfpilot.yaml

` + "`TFPILOT_CONFIG`" + ` names the file. A key that is not in this table is a fault, named with its line. YAML anchors, aliases and tags are not accepted.
[tfpilot.example.yaml](../tfpilot.example.yaml) has every key with a comment.

`
