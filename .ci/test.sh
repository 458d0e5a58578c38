#!/usr/bin/env bash
# Everything that must pass before a change lands; prints the phases and their seconds at the end.
set -euo pipefail
source .ci/setup.sh
source .ci/phases.sh

need_rust
need_compiler
need_mosquitto
need_commands openssl=openssl
need_python_client
need_node_client
need_live_scripts
need_chromium
need_merge_code
need_shellcheck

# Supervision catches panics: the runtime crate must refuse to compile where a panic would end the process.
refuses_abort() {
    local log=target/abort-check/log
    mkdir -p target/abort-check
    if CARGO_TERM_COLOR=never CARGO_TARGET_DIR=target/abort-check cargo check --locked -p roost-runtime \
        --config 'profile.dev.panic="abort"' >"$log" 2>&1; then
        fail "roost-runtime compiled with panic = \"abort\"; it must refuse"
    fi
    grep -q 'error: roost needs panic = "unwind"' "$log" || {
        cat "$log"
        fail "roost-runtime failed to compile with panic = \"abort\", but not with its own message"
    }
}

# Needs a file system of its own: root, and loop devices.
power_cuts() {
    if [ "$(id -u)" -eq 0 ] && losetup --find >/dev/null 2>&1; then
        cargo test --locked -p roost-tests --test power_cut -- --include-ignored
    else
        say "no power cuts here: they need root and loop devices"
    fi
}

cross_runs() {
    source .ci/arm.sh
    cargo test --locked -p roost-tests --test cross -- --include-ignored
}

export ROOST_BIN="$PWD/target/debug/roost"
phase "format" cargo fmt --all --check
# A macro declares the chips' modules, and cargo fmt does not look inside macros.
phase "format of chips" rustfmt --check drivers/src/chips/*.rs
phase "shell scripts" bash .ci/lint-shell.sh
phase "clippy" cargo clippy --locked --workspace --all-targets -- -D warnings
phase "build" cargo build --locked --bin roost
# All that fails is shown, and not only the first program of tests that does.
phase "tests" cargo test --locked --workspace --no-fail-fast
phase "power cuts" power_cuts
phase "a hundred thousand connects" cargo test --locked -p roost-tests --test hostile -- --ignored
phase "panic = abort is refused" refuses_abort
phase "cross build" bash .ci/cross.sh aarch64
phase "the cross-built program runs" cross_runs
summary
