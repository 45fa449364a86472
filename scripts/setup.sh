#!/usr/bin/env bash
# Makes a Debian 12 machine ready to build and run tgferry. Safe to run again: what is there is left alone, without the network.
#
#   scripts/setup.sh             what the build and the daemon need: packages, yt-dlp, crates
#   scripts/setup.sh --dev       and what scripts/test.sh runs: cargo's tools, Telegram clients from PyPI, Chromium
#   scripts/setup.sh --browser   and Chromium, to look at pages
#
# Takes root or sudo when packages are missing. TGFERRY_HOME (default ~/.cache/tgferry) is where all else goes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh

RUST_MINOR_NEEDED=95 # of 1.x, as rust-version in Cargo.toml
PYTHON_MINOR_NEEDED=11 # of 3.x, what scripts/demo needs; Debian 12 has it
NEXTEST_VERSION=0.9.143
DENY_VERSION=0.20.2
MACHETE_VERSION=0.9.2
FUZZ_VERSION=0.13.2

PACKAGES=(
    build-essential pkg-config clang libclang-dev
    libavcodec-dev libavformat-dev libavutil-dev libavfilter-dev libswscale-dev libswresample-dev
    ffmpeg python3 python3-venv ca-certificates git jq
)

dev=false
for argument in "$@"; do
    case "$argument" in
    --dev)
        dev=true
        PACKAGES+=(shellcheck chromium)
        ;;
    --browser) PACKAGES+=(chromium) ;;
    -h | --help)
        sed -n '2,9s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *)
        echo "setup: unknown option $argument (known: --dev, --browser)" >&2
        exit 1
        ;;
    esac
done

say() { echo "setup: $*"; }
fail() {
    echo "setup: $1" >&2
    shift
    for hint in "$@"; do echo "  hint: $hint" >&2; done
    exit 1
}

main() {
    install_packages
    check_rust
    make_venv
    if $dev; then
        add_test_clients
        install_cargo_tools
    fi
    fetch_crates
    say "ready"
}

install_packages() {
    if ! command -v dpkg-query >/dev/null; then
        fail "this is not Debian, so its packages can't be installed from here" \
            "install what corresponds to: ${PACKAGES[*]}; then see CONTRIBUTING.md"
    fi
    local missing=() name
    for name in "${PACKAGES[@]}"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null || true)" = installed ] || missing+=("$name")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        say "packages: all ${#PACKAGES[@]} there"
        return
    fi
    say "packages: installing ${missing[*]}"
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "packages are missing: ${missing[*]}" "run this as root, or install sudo"
        as_root=(sudo)
    fi
    # The lock is waited for: a new machine often runs its own updates first.
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
    "${apt[@]}" update
    "${apt[@]}" install -y --no-install-recommends "${missing[@]}"
}

check_rust() {
    local hint="install Rust by rustup (https://rustup.rs); Debian's own is too old"
    command -v cargo >/dev/null || fail "cargo is not installed" "$hint"
    local version minor
    version=$(cargo --version | cut -d' ' -f2)
    minor=$(cut -d. -f2 <<<"$version")
    if [ "$minor" -lt "$RUST_MINOR_NEEDED" ]; then
        fail "cargo $version is too old, 1.$RUST_MINOR_NEEDED or newer is needed" "rustup update stable" "$hint"
    fi
    say "rust: $version"
}

# The stamp is written last, so a run that was cut off is done again.
make_venv() {
    local stamp="$tgferry_venv/requirements.installed"
    if cmp -s scripts/requirements.txt "$stamp" && "$tgferry_venv/bin/yt-dlp" --version >/dev/null 2>&1; then
        say "yt-dlp: $("$tgferry_venv/bin/yt-dlp" --version) in $tgferry_venv"
        return
    fi
    local python
    python=$(choose_python)
    say "yt-dlp: installing into $tgferry_venv ($python)"
    mkdir -p "$tgferry_home"
    "$python" -m venv --clear "$tgferry_venv"
    "$tgferry_venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement scripts/requirements.txt
    "$tgferry_venv/bin/yt-dlp" --version >/dev/null
    cp scripts/requirements.txt "$stamp"
}

# Into the same environment; making that anew takes this stamp away with it.
add_test_clients() {
    local stamp="$tgferry_venv/requirements-dev.installed"
    if cmp -s scripts/requirements-dev.txt "$stamp" &&
        "$tgferry_venv/bin/python" -c 'import telethon, cryptg, pyrogram, tgcrypto, aiogram, telegram, tornado, playwright' 2>/dev/null; then
        say "clients for the tests: all there"
        return
    fi
    say "clients for the tests: installing into $tgferry_venv"
    "$tgferry_venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement scripts/requirements-dev.txt
    cp scripts/requirements-dev.txt "$stamp"
}

choose_python() {
    local candidate
    for candidate in /usr/bin/python3 python3; do
        if "$candidate" -c "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, $PYTHON_MINOR_NEEDED))" 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    fail "no Python 3.$PYTHON_MINOR_NEEDED or newer with venv was found" "apt-get install python3-venv"
}

install_cargo_tools() {
    cargo_tool cargo-nextest "$NEXTEST_VERSION"
    cargo_tool cargo-deny "$DENY_VERSION"
    cargo_tool cargo-machete "$MACHETE_VERSION"
    cargo_tool cargo-fuzz "$FUZZ_VERSION"
}

# Built without optimisation: these run for seconds, and an optimised build of them takes many minutes.
# With a temporary target folder, so that the project's own stays small.
cargo_tool() {
    local name="$1" version="$2"
    if command -v "$name" >/dev/null; then
        say "$name: $(command -v "$name")"
        return
    fi
    say "$name: building $version (some minutes, once)"
    env -u CARGO_TARGET_DIR CARGO_PROFILE_DEV_DEBUG=0 \
        cargo install --quiet --locked --debug --root "$tgferry_tools" "$name@$version"
}

fetch_crates() {
    if cargo fetch --quiet --locked --offline 2>/dev/null; then
        say "crates: all there"
        return
    fi
    say "crates: fetching"
    cargo fetch --locked
}

main
