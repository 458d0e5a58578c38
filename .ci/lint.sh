#!/usr/bin/env bash
# What a machine can hold of the project's style: format, clippy, documentation, shell scripts, the tidy test.
set -euo pipefail
source .ci/setup.sh
source .ci/phases.sh

need_rust
need_compiler
need_live_scripts
need_shellcheck

phase "format" cargo fmt --all --check
# A macro declares the chips' modules, and cargo fmt does not look inside macros.
phase "format of chips" rustfmt --check drivers/src/chips/*.rs
phase "shell scripts" bash .ci/lint-shell.sh
phase "clippy" cargo clippy --locked --workspace --all-targets -- -D warnings
phase "documentation" env RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps
phase "tidy" cargo test --locked -p roost-tests --test tidy
summary
