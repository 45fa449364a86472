#!/usr/bin/env bash
# Every check of the project, as CI runs them: scripts, formatting, lints, documentation, dependencies, tests.
#
#   scripts/test.sh                     everything
#   scripts/test.sh -E 'test(cancel)'   the same, but only these tests (arguments go to cargo nextest run)
#
# All phases run, also after one has failed; ends with 0 if all passed, else with 1.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
# shellcheck source=scripts/env.sh
. scripts/env.sh

summary=()
failed=0

phase() {
    local name="$1" began=$SECONDS result=ok
    shift
    echo
    echo "== $name: $*"
    if ! "$@"; then
        result=FAILED
        failed=1
    fi
    summary+=("$(printf '%-8s %-6s %4d s' "$name" "$result" $((SECONDS - began)))")
    echo "== $name: $result after $((SECONDS - began)) s"
}

# shellcheck disable=SC2317 # called through phase
check_scripts() {
    shellcheck --external-sources scripts/*.sh scripts/*/*.sh .ci/run &&
        python3 -c 'import ast, sys; [ast.parse(open(name).read(), name) for name in sys.argv[1:]]' scripts/*/*.py crates/*/tests/*/*.py tests/it/*/*.py
}

# shellcheck disable=SC2317 # called through phase
doc_tests() {
    if grep -rqE '^\s*//[/!] ```(rust|no_run|should_panic)?\s*$' src crates/*/src; then
        cargo test --workspace --doc --locked
    else
        echo "no documentation example to run"
    fi
}

phase setup env TGFERRY_HOME="$tgferry_home" bash scripts/setup.sh --dev
if [ "$failed" -ne 0 ]; then exit 1; fi
phase scripts check_scripts
phase fmt cargo fmt --all --check
phase clippy cargo clippy --workspace --all-targets --locked -- -D warnings
phase doc env RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps --locked
phase deny cargo deny --offline --locked check bans licenses sources
phase machete cargo machete
phase doctest doc_tests
phase fuzz scripts/fuzz.sh --seconds 15 --seed 1
# Last, so that the closing line of the run is the count of tests.
phase tests cargo nextest run --workspace --locked --no-fail-fast --profile ci "$@"

echo
printf '%s\n' "${summary[@]}" >&2
exit "$failed"
