// Package templates holds everything that TfPilot generates from, compiled into the binary: Terraform modules with their
// forms (modules/), the root of an environment (environment/) and the workflows of an infra repository (workflows/).
// It only carries the files; internal/catalog reads the modules, internal/terraform writes what uses them.
package templates

import "embed"

// FS holds the shipped templates.
//
//go:embed all:modules workflows environment
var FS embed.FS
