#!/usr/bin/env bash
# The benchmarks, against the programs built in release mode: bench.sh [devices|mqtt|live|all] [arguments of the benchmark]
set -euo pipefail
source .ci/setup.sh

which="${1:-all}"
[ $# -eq 0 ] || shift

need_rust
need_compiler
need_live_scripts
need_mosquitto

beside_mosquitto() {
    say "building"
    cargo build --locked --release --bin roost
    ROOST_BIN="$PWD/target/release/roost" cargo run --locked --release -p roost-tests --bin bench -- "$@"
}

live() {
    cargo run --locked --release -p roost-live-tests --bin bench-live -- "$@"
}

case "$which" in
    devices | mqtt) beside_mosquitto "$which" "$@" ;;
    live) live "$@" ;;
    all)
        beside_mosquitto devices
        beside_mosquitto mqtt
        live
        ;;
    *)
        echo "there is no benchmark '$which': devices, mqtt, live, all" >&2
        exit 2
        ;;
esac
