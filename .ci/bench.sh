#!/usr/bin/env bash
# The benchmarks, against the program built in release mode; arguments go to the benchmark program.
set -euo pipefail
source .ci/setup.sh

need_rust
need_compiler
need_mosquitto

say "building"
cargo build --locked --release --bin roost
export ROOST_BIN="$PWD/target/release/roost"
exec cargo run --locked --release -p roost-tests --bin bench -- "$@"
