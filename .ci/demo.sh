#!/usr/bin/env bash
# The demonstration: a gateway with its state under target/demo and simulated devices that talk real MQTT to it. Its
# open pages follow the stylesheet, and it is built and started anew whenever one of its sources has changed.
set -euo pipefail
source .ci/setup.sh

DEVICES=25
DEMO=target/demo
CONFIG=$DEMO/roost.toml
PROGRAM=target/debug/roost
SOURCES=(gateway drivers web-ui/pages web-ui/reload Cargo.toml)
BUILT=$DEMO/built
# Only a program with debug assertions looks at it.
export ROOST_ASSETS="$PWD/web-ui/pages/assets"
# Must be where `web.listen` of the configuration below says.
ADDRESS=http://127.0.0.1:8080
START_LIMIT_S=30

GATEWAY=""
FLEET=""

write_config() {
    mkdir -p "$DEMO"
    [ ! -e "$CONFIG" ] || return 0
    say "writing $CONFIG"
    cat >"$CONFIG" <<'TOML'
# The demonstration's configuration. Change what you like: ./dev run writes this file only where it is missing.
# Every setting with its default and its meaning: target/debug/roost check-config --defaults
data_dir = "target/demo/data"

[mqtt]
listen = "127.0.0.1:1883"

[web]
listen = "127.0.0.1:8080"

[[bus]]
name = "bench"
board = "simulated"
chips = ["tmp117@0x48"]
TOML
}

# shellcheck disable=SC2317 # the trap calls it
# Ends the fleet first, then the gateway, so that its last log lines are about the stop and not about lost devices.
stop() {
    trap - EXIT INT TERM
    local pid
    for pid in $FLEET $GATEWAY; do
        kill "$pid" 2>/dev/null || continue
        wait "$pid" 2>/dev/null || true
    done
}

alive() { kill -0 "$1" 2>/dev/null; }

wait_for_gateway() {
    local until=$((SECONDS + START_LIMIT_S))
    until "$PROGRAM" status --config "$CONFIG" >/dev/null 2>&1; do
        alive "$GATEWAY" || fail "the gateway ended while starting: see its last lines above"
        [ "$SECONDS" -lt "$until" ] || fail "the gateway did not answer within $START_LIMIT_S s"
        sleep 0.2
    done
}

start_gateway() {
    "$PROGRAM" run --config "$CONFIG" &
    GATEWAY=$!
    wait_for_gateway
}

build() {
    mkdir -p "$DEMO"
    touch "$BUILT"
    cargo build --locked --bin roost
}

# The stylesheet is read from where it is.
has_changed() { [ -n "$(find "${SOURCES[@]}" -type f -newer "$BUILT" ! -name '*.css' -print -quit)" ]; }

run_demo() {
    write_config
    trap stop EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    start_gateway
    "$PROGRAM" sim --config "$CONFIG" --devices "$DEVICES" --wired &
    FLEET=$!
    say "Roost is at $ADDRESS, with $DEVICES simulated devices; Ctrl-C ends it"
    while alive "$GATEWAY" && alive "$FLEET"; do
        # What does not compile changes nothing: the last program goes on.
        if has_changed && build; then
            say "starting the gateway anew"
            kill "$GATEWAY" 2>/dev/null || true
            wait "$GATEWAY" || true
            start_gateway
        fi
        sleep 0.3
    done
    alive "$GATEWAY" || fail "the gateway ended: see its last lines above"
    fail "the simulated devices ended: see their last lines above"
}

need_rust
need_compiler
need_live_scripts
say "building"
build
run_demo
