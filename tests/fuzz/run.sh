#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh SECONDS PROGRAM...: each fuzzer in turn, fuzz_x over a copy of corpus/x. New inputs stay in that copy
# (build/fuzz/found/x), findings in build/fuzz/artifacts; every fuzzer runs, and any finding makes the exit status 1.
set -eu

[ $# -ge 2 ] || { echo "usage: run.sh SECONDS PROGRAM..." >&2; exit 2; }
seconds=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
build=$here/../../build/fuzz
mkdir -p "$build/artifacts"
findings=()

for program in "$@"; do
    name=$(basename "$program")
    corpus=$here/corpus/${name#fuzz_}
    found=$build/found/${name#fuzz_}
    mkdir -p "$found"
    if [ -d "$corpus" ]; then
        cp -R "$corpus/." "$found"
    fi
    echo "== $name, $seconds s"
    ASAN_OPTIONS=detect_leaks=1 "$program" -max_total_time="$seconds" -max_len=70000 -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$build/artifacts/$name-" "$found" || findings+=("$name")
done

if [ ${#findings[@]} -gt 0 ]; then
    echo "findings: ${findings[*]}; see $build/artifacts" >&2
    exit 1
fi
