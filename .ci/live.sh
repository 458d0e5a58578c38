#!/usr/bin/env bash
# The conformance program for developers: open pages follow its stylesheet and its glue, and it is built and started anew
# whenever one of its sources has changed.
set -euo pipefail
source .ci/setup.sh

SOURCES=web-ui/live
BUILT=target/live-built
PROGRAM=target/debug/examples/conformance
export RELOAD="$SOURCES/examples/conformance"
export PORT="${PORT:-4100}"

SERVER=""

stop_server() {
    [ -n "$SERVER" ] || return 0
    kill "$SERVER" 2>/dev/null || true
    wait "$SERVER" 2>/dev/null || true
    SERVER=""
}

# What does not compile changes nothing: the last program goes on.
build_and_start() {
    touch "$BUILT"
    cargo build --locked -p roost-live --example conformance || return 0
    stop_server
    "$PROGRAM" &
    SERVER=$!
}

has_changed() { [ -n "$(find "$SOURCES" -name '*.rs' -newer "$BUILT" -print -quit)" ]; }

need_rust
need_compiler
need_live_scripts
mkdir -p target
trap stop_server EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
build_and_start
say "change $RELOAD/app.css or a template while a page is open; Ctrl-C ends it"
while true; do
    if has_changed; then build_and_start; fi
    sleep 0.3
done
