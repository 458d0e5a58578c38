# shellcheck shell=bash
# Checks what a command needs and installs what is missing; sourced by the other scripts, which run from the root.

shopt -s inherit_errexit

PAHO_VERSION=2.1.0
VENV=target/tools/venv
MQTTJS_VERSION=5.16.0
NODE_PACKAGES=target/tools/npm
PHOENIX_VERSION=1.8.16
PHOENIX_LIVE_VIEW_VERSION=1.2.12
WS_VERSION=8.23.0
LIVE_PACKAGES=target/tools/phoenix
ESBUILD_VERSION=0.28.2
MERGE_PACKAGES=target/tools/merge
PLAYWRIGHT_VERSION=1.64.1
BROWSER_PACKAGES=target/tools/browser

# A build directory of the developer's own would put the program where these scripts don't look.
export CARGO_TARGET_DIR="$PWD/target"
# Debian keeps daemons such as mosquitto in /usr/sbin, which a user's PATH leaves out.
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

say() { printf '==> %s\n' "$*"; }

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# at_least HAVE WANT: compares versions such as 1.96.1 and 1.95.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# The oldest Rust that builds the workspace, as Cargo.toml says it.
wanted_rust() { sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml; }

need_rust() {
    local wanted have part
    wanted="$(wanted_rust)"
    has cargo || PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
    { has cargo && has rustc; } ||
        fail "Rust $wanted or newer is missing; install it with rustup (the Rust project's installer), then run this again"
    have="$(rustc --version | cut -d' ' -f2)"
    at_least "$have" "$wanted" ||
        fail "rustc is $have, Roost needs $wanted or newer; remedy: rustup update stable && rustup default stable"
    for part in fmt clippy; do
        cargo "$part" --version >/dev/null 2>&1 ||
            fail "cargo $part is missing; remedy: rustup component add rustfmt clippy"
    done
}

# need_commands COMMAND=PACKAGE…: installs the Debian packages of the commands that the machine lacks.
need_commands() {
    local pair packages=()
    for pair in "$@"; do
        has "${pair%%=*}" || packages+=("${pair#*=}")
    done
    [ ${#packages[@]} -eq 0 ] || install_packages "${packages[@]}"
}

install_packages() {
    local as_root=()
    has apt-get || fail "please install these, named as on Debian: $*"
    if [ "$(id -u)" -ne 0 ]; then
        has sudo || fail "please install these packages as root: apt-get install $*"
        as_root=(sudo)
    fi
    say "installing Debian packages: $*"
    # The lists may be missing or old: bring them up to date only when a plain install fails.
    apt_install "$@" >/dev/null 2>&1 && return
    "${as_root[@]}" apt-get update -qq || fail "apt-get update failed"
    apt_install "$@" || fail "these packages could not be installed: $*"
}

# Uses `as_root` of its caller.
apt_install() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

need_compiler() { need_commands cc=build-essential readelf=binutils; }

# A second implementation of MQTT to test against: mosquitto and its clients. A mosquitto service that the package may
# have started is neither used nor touched: tests start their own on free ports.
need_mosquitto() { need_commands mosquitto=mosquitto mosquitto_pub=mosquitto-clients; }

# A Python environment with the paho client, under target/ only.
need_python_client() {
    local stamp="$VENV/paho-$PAHO_VERSION"
    export ROOST_PYTHON="$PWD/$VENV/bin/python"
    [ ! -e "$stamp" ] || return 0
    need_commands python3=python3
    python3 -c 'import ensurepip, venv' 2>/dev/null || install_packages python3-venv
    say "making the Python environment $VENV with paho-mqtt $PAHO_VERSION"
    rm -rf "$VENV"
    python3 -m venv "$VENV"
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check "paho-mqtt==$PAHO_VERSION"
    touch "$stamp"
}

# MQTT.js for Node, under target/ only.
need_node_client() {
    local stamp="$NODE_PACKAGES/mqtt-$MQTTJS_VERSION"
    export ROOST_NODE_MODULES="$PWD/$NODE_PACKAGES/node_modules"
    need_commands node=nodejs
    [ ! -e "$stamp" ] || return 0
    need_commands npm=npm
    say "installing MQTT.js $MQTTJS_VERSION into $NODE_PACKAGES"
    rm -rf "$NODE_PACKAGES"
    mkdir -p "$NODE_PACKAGES"
    npm install --prefix "$NODE_PACKAGES" --silent --no-fund --no-audit --ignore-scripts "mqtt@$MQTTJS_VERSION"
    touch "$stamp"
}

# A headless browser for tests, Debian's Chromium, and what drives it; playwright-core brings no browser of its own.
need_chromium() {
    local stamp="$BROWSER_PACKAGES/playwright-core-$PLAYWRIGHT_VERSION"
    export ROOST_BROWSER_MODULES="$PWD/$BROWSER_PACKAGES/node_modules"
    need_commands chromium=chromium node=nodejs
    [ ! -e "$stamp" ] || return 0
    need_commands npm=npm
    say "installing playwright-core $PLAYWRIGHT_VERSION into $BROWSER_PACKAGES"
    rm -rf "$BROWSER_PACKAGES"
    mkdir -p "$BROWSER_PACKAGES"
    npm install --prefix "$BROWSER_PACKAGES" --silent --no-fund --no-audit --ignore-scripts \
        "playwright-core@$PLAYWRIGHT_VERSION"
    touch "$stamp"
}

# What the live engine is built with and tested against, under target/ only: the browser's side of Phoenix, which becomes
# a part of the program, and WebSockets for node. web-ui/live/build.rs knows the versions and what the files hold.
need_live_scripts() {
    local stamp="$LIVE_PACKAGES/phoenix-$PHOENIX_VERSION-$PHOENIX_LIVE_VIEW_VERSION-ws-$WS_VERSION"
    export ROOST_LIVE_MODULES="$PWD/$LIVE_PACKAGES/node_modules"
    [ ! -e "$stamp" ] || return 0
    need_commands node=nodejs npm=npm
    say "installing phoenix $PHOENIX_VERSION, phoenix_live_view $PHOENIX_LIVE_VIEW_VERSION, ws $WS_VERSION into $LIVE_PACKAGES"
    rm -rf "$LIVE_PACKAGES"
    mkdir -p "$LIVE_PACKAGES"
    npm install --prefix "$LIVE_PACKAGES" --silent --no-fund --no-audit --ignore-scripts --no-package-lock \
        "phoenix@$PHOENIX_VERSION" "phoenix_live_view@$PHOENIX_LIVE_VIEW_VERSION" "ws@$WS_VERSION"
    touch "$stamp"
}

# The code by which the stock browser client merges what a live view sends, as a module for node: its package ships it
# inside the whole client only, so it is bundled from the source beside it.
need_merge_code() {
    need_live_scripts
    local stamp="$MERGE_PACKAGES/phoenix_live_view-$PHOENIX_LIVE_VIEW_VERSION-esbuild-$ESBUILD_VERSION"
    export ROOST_MERGE_MODULES="$PWD/$MERGE_PACKAGES/node_modules"
    [ ! -e "$stamp" ] || return 0
    say "bundling the client's merge code into $MERGE_PACKAGES"
    rm -rf "$MERGE_PACKAGES"
    mkdir -p "$MERGE_PACKAGES"
    npm install --prefix "$MERGE_PACKAGES" --silent --no-fund --no-audit --ignore-scripts --no-package-lock \
        "esbuild@$ESBUILD_VERSION"
    "$MERGE_PACKAGES/node_modules/.bin/esbuild" --bundle --platform=node --format=cjs --log-level=warning \
        --outfile="$MERGE_PACKAGES/node_modules/merge.cjs" \
        "$LIVE_PACKAGES/node_modules/phoenix_live_view/assets/js/phoenix_live_view/rendered.js"
    touch "$stamp"
}

need_shellcheck() { need_commands shellcheck=shellcheck; }
