// Package release owns what the release of a version is called: its version, and the assets that workflow runs
// download.
package release

import (
	"regexp"
	"runtime"
	"runtime/debug"
)

// Dev is the version of a build that is not a release. The release build sets another one in each main
// package.
const Dev = "0.1.0-dev"

var published = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+$`)

// Published returns the version, or "" if it is not a release that runs can download.
func Published(version string) string {
	if published.MatchString(version) {
		return version
	}
	return ""
}

// Asset is the name of the program of workflow runs in a release, for this machine. GitHub's names of the
// system and the processor are the ones that a runner knows.
func Asset(version string) string {
	system := map[string]string{"linux": "Linux", "darwin": "macOS"}[runtime.GOOS]
	processor := map[string]string{"amd64": "X64", "arm64": "ARM64"}[runtime.GOARCH]
	return "tfpilot-ci_" + version + "_" + system + "_" + processor
}

// Commit returns the first 12 digits of the commit, or "" if the build does not record it.
func Commit() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				return s.Value[:12]
			}
		}
	}
	return ""
}
