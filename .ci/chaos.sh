#!/usr/bin/env bash
# Chaos: ./dev chaos [seconds]. Tasks of every kind fail and hang under 5,000 messages a second, 300 s unless said otherwise.
# What it has seen is printed at the end. The programs are optimised, because it is asked how many of the messages were
# acknowledged; PROFILE=dev is built sooner, for runs of less than 300 s, of which that is not asked.
set -euo pipefail
source .ci/setup.sh

seconds="${1:-300}"
[[ "$seconds" =~ ^[0-9]+$ ]] || fail "seconds are a number, not '$seconds'"
need_rust
need_compiler
export ROOST_CHAOS_SECONDS="$seconds"
exec cargo test --locked --profile "${PROFILE:-release}" -p roost-tests --test chaos -- --ignored --nocapture --test-threads=1
