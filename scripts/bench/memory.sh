#!/usr/bin/env bash
# What the daemon needs while a file of 1 GB goes through, and over the same with 100 MB.
#
# In: --json. Out: a table; with --json the last line is {"bench": "memory", "figures": {NAME: NUMBER, ...}}.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

json=false
if [ "${1:-}" = --json ]; then json=true; fi

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
