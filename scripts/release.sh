#!/usr/bin/env bash
# Builds the assets of a release: each program for each platform, named after GitHub's terms for the
# system and processor of a runner; a list of what each one is made of (CycloneDX); and SHA256SUMS of
# all of them.
#
#   scripts/release.sh VERSION DIRECTORY
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

[ $# = 2 ] || { echo "usage: scripts/release.sh VERSION DIRECTORY" >&2; exit 2; }
version=$1
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || { echo "$version is not a version such as 1.2.3" >&2; exit 2; }
mkdir -p "$2"
out=$(cd "$2" && pwd)
sbom=$(go tool -modfile=tools/go.mod -n cyclonedx-gomod)

# build GOOS GOARCH NAME
build() {
	local program asset
	for program in tfpilot tfpilot-ci; do
		asset=$out/${program}_${version}_$3
		CGO_ENABLED=0 GOOS=$1 GOARCH=$2 go build -trimpath -ldflags "-s -w -X main.version=$version" -o "$asset" "./cmd/$program"
		"$sbom" bin -json -std -noserial -version "v$version" -output "$asset.cdx.json" "$asset"
	done
}

build linux amd64 Linux_X64
build linux arm64 Linux_ARM64
build darwin arm64 macOS_ARM64
cd "$out"
sha256sum tfpilot* > SHA256SUMS
cat SHA256SUMS
