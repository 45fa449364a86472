#!/usr/bin/env bash
# The way up: overlap with the download, rate and processor time beside other programs, floods, a kill at 90 %, memory.
#
# In: --json, --only GROUP (overlap, rivals, limits, kill, memory; several), --mb SIZE (default 500). Out: a table; with --json the last line is
# {"bench": "upload", "figures": {NAME: NUMBER, ...}}. Needs 8 GB of disk for temporary files.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=scripts/env.sh
. scripts/env.sh

env TGFERRY_HOME="$tgferry_home" bash scripts/setup.sh --dev 1>&2
echo "bench: building (a first time takes many minutes)" >&2
# The whole workspace, so that what others built is of use.
cargo build --release --workspace --locked 1>&2
# Cargo names the programs of benches after what they are made of, and says how.
built=$(cargo bench --workspace --locked --no-run --message-format=json --bench cipher --bench upload_by_grammers 2>/dev/null)
program() {
    jq -r --arg name "$1" 'select(.reason == "compiler-artifact" and .target.name == $name and .executable != null) | .executable' <<<"$built" | tail -n 1
}

exec "$tgferry_venv/bin/python" -B scripts/bench/upload.py \
    --tgferry "$CARGO_TARGET_DIR/release/tgferry" --sandbox "$CARGO_TARGET_DIR/release/sandbox" --yt-dlp "$tgferry_venv/bin/yt-dlp" \
    --cipher "$(program cipher)" --grammers "$(program upload_by_grammers)" "$@"
