#!/usr/bin/env bash
# Lets libFuzzer look for inputs that break a decoder: scripts/fuzz.sh SECONDS [TARGET…], so many
# seconds for each target, or for those that are named. What it finds is in fuzz/artifacts; an input that is
# mended goes into fuzz/corpus/regressions. What it learns is kept in fuzz/target/grown, which can go at any time.
#
# No sanitizer is used: the gateway itself has no unsafe code, and without one the runs are twice as many, and need nothing
# that is unstable: the compiler is the one that the gateway is built with, or the one that FUZZ_TOOLCHAIN names
# (nightly). Overflows and debug assertions are checked.
set -euo pipefail
cd "$(dirname "$0")/.."

# Pinned, as all else is.
version=0.13.2

seconds=$1
shift
if ! cargo fuzz --version 2>/dev/null | grep -qF "$version"; then
  cargo install --locked "cargo-fuzz@$version"
fi
toolchain=${FUZZ_TOOLCHAIN:+"+$FUZZ_TOOLCHAIN"}
fuzz=(cargo $toolchain fuzz)
cd fuzz
echo "by $(rustc $toolchain --version)"
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  mapfile -t targets < <("${fuzz[@]}" list)
fi
# All at once, so that the time of each is its own.
"${fuzz[@]}" build --sanitizer none
failed=()
for target in "${targets[@]}"; do
  mkdir -p "target/grown/$target" "corpus/regressions/$target"
  echo "== $target, $seconds seconds"
  "${fuzz[@]}" run --sanitizer none "$target" \
    "target/grown/$target" "corpus/$target" "corpus/regressions/$target" -- \
    -max_total_time="$seconds" -dict=fuzz.dict -max_len=16384 -timeout=10 -print_final_stats=1 || failed+=("$target")
  rmdir --ignore-fail-on-non-empty "corpus/regressions/$target"
done
if [ ${#failed[@]} -gt 0 ]; then
  echo "broken: ${failed[*]}" >&2
  exit 1
fi
