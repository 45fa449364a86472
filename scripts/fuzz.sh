#!/usr/bin/env bash
# Fuzzes what parses bytes of strangers (fuzz/fuzz_targets), each target for a while; ends with 1 at the first input that breaks one.
#
#   scripts/fuzz.sh                   15 s each
#   scripts/fuzz.sh --seconds 3600    longer
#   scripts/fuzz.sh --seed 1          the same way each time, as the checks do: a change is not blamed for what chance finds elsewhere
#   scripts/fuzz.sh links media       these alone
#
# What was found is kept in fuzz/corpus, what breaks in fuzz/artifacts:  cargo fuzz run --dev --sanitizer none links fuzz/artifacts/links/...
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh

seconds=15
seed=0 # for libFuzzer: chosen by chance
targets=()
while [ $# -gt 0 ]; do
    case "$1" in
    --seconds)
        seconds="${2:?--seconds takes a number}"
        shift
        ;;
    --seed)
        seed="${2:?--seed takes a number}"
        shift
        ;;
    -h | --help)
        sed -n '2,9s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *) targets+=("$1") ;;
    esac
    shift
done
if [ ${#targets[@]} -eq 0 ]; then
    mapfile -t targets < <(cargo fuzz list)
fi

# The coverage that libFuzzer steers by is stable in rustc; cargo-fuzz asks for the unstable sanitizers unless told otherwise. A target folder of its
# own, or these flags would have everything else built anew.
export CARGO_TARGET_DIR="$CARGO_TARGET_DIR/fuzz"
cargo fuzz build --dev --sanitizer none
for target in "${targets[@]}"; do
    echo "fuzz: $target for $seconds s"
    corpus="fuzz/corpus/$target"
    mkdir -p "$corpus"
    cargo fuzz run --dev --sanitizer none "$target" "$corpus" "fuzz/seeds/$target" -- \
        -seed="$seed" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=1024 -verbosity=0
done
