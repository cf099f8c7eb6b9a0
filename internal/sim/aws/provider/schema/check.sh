#!/bin/sh
# Compares facts.json with its published package: downloads the pinned version with npm,
# checks its integrity, and extracts the facts again.
#   check.sh           fails if the facts differ
#   check.sh -write    writes facts.json again (after changing the pin in gen)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$here"
go build -o "$tmp/gen" ./gen
npm pack --silent --ignore-scripts --pack-destination "$tmp" "$("$tmp/gen" -pinned)" >/dev/null
if [ "${1:-}" = "-write" ]; then
	"$tmp/gen" -tarball "$tmp"/*.tgz -out facts.json
else
	"$tmp/gen" -tarball "$tmp"/*.tgz -check facts.json
	echo "facts.json matches $("$tmp/gen" -pinned)"
fi
