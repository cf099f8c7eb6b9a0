#!/usr/bin/env bash
# Breaks a package in many small ways, one at a time. It fails if no test notices a change
# that docs/MUTATION.md does not explain. It is not part of scripts/test.sh, since it runs
# the tests of a package once for each change.
#
#   scripts/mutate.sh rbac          permissions
#   scripts/mutate.sh lifecycle     the facts of a request, and the next steps
#   scripts/mutate.sh request       rights, confirmation and what was seen, before an action is recorded
#   scripts/mutate.sh ci            the checks of a run; needs git
#   scripts/mutate.sh webhook       from a delivery to a fact
#
# It passes further arguments to the tool: -v, -limit 100, -budget 10m, -match 'canApply: ', -run TestName.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

target=${1:-}
[ $# -eq 0 ] || shift

failed=0
mutate() {
	go run -C "$root/tools" ./mutate -root "$root" -accepted "$root/docs/MUTATION.md" "$@" || failed=1
}

rapid='-rapid.nofailfile -rapid.shrinktime=0s -rapid.checks=5 -rapid.seed=1'
webhook='Forged|SealedHint|Delivery|RunIsFound|RunThat|HintO|HintIs|HintBeside|DispatchedRuns|WhatMakesARun|ForeignRunsAre|ReviewApproves'
case $target in
	rbac) mutate -args "$rapid" "$@" internal/rbac ;;
	lifecycle)
		# The other files contain names, texts and events, which the golden files cover.
		mutate -except audit.go,actions.go,extra.go,objects.go,request.go -budget 3h -args "$rapid" "$@" internal/lifecycle
		;;
	request) mutate -budget 3h "$@" internal/request ;;
	ci) mutate -files grant.go,guard.go,verify.go,identity.go,apply.go -budget 3h "$@" internal/ci ;;
	webhook)
		mutate -files webhook.go,body.go "$@" internal/web
		mutate -files webhook.go "$@" internal/github
		mutate -files notifier.go,task.go "$@" internal/queue
		mutate -files webhook.go -test worker -budget 3h -run "$webhook" "$@" worker
		;;
	*)
		sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
		exit 2
		;;
esac
exit $failed
