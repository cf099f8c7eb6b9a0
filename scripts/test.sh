#!/usr/bin/env bash
# Checks everything that is checked: the same command for a person and for CI.
#
#   scripts/test.sh            every step
#   scripts/test.sh NAME …     only these steps
#   scripts/test.sh list       their names
#
# A tool that is missing is installed where that can be done without asking (Debian,
# as root or with sudo), else it is a failure that says what to install. No step is
# passed over in silence: one that could not run says so, here and at the end.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export GOFLAGS="${GOFLAGS:-} -mod=readonly"
export CHECKPOINT_DISABLE=1

steps=(format vet static vulnerable unit race workflows manifests schema journeys build)
journeys='^(TestDemo|TestEveryCallCanGoWrong)' # the tests of the step of that name
not_run=77 # exit code of a step that could not run; it has said why

say() { printf '%s\n' "$@"; }
die() { say "$*" >&2; exit 1; }

# Setting up ------------------------------------------------------------------

installed_lists=no

# install PACKAGE … installs Debian's packages, or fails.
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

# have a|b says whether one of the commands is there.
have() {
	local command
	for command in ${1//|/ }; do
		command -v "$command" > /dev/null && return 0
	done
	return 1
}

# need WHAT COMMANDS PACKAGE … wants one of the commands (a|b), from the packages.
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
	command -v go > /dev/null || die "Go is missing: install the version that go.mod names, or newer, from https://go.dev/dl"
	go version
}

# in_tools runs a command in the module of the tools.
in_tools() { (cd tools && GOWORK=off "$@"); }

# tool NAME prints the path of a tool that tools/go.mod pins; it is built once.
tool() { go tool -modfile=tools/go.mod -n "$1"; }

# terraform_on_path puts the Terraform that the sandbox uses where tests look.
terraform_on_path() {
	local terraform
	terraform=$(go run ./internal/sandbox/toolchain/where terraform)
	PATH="$(dirname "$terraform"):$PATH"
	export PATH
}

# Steps -----------------------------------------------------------------------

# format: gofmt has nothing to change.
format() {
	local wrong
	wrong=$(gofmt -l .)
	[ -z "$wrong" ] || { say "not formatted, run gofmt -w:" "$wrong"; return 1; }
}

# vet: go vet, of the product and of the tools.
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

# vulnerable: govulncheck, where its database can be reached.
vulnerable() {
	local govulncheck empty out
	govulncheck=$(tool govulncheck)
	empty=$scratch/empty
	mkdir "$empty"
	printf 'module empty\n\ngo 1.26\n' > "$empty/go.mod"
	printf 'package main\n\nfunc main() {}\n' > "$empty/main.go"
	if ! out=$(cd "$empty" && GOWORK=off GOFLAGS= timeout 60 "$govulncheck" ./... 2>&1); then
		say "$out" "The vulnerability database cannot be reached from here."
		exit "$not_run"
	fi
	"$govulncheck" ./...
}

# build: the platforms of a release, without cgo.
build() {
	local platform
	for platform in linux/amd64 linux/arm64 darwin/arm64; do
		say "building for $platform"
		CGO_ENABLED=0 GOOS=${platform%/*} GOARCH=${platform#*/} go build -o /dev/null ./cmd/tfpilot
	done
}

# unit: every test but the journeys; those of the pages in a browser.
unit() {
	need "a browser for the tests of the pages" "chromium|chromium-browser|google-chrome" chromium
	terraform_on_path
	# The longest packages come first, so that none of them runs alone at the end.
	go test -vet=off -p 2 -timeout 40m -skip "$journeys" ./worker ./cmd/tfpilot ./internal/ci ./...
	in_tools go test ./...
}

# race: the race detector, on the packages that share memory and on the worker's stories with many things at once.
race() {
	need "a C compiler for the race detector" "gcc|clang|cc" gcc libc6-dev
	local stories='^(TestJourney|TestRandomSchedules|TestWebhooksInDisorder|TestAppliesTakeTurns|TestManyRequestsAtOnce|TestEveryCallCanGoWrong)$'
	# One processor for each test binary: timers of a testing/synctest bubble share one
	# context of the race detector, which crashes now and then when two threads use it
	# (golang/go#78156). What it finds does not depend on their number.
	local flags=(-race -short -vet=off -cpu 1 -parallel 2 -timeout 40m) worker=0 others=0
	export CGO_ENABLED=1
	go test "${flags[@]}" -run "$stories" ./worker > "$scratch/worker" 2>&1 &
	go test "${flags[@]}" -p 1 ./internal/{github,intake,queue,store,web} ./internal/sandbox/{actions,cloud,github,model,s3,slack} ./slackapp || others=$?
	wait "$!" || worker=$?
	cat "$scratch/worker"
	[ "$worker" = 0 ] && [ "$others" = 0 ]
}

# workflows: actionlint, of what infra repositories get and of our own.
workflows() {
	local actionlint
	actionlint=$(tool actionlint)
	# bootstrap puts the runner's label in
	"$actionlint" -shellcheck= -pyflakes= -ignore 'label "@runner@" is unknown' templates/workflows/*.yml .github/workflows/*.yml
}

# manifests: kustomize renders them, and each object fits its schema.
manifests() {
	local kustomize dir
	kustomize=$(tool kustomize)
	for dir in manifests/overlays/*; do
		say "rendering $dir"
		"$kustomize" build "$dir" | in_tools go run ./manifestcheck
	done
}

# schema: what the sandbox's provider knows of AWS is what its package says.
schema() {
	need "npm, which fetches the published schema" npm npm
	internal/sandbox/provider/schema/check.sh
}

# journeys: the demo in one process, in processes of which one is killed, without any bell, and against a broken workflow; beside them the whole crash matrix.
journeys() {
	terraform_on_path
	# The demos wait for Slack's limits most of the time, so that they run all at once and the matrix costs none.
	go test -vet=off -parallel 4 -timeout 30m -run "$journeys" ./cmd/tfpilot ./worker
}

# Running ---------------------------------------------------------------------

# what NAME prints the sentence about a step.
what() { sed -n "s/^# $1: //p" "${BASH_SOURCE[0]}"; }

# one NAME runs a step in this process; whatever fails in it ends it.
one() {
	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch"' EXIT
	"$1"
}

# all NAME … runs steps one after the other; a failure keeps no other from running. The
# journeys wait for Slack's limits most of the time, so that the build goes on beside them.
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
				[[ " ${steps[*]} " == *" $name "* ]] || { say "there is no step $name; there is ${steps[*]}" >&2 && exit 2; }
			done
			setup && all "$@"
			;;
	esac
}

main "$@"
