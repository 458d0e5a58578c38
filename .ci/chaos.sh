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
profile="${PROFILE:-release}"
# The storm runs inside the test; the return of power, with ten thousand devices, strikes the program as it ships.
cargo build --locked --profile "$profile" --bin roost
export ROOST_BIN="$PWD/target/${profile/#dev/debug}/roost"
exec cargo test --locked --profile "$profile" -p roost-tests --test chaos -- --ignored --nocapture --test-threads=1
