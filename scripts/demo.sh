#!/usr/bin/env bash
# Shows tgferry at work without Telegram: a sandbox that speaks Telegram's protocols, a web site with real media, the daemon, and a person
# who sends links to the bot.
#
#   scripts/demo.sh              plays, shows the chat, and leaves everything running until Ctrl-C
#   scripts/demo.sh --check      plays, verifies what arrived, and ends with 0 or 1; the last line is one JSON object
#   --big-mb 1024                least size of the big file in MiB (default 64)
#
# What happens is told on standard error. Installs what is missing first (scripts/setup.sh).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh

check=false
for argument in "$@"; do
    case "$argument" in
    --check) check=true ;;
    -h | --help)
        sed -n '2,9s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    esac
done

# Also when it does not get as far as playing, --check ends with its line.
not_played() {
    if $check; then printf '{"ok": false, "cases": [], "problems": ["%s"]}\n' "$1"; fi
    exit 1
}

env TGFERRY_HOME="$tgferry_home" bash scripts/setup.sh 1>&2 || not_played "scripts/setup.sh failed"
echo "demo: building (a first time takes many minutes)" >&2
cargo build --release --workspace --locked 1>&2 || not_played "the build failed"

exec "$tgferry_venv/bin/python" -B scripts/demo/play.py \
    --tgferry "$CARGO_TARGET_DIR/release/tgferry" --sandbox "$CARGO_TARGET_DIR/release/sandbox" --yt-dlp "$tgferry_venv/bin/yt-dlp" "$@"
