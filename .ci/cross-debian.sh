# shellcheck shell=bash
# Two folders of unpacked Debian packages, made without root: the C library to link against, and a Rust cross toolchain.
# Sourced by cross.sh after setup.sh and arm.sh.
#
# Packages are unpacked, not installed: none of their scripts run, so nothing needs to be root or emulated. The
# toolchain is then entered with bubblewrap or, where namespaces are forbidden (as in many containers), with chroot.

TOOLS="$CROSS/debian"
SYSROOT_INSIDE=/sysroot
ENTER=bwrap

# What cargo and C build scripts need to link against the sysroot. Without the sysroot the program would need the C
# library of the machine it was built on.
LINK_ENV=(
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
    "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS=-C link-arg=--sysroot=$SYSROOT_INSIDE"
    CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc
    CFLAGS_aarch64_unknown_linux_gnu="--sysroot=$SYSROOT_INSIDE"
)

# unpack FOLDER SUITE RECIPE [MMDEBSTRAP-OPTION…]: fills FOLDER from SUITE, once for each RECIPE (a word to change when
# the options do). The folder appears only when it is complete.
unpack() {
    local folder="$1" suite="$2" recipe="$3" fresh="$1.new" log="$1.log" started=$SECONDS proxy
    shift 3
    [ "$(cat "$folder/.recipe" 2>/dev/null)" != "$recipe" ] || return 0
    [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || install_packages debian-archive-keyring
    proxy="$(apt-config shell proxy Acquire::http::Proxy 2>/dev/null | cut -d"'" -f2)"
    [ -z "$proxy" ] || set -- "$@" --aptopt="Acquire::http::Proxy \"$proxy\""
    say "unpacking Debian $suite packages into $folder"
    rm -rf "$fresh"
    mkdir -p "$fresh"
    mmdebstrap --variant=extract --format=tar "$@" "$suite" - 2>"$log" |
        tar -x --no-same-owner --exclude='./dev/*' --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' \
            --exclude='./usr/share/locale/*' -C "$fresh" || {
        tail -n 20 "$log" >&2
        fail "Debian $suite could not be unpacked; the whole log is $log"
    }
    echo "$recipe" >"$fresh/.recipe"
    rm -rf "$folder"
    mv "$fresh" "$folder"
    say "done in $((SECONDS - started)) s"
}

need_sysroot() {
    unpack "$SYSROOT" bookworm 1 --architectures=arm64 --include=libc6-dev,libgcc-s1
    # A link such as libm.so -> /lib/… leads out of the sysroot, to a C library that may be newer.
    local link
    find "$SYSROOT" -type l -lname '/*' | while read -r link; do
        ln -sfrn "$SYSROOT$(readlink "$link")" "$link"
    done
}

choose_entrance() {
    need_commands bwrap=bubblewrap
    bwrap --ro-bind / / true 2>/dev/null && return
    [ "$(id -u)" -eq 0 ] || has sudo ||
        fail "namespaces are forbidden here, and only root may use chroot: run ./dev cross as root, or install cross and Docker"
    ENTER=chroot
}

need_tools() {
    local host architectures have wanted
    choose_entrance
    host="$(dpkg --print-architecture)"
    architectures="$host"
    [ "$host" = arm64 ] || architectures="$host,arm64"
    # Rust comes from backports, and its library must match in both architectures; the rest is Debian 13 as it was released.
    # shellcheck disable=SC2016 # $1 is the hook's own argument: the folder being made
    unpack "$TOOLS" trixie "1-$host" --architectures="$architectures" \
        --include=base-files,dash,rustc,cargo,libstd-rust-dev:arm64,gcc,gcc-aarch64-linux-gnu,libc6-dev \
        --setup-hook='sed -n "s/ trixie main.*/ trixie-backports main/p" "$1/etc/apt/sources.list" \
            >"$1/etc/apt/sources.list.d/backports.list"' \
        --setup-hook='mkdir -p "$1/etc/apt/preferences.d"
            printf "Package: cargo:any rustc:any libstd-rust*:any\nPin: release n=trixie-backports\nPin-Priority: 990\n" \
            >"$1/etc/apt/preferences.d/rust"'
    # Installing gcc would have made this link.
    ln -sf gcc "$TOOLS/usr/bin/cc"
    wanted="$(wanted_rust)"
    have="$(enter_tools . "$BUILD_DIR" rustc --version | cut -d' ' -f2)"
    at_least "$have" "$wanted" || fail "$TOOLS has Rust $have, Roost needs $wanted: remove that folder to get a newer one"
}

# The developer's proxies and cargo's network settings, one NAME=VALUE a line.
network_env() { env | grep -iE '^((http|https|all|no)_proxy|CARGO_(HTTP|NET|REGISTRY|REGISTRIES|SOURCE)_[A-Z0-9_]+)=' || true; }

# enter_tools SOURCE BUILD COMMAND…: runs COMMAND among the Debian tools, in SOURCE, with BUILD as cargo's target folder
# and the developer's cargo settings. Paths inside are always the same, so two machines build the same bytes.
enter_tools() {
    local source build cargo_home ca inside_ca=/etc/ssl/certs/ca-certificates.crt environment
    source="$(realpath "$1")" build="$(realpath "$2")"
    shift 2
    cargo_home="${CARGO_HOME:-$HOME/.cargo}"
    mkdir -p "$cargo_home"
    ca="$(realpath -e "${CARGO_HTTP_CAINFO:-${SSL_CERT_FILE:-$inside_ca}}")"
    mapfile -t environment < <(network_env)
    environment+=("${LINK_ENV[@]}" PATH=/usr/bin HOME=/tmp CARGO_HOME=/cargo CARGO_TARGET_DIR=/build
        CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-auto}" TERM="${TERM:-dumb}"
        SSL_CERT_FILE="$inside_ca" CARGO_HTTP_CAINFO="$inside_ca")
    "enter_by_$ENTER" "$@"
}

# Both entrances use the variables of enter_tools, their caller.
enter_by_bwrap() {
    local file mounts=(--bind "$TOOLS" / --dev /dev --proc /proc --tmpfs /tmp --ro-bind "$source" /src
        --bind "$build" /build --bind "$cargo_home" /cargo --ro-bind "$SYSROOT" "$SYSROOT_INSIDE"
        --ro-bind "$ca" "$inside_ca")
    for file in /etc/resolv.conf /etc/hosts; do
        [ ! -e "$file" ] || mounts+=(--ro-bind "$file" "$file")
    done
    env -i "${environment[@]}" "$(command -v bwrap)" "${mounts[@]}" --die-with-parent --chdir /src "$@"
}

# Nothing can be mounted: copy what is small, move the build folder in and out again, keep a cargo cache inside.
enter_by_chroot() {
    local as_root=() file code=0
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    rm -rf "${TOOLS:?}/src" "$TOOLS/build" "$TOOLS$SYSROOT_INSIDE"
    mkdir -p "$TOOLS/src" "$TOOLS/cargo" "$TOOLS/tmp" "$TOOLS$(dirname "$inside_ca")"
    tar -c --exclude=./target --exclude=./.git -C "$source" . | tar -x -C "$TOOLS/src"
    if [ -d "$source/$LIVE_PACKAGES" ]; then
        mkdir -p "$TOOLS/src/$(dirname "$LIVE_PACKAGES")"
        cp -a "$source/$LIVE_PACKAGES" "$TOOLS/src/$(dirname "$LIVE_PACKAGES")/"
    fi
    cp -a "$SYSROOT" "$TOOLS$SYSROOT_INSIDE"
    cp --remove-destination "$ca" "$TOOLS$inside_ca"
    for file in /etc/resolv.conf /etc/hosts; do
        [ ! -e "$file" ] || cp --remove-destination "$file" "$TOOLS$file"
    done
    [ ! -e "$cargo_home/config.toml" ] || cp "$cargo_home/config.toml" "$TOOLS/cargo/"
    [ -c "$TOOLS/dev/null" ] || "${as_root[@]}" mknod -m 666 "$TOOLS/dev/null" c 1 3
    mv "$build" "$TOOLS/build"
    # shellcheck disable=SC2016 # the inner shell expands it
    "${as_root[@]}" env -i "${environment[@]}" "$(command -v chroot)" --userspec="$(id -u):$(id -g)" "$TOOLS" \
        /bin/sh -c 'cd /src && exec "$@"' sh "$@" || code=$?
    mv "$TOOLS/build" "$build"
    return "$code"
}
