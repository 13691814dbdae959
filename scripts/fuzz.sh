#!/usr/bin/env bash
# Lets libFuzzer look for inputs that break a decoder: scripts/fuzz.sh SECONDS [TARGET…], so many
# seconds for each target, or for those that are named. What it finds is in fuzz/artifacts; an input that is
# mended goes into fuzz/corpus/regressions. What it learns is kept in fuzz/target/grown, which can go at any time.
#
# The compiler is the stable one: RUSTC_BOOTSTRAP lets it take the two unstable options that
# coverage needs. No sanitizer is used: the gateway has no unsafe code, and without one the runs are
# twice as many. Overflows and debug assertions are checked.
set -euo pipefail
cd "$(dirname "$0")/.."

# Pinned, as all else is.
version=0.13.2

seconds=$1
shift
if ! cargo fuzz --version 2>/dev/null | grep -qF "$version"; then
  cargo install --locked "cargo-fuzz@$version"
fi
export RUSTC_BOOTSTRAP=1
cd fuzz
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  mapfile -t targets < <(cargo fuzz list)
fi
failed=()
for target in "${targets[@]}"; do
  mkdir -p "target/grown/$target" "corpus/regressions/$target"
  echo "== $target, $seconds seconds"
  cargo fuzz run --sanitizer none "$target" \
    "target/grown/$target" "corpus/$target" "corpus/regressions/$target" -- \
    -max_total_time="$seconds" -dict=fuzz.dict -max_len=16384 -timeout=10 -print_final_stats=1 || failed+=("$target")
  rmdir --ignore-fail-on-non-empty "corpus/regressions/$target"
done
if [ ${#failed[@]} -gt 0 ]; then
  echo "broken: ${failed[*]}" >&2
  exit 1
fi
