#!/usr/bin/env bash
# Measures. Each figure is a ratio within one run, or a size; no figure is a time on this machine alone.
#
#   scripts/bench.sh memory          what the daemon needs while a file of 1 GB goes through, and over the same with 100 MB
#   scripts/bench.sh memory --json   the same; the last line is {"bench": "memory", "figures": {NAME: NUMBER, ...}}
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
    sed -n '4,5s/^# \{0,3\}//p' "$0" >&2
    exit 1
}

json=false
[ "${1:-}" = memory ] || usage
case "${2:-}" in
--json) json=true ;;
"") ;;
*) usage ;;
esac

# The demo carries a file of this size over the sandbox and reads VmHWM of /proc/<pid>/status at the end.
carried() {
    local line
    line=$(bash scripts/demo.sh --check --big-mb "$1" 2>/dev/null | tail -n 1)
    if [ "$(jq -r .ok <<<"$line")" != true ]; then
        echo "bench: the demo with $1 MB failed: $line" >&2
        exit 1
    fi
    jq -r .peak_memory_mb <<<"$line"
}

small=$(carried 100)
large=$(carried 1024)
ratio=$(jq -n "($large / $small * 1000 | round) / 1000")
printf '%-26s %8s   %s\n' figure value bound
printf '%-26s %8s   %s\n' peak_memory_mb "$large" "<= 100"
printf '%-26s %8s   %s\n' memory_1gb_vs_100mb "$ratio" "<= 1.10"
if $json; then
    jq -cn "{bench: \"memory\", figures: {peak_memory_mb: $large, memory_1gb_vs_100mb: $ratio}}"
fi
