#!/usr/bin/env bash
# Runs all checks. People and CI run the same command.
#
#   scripts/test.sh            every step
#   scripts/test.sh NAME …     only these steps
#   scripts/test.sh list       list the steps
#
# On Debian, as root or with sudo, it installs missing tools. Elsewhere a missing tool
# fails the step, with the name of what to install. A step that could not run is
# reported, when it is reached and at the end.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export GOFLAGS="${GOFLAGS:-} -mod=readonly"
export CHECKPOINT_DISABLE=1

steps=(format vet static vulnerable unit race workflows manifests schema journeys build)
journeys='^(TestDemo|TestEveryCallCanGoWrong)' # the tests of the step journeys
not_run=77 # exit code of a step that could not run

say() { printf '%s\n' "$@"; }
die() { say "$*" >&2; exit 1; }

# Setup -----------------------------------------------------------------------

installed_lists=no

# install PACKAGE … installs Debian packages, or fails.
install() {
	command -v apt-get > /dev/null || return 1
	local as=()
	if [ "$(id -u)" != 0 ]; then
		sudo -n true 2> /dev/null || return 1
		as=(sudo -n)
	fi
	if [ "$installed_lists" = no ]; then
		"${as[@]}" apt-get update -qq < /dev/null || return 1
		installed_lists=yes
	fi
	"${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" < /dev/null > /dev/null
}

# have a|b checks whether one of the commands exists.
have() {
	local command
	for command in ${1//|/ }; do
		command -v "$command" > /dev/null && return 0
	done
	return 1
}

# need WHAT COMMANDS PACKAGE … requires one of the commands (a|b), and installs the packages if none exists.
need() {
	local what=$1 commands=$2
	shift 2
	have "$commands" && return 0
	say "installing $* ($what)"
	install "$@" && have "$commands" && return 0
	die "$what is missing: install ${commands//|/ or } (Debian: apt-get install $*), or run this as root"
}

setup() {
	need "git" git git
	command -v go > /dev/null || die "Go is missing: install the version in go.mod or newer from https://go.dev/dl"
	go version
}

# in_tools runs a command in the tools module.
in_tools() { (cd tools && GOWORK=off "$@"); }

# tool NAME prints the path of a tool that tools/go.mod pins, and builds it the first time.
tool() { go tool -modfile=tools/go.mod -n "$1"; }

# terraform_on_path adds the sandbox's Terraform to PATH for the tests.
terraform_on_path() {
	local terraform
	terraform=$(go run ./internal/sandbox/toolchain/where terraform)
	PATH="$(dirname "$terraform"):$PATH"
	export PATH
}

# Steps -----------------------------------------------------------------------

# format: gofmt changes nothing.
format() {
	local wrong
	wrong=$(gofmt -l .)
	[ -z "$wrong" ] || { say "not formatted, run gofmt -w:" "$wrong"; return 1; }
}

# vet: go vet, for the product and the tools.
vet() {
	go vet ./...
	in_tools go vet ./...
}

# static: staticcheck.
static() {
	local staticcheck
	staticcheck=$(tool staticcheck)
	"$staticcheck" ./...
	in_tools "$staticcheck" ./...
}

# vulnerable: govulncheck, if its database is reachable.
vulnerable() {
	local govulncheck empty out
	govulncheck=$(tool govulncheck)
	empty=$scratch/empty
	mkdir "$empty"
	printf 'module empty\n\ngo 1.26\n' > "$empty/go.mod"
	printf 'package main\n\nfunc main() {}\n' > "$empty/main.go"
	if ! out=$(cd "$empty" && GOWORK=off GOFLAGS= timeout 60 "$govulncheck" ./... 2>&1); then
		say "$out" "The vulnerability database is not reachable."
		exit "$not_run"
	fi
	"$govulncheck" ./...
}

# build: all programs for all release platforms, without cgo. What a workflow run downloads stays small.
build() {
	local platform program size most=$((20 * 1000 * 1000))
	for platform in linux/amd64 linux/arm64 darwin/arm64; do
		say "building for $platform"
		for program in tfpilot tfpilot-ci sandbox; do
			CGO_ENABLED=0 GOOS=${platform%/*} GOARCH=${platform#*/} go build -trimpath -ldflags "-s -w" -o "$scratch/$program" "./cmd/$program"
		done
		size=$(wc -c < "$scratch/tfpilot-ci")
		say "tfpilot-ci has $size bytes"
		[ "$size" -le "$most" ] || { say "tfpilot-ci has more than $most bytes: each workflow run downloads it"; return 1; }
	done
}

# unit: all tests except the journeys, including the tests of pages in a browser.
unit() {
	need "a browser for the tests of the pages" "chromium|chromium-browser|google-chrome" chromium
	terraform_on_path
	# The slowest packages run first, so that none of them runs alone at the end.
	go test -vet=off -p 2 -timeout 40m -skip "$journeys" ./worker ./cmd/sandbox ./cmd/tfpilot ./internal/ci ./...
	in_tools go test ./...
}

# race: the race detector, on packages that share memory and on the worker's concurrent stories.
race() {
	need "a C compiler for the race detector" "gcc|clang|cc" gcc libc6-dev
	local stories='^(TestJourney|TestRandomSchedules|TestWebhooksInDisorder|TestAppliesTakeTurns|TestManyRequestsAtOnce|TestEveryCallCanGoWrong)$'
	# One processor for each test binary: timers of a testing/synctest bubble share one
	# context of the race detector, which sometimes crashes when two threads use it
	# (golang/go#78156). The results do not depend on the number of processors.
	local flags=(-race -short -vet=off -cpu 1 -parallel 2 -timeout 40m) worker=0 others=0
	export CGO_ENABLED=1
	go test "${flags[@]}" -run "$stories" ./worker > "$scratch/worker" 2>&1 &
	go test "${flags[@]}" -p 1 ./internal/{github,intake,queue,store,web} ./internal/sim/{actions,aws,github,openai,s3,slack} ./slackapp || others=$?
	wait "$!" || worker=$?
	cat "$scratch/worker"
	[ "$worker" = 0 ] && [ "$others" = 0 ]
}

# workflows: actionlint, for the workflows of infra repositories and our own.
workflows() {
	local actionlint
	actionlint=$(tool actionlint)
	# bootstrap replaces the label of the runner
	"$actionlint" -shellcheck= -pyflakes= -ignore 'label "@runner@" is unknown' templates/workflows/*.yml .github/workflows/*.yml
}

# manifests: kustomize renders them, and each object matches its schema.
manifests() {
	local kustomize dir
	kustomize=$(tool kustomize)
	for dir in manifests/overlays/*; do
		say "rendering $dir"
		"$kustomize" build "$dir" | in_tools go run ./manifestcheck
	done
}

# schema: the facts of the sandbox's provider match the published package.
schema() {
	need "npm, which fetches the published schema" npm npm
	internal/sim/aws/provider/schema/check.sh
}

# journeys: the demo (in one process, with a killed process, without wake-ups, with a broken workflow) and the crash matrix.
journeys() {
	terraform_on_path
	# The demos mostly wait for Slack's rate limits, so they run at once, and the matrix adds no time.
	go test -vet=off -parallel 4 -timeout 30m -run "$journeys" ./cmd/sandbox ./worker
}

# Running ---------------------------------------------------------------------

# what NAME prints the description of a step.
what() { sed -n "s/^# $1: //p" "${BASH_SOURCE[0]}"; }

# one NAME runs a step in this process. Any failure ends it.
one() {
	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch"' EXIT
	"$1"
}

# all NAME … runs steps one after the other, also after a failure. The journeys mostly
# wait for Slack's rate limits, so the build runs in parallel.
all() {
	local name start status beside='' log passed=0 failed=() unrun=()
	log=$(mktemp)
	for name in "$@"; do
		if [[ $name = journeys && " $* " == *" build "* ]]; then
			nice bash "${BASH_SOURCE[0]}" one build > "$log" 2>&1 &
			beside=$!
			trap 'kill "$beside" 2> /dev/null || true' EXIT
		fi
		start=$SECONDS status=0
		say "" "== $name: $(what "$name")"
		if [[ $name = build && -n $beside ]]; then
			wait "$beside" || status=$?
			trap - EXIT
			cat "$log"
		else
			bash "${BASH_SOURCE[0]}" one "$name" || status=$?
		fi
		case $status in
			0) passed=$((passed + 1)) && say "-- $name: ok, $((SECONDS - start)) s" ;;
			"$not_run") unrun+=("$name") && say "-- $name: NOT RUN" ;;
			*) failed+=("$name") && say "-- $name: FAILED after $((SECONDS - start)) s" ;;
		esac
	done
	rm -f "$log"
	say "" "${#unrun[@]} steps were not run: ${unrun[*]:-none}" "${#failed[@]} steps failed: ${failed[*]:-none}" "$passed passed, ${#failed[@]} failed"
	[ "${#failed[@]}" = 0 ]
}

main() {
	local name
	case ${1:-} in
		list) for name in "${steps[@]}"; do say "$name: $(what "$name")"; done ;;
		one) one "$2" ;;
		'') setup && all "${steps[@]}" ;;
		*)
			for name in "$@"; do
				[[ " ${steps[*]} " == *" $name "* ]] || { say "unknown step $name: choose from ${steps[*]}" >&2 && exit 2; }
			done
			setup && all "$@"
			;;
	esac
}

main "$@"
