#!/usr/bin/env bash
# Breaks a package in many small ways, one at a time, and fails when no test notices one
# that docs/MUTATION.md does not explain. It is no part of scripts/test.sh: it runs the
# tests of a package once for each change.
#
#   scripts/mutate.sh rbac          who may do what
#   scripts/mutate.sh lifecycle     what counts, and what is due
#   scripts/mutate.sh ci            what a run checks; needs terraform on PATH
#   scripts/mutate.sh webhook       from a delivery to a fact
#
# More arguments go to the tool: -v, -limit 100, -budget 10m, -match 'canApply: ' for some.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

target=${1:-}
[ $# -eq 0 ] || shift

mutate() {
	go run -C "$root/tools" ./mutate -root "$root" -accepted "$root/docs/MUTATION.md" "$@"
}

rapid='-rapid.nofailfile -rapid.shrinktime=0s'
case $target in
	rbac) mutate -args "$rapid" "$@" internal/rbac ;;
	lifecycle)
		mutate -files commit.go,rules.go,round.go,status.go,lease.go,outcome.go,belief.go,next.go,run.go \
			-args "$rapid -rapid.checks=10" "$@" internal/lifecycle
		;;
	ci)
		mutate -files grant.go -match ' (take|differs|consistent):' -args '-test.run=GrantMustFit|InputsMustFit' "$@" internal/ci
		mutate -files guard.go,grant.go -match ' (guard|readGrant|useGrant|keepGrant):' \
			-args '-test.run=GuardRefuses|TestClaim|StepsNeedTheGuard' "$@" internal/ci
		mutate -files verify.go -args '-test.run=VerifyRefuses|DestroyAndCleanupRefuse' -budget 3h "$@" internal/ci
		mutate -files identity.go,apply.go -budget 6h "$@" internal/ci
		;;
	webhook)
		mutate -files webhook.go "$@" internal/web
		mutate -files webhook.go "$@" internal/github
		mutate -files bell.go,task.go -args '-test.run=Delivery|EveryKind|Ringing|Version|LookAfter|Sync|Makers|Forged|Payload|Decode' "$@" internal/queue
		mutate -files webhook.go -test worker -args '-test.run=Forged|SealedHint|Delivery|RunIsFound|RunThat|ClaimOfAnother|ByHandIs' "$@" worker
		;;
	*)
		sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
		exit 2
		;;
esac
