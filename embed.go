// Package tfpilot holds what the repository's root gives to the binary: the Slack
// app's manifest.
package tfpilot

import _ "embed"

// SlackManifest is slack-manifest.yaml.
//
//go:embed slack-manifest.yaml
var SlackManifest []byte
