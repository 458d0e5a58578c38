#!/usr/bin/env bash
# The fuzzer: ./dev fuzz [target] [seconds]. Without a target, all of them one after another.
#
# It starts from tests/fuzz/corpus, works on a copy under target/ and leaves there what breaks something. An input that
# broke something goes into the corpus together with the fix: ./dev test runs all of it.
set -euo pipefail
source .ci/setup.sh

FUZZ_VERSION=0.13.2
TOOLS=target/tools
mapfile -t TARGETS < <(sed -n 's/^name = "\(.*_.*\)"$/\1/p' tests/fuzz/Cargo.toml)

need_fuzzer() {
    need_rust
    need_commands c++=build-essential
    rustc +nightly --version >/dev/null 2>&1 ||
        fail "fuzzing needs a nightly compiler besides the stable one; remedy: rustup toolchain install nightly --profile minimal"
    PATH="$PWD/$TOOLS/bin:$PATH"
    [ "$(cargo fuzz --version 2>/dev/null)" = "cargo-fuzz $FUZZ_VERSION" ] ||
        cargo install --locked --root "$TOOLS" --version "$FUZZ_VERSION" cargo-fuzz
}

# fuzz TARGET SECONDS
fuzz() {
    local target="$1" seconds="$2" work="target/fuzz-corpus/$1"
    mkdir -p "$work"
    say "$target, $seconds s"
    cargo +nightly fuzz run --fuzz-dir tests/fuzz --target-dir target/fuzz "$target" \
        "$PWD/$work" "$PWD/tests/fuzz/corpus/$target" -- \
        -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="$PWD/target/fuzz-found-" ||
        fail "$target has found something: see above for its input, under target/"
}

wanted="${1:-all}"
seconds="${2:-60}"
[[ "$seconds" =~ ^[0-9]+$ ]] || fail "seconds are a number, not '$seconds'"
if [ "$wanted" != all ]; then
    [[ " ${TARGETS[*]} " == *" $wanted "* ]] || fail "there is no target '$wanted': ${TARGETS[*]}, or all"
    TARGETS=("$wanted")
fi
need_fuzzer
need_live_scripts
for target in "${TARGETS[@]}"; do
    fuzz "$target" "$seconds"
done
