#!/usr/bin/env bash
# Builds the program for 64-bit ARM boards, with what the machine has, and proves which C library it needs.
#
# ROOST_CROSS_ROUTE=docker|rustup|debian overrides the choice; ROOST_CROSS_SOURCE and ROOST_CROSS_PROGRAM build another
# workspace's program, to try a route out.
set -euo pipefail
source .ci/setup.sh
source .ci/arm.sh
source .ci/cross-debian.sh

TARGET=aarch64-unknown-linux-gnu
GLIBC_LIMIT=2.36
SOURCE="$(realpath "${ROOST_CROSS_SOURCE:-.}")"
NAME="${ROOST_CROSS_PROGRAM:-roost}"
BUILD=(cargo build --release --locked --bin "$NAME" --target "$TARGET")

docker_works() { has cross && has docker && docker info >/dev/null 2>&1; }

rustup_has_target() { has rustup && rustup target list --installed 2>/dev/null | grep -qx "$TARGET"; }

choose_route() {
    if docker_works; then
        echo docker
    elif rustup_has_target && has aarch64-linux-gnu-gcc; then
        echo rustup
    else
        echo debian
    fi
}

build_by_docker() {
    say "route: cross in Docker, as cross.toml says"
    need_sysroot
    (cd "$SOURCE" && CROSS_CONFIG="$ROOT/cross.toml" CARGO_TARGET_DIR="$BUILD_DIR" cross "${BUILD[@]:1}")
}

build_by_rustup() {
    say "route: the machine's own Rust with its $TARGET library, and aarch64-linux-gnu-gcc"
    need_sysroot
    (cd "$SOURCE" && env -u RUSTFLAGS "${LINK_ENV[@]/$SYSROOT_INSIDE/$ROOT/$SYSROOT}" CARGO_TARGET_DIR="$BUILD_DIR" "${BUILD[@]}")
}

build_by_debian() {
    say "route: Debian's own Rust and cross compiler, in $TOOLS"
    need_sysroot
    need_tools
    enter_tools "$SOURCE" "$BUILD_DIR" "${BUILD[@]}"
}

# The newest GLIBC_x.y among the symbol versions that a program asks for.
glibc_needed() { readelf --version-info --wide "$1" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1 | cut -d_ -f2; }

check_and_report() {
    local program="$1" needed
    needed="$(glibc_needed "$program")"
    [ -n "$needed" ] || fail "$program names no glibc version: is it linked dynamically?"
    at_least "$GLIBC_LIMIT" "$needed" || fail "$program needs glibc $needed, but boards have $GLIBC_LIMIT"
    # The emulated run sees Debian 12's C library only: the same claim, proven by running.
    $ROOST_QEMU "$PWD/$program" --version
    printf '%s: %s bytes, needs glibc %s (limit %s)\nsha256 %s\n' "$program" "$(stat -c %s "$program")" "$needed" \
        "$GLIBC_LIMIT" "$(sha256sum "$program" | cut -d' ' -f1)"
}

case "${1:-aarch64}" in
    aarch64) ;;
    *) fail "./dev cross knows aarch64 only, not '$1'" ;;
esac

ROOT="$PWD"
mkdir -p "$CROSS/aarch64"
exec 9>"$CROSS/lock"
flock 9

need_commands readelf=binutils mmdebstrap=mmdebstrap newuidmap=uidmap
has "$QEMU" || install_packages qemu-user-static
need_live_scripts
route="${ROOST_CROSS_ROUTE:-$(choose_route)}"
BUILD_DIR="$ROOT/$CROSS/build-$route"
mkdir -p "$BUILD_DIR"
case "$route" in
    docker | rustup | debian) "build_by_$route" ;;
    *) fail "ROOST_CROSS_ROUTE is '$route'; it can be docker, rustup or debian" ;;
esac
install -m 755 "$BUILD_DIR/$TARGET/release/$NAME" "$CROSS/aarch64/$NAME"
check_and_report "$CROSS/aarch64/$NAME"
