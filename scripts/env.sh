# shellcheck shell=bash
# Sourced by the scripts, and of use in a shell of your own:  . scripts/env.sh
#
# In: TGFERRY_HOME (optional, default ~/.cache/tgferry): where the Python environment, the tools and the builds go.
# Out: CARGO_TARGET_DIR, PATH with yt-dlp, deno and the cargo tools; tgferry_home, tgferry_venv, tgferry_tools (not exported).

tgferry_home="${TGFERRY_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/tgferry}"
tgferry_venv="$tgferry_home/venv"
tgferry_tools="$tgferry_home/tools"
# The daemon reads TGFERRY_* as its configuration and refuses what it does not know.
export -n TGFERRY_HOME 2>/dev/null || true

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$tgferry_home/target}"
case ":$PATH:" in
*":$tgferry_venv/bin:"*) ;;
*) export PATH="$tgferry_venv/bin:$tgferry_tools/bin:$PATH" ;;
esac
