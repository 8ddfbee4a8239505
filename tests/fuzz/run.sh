#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh SECONDS PROGRAM...: each fuzzer in turn, fuzz_x from corpus/x. New inputs stay
# beside the program, a failing one is printed by libFuzzer and ends the run.
set -eu

seconds=$1
shift
corpora=$(dirname "$0")/corpus

for program in "$@"; do
    name=$(basename "$program")
    found=$(dirname "$program")/$name.found
    mkdir -p "$found"
    echo "== $name, $seconds s"
    "$program" -max_total_time="$seconds" -max_len=70000 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$found-" "$found" "$corpora/${name#fuzz_}"
done
