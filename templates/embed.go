// Package templates embeds the files that TfPilot ships: Terraform modules and their forms (modules/),
// the root of an environment (environment/) and the workflows of an infra repository (workflows/).
// It owns the files and no logic. internal/catalog reads the modules, and internal/terraform renders
// the code that calls them.
package templates

import "embed"

// FS holds the shipped templates.
//
//go:embed all:modules workflows environment
var FS embed.FS
