#!/usr/bin/env bash
# Measures. Each figure is a ratio within one run, or a size; no figure is a time on this machine alone.
#
#   scripts/bench.sh NAME           a table of figures and their bounds; NAME is a file of scripts/bench
#   scripts/bench.sh NAME --json    the same; the last line is {"bench": NAME, "figures": {NAME: NUMBER, ...}}; more options stand in the file
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
    sed -n '4,5s/^# \{0,3\}//p' "$0" >&2
    for script in scripts/bench/*.sh; do
        printf '  %-10s %s\n' "$(basename "$script" .sh)" "$(sed -n '2s/^# //p' "$script")" >&2
    done
    exit 1
}

name="${1:-}"
if [[ ! "$name" =~ ^[a-z]+$ ]] || [ ! -f "scripts/bench/$name.sh" ]; then usage; fi
exec bash "scripts/bench/$name.sh" "${@:2}"
