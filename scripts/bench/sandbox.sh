#!/usr/bin/env bash
# What parts of files cost the sandbox, over their cipher, and how well its caps can be used.
#
# In: --json. Out: a table; with --json the last line is {"bench": "sandbox", "figures": {NAME: NUMBER, ...}}.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=scripts/env.sh
. scripts/env.sh

# The whole workspace, so that what others built is of use.
cargo bench --quiet --workspace --locked --bench sandbox_parts -- "$@"
