#!/bin/sh
# Runs each fuzz target of a folder for a bounded time on a scratch copy of its corpus.
#   run.sh FOLDER SECONDS
set -eu
top=$(cd "$(dirname "$0")" && pwd)
for target in "$1"/fuzz_*; do
    case $target in *.d) continue ;; esac
    name=${target##*/fuzz_}
    work=$(mktemp -d)
    mkdir -p "$work/new"
    echo "fuzz $name, $2 s"
    if ! "$target" -max_total_time="$2" -timeout=10 -rss_limit_mb=2048 -max_len=4096 -print_final_stats=0 \
        -artifact_prefix="$work/" "$work/new" $(test -d "$top/corpus/$name" && echo "$top/corpus/$name") >"$work/log" 2>&1; then
        tail -40 "$work/log"
        for found in "$work"/crash-* "$work"/timeout-* "$work"/oom-* "$work"/leak-*; do
            test -f "$found" && { echo "input that breaks fuzz_$name (base64):"; base64 "$found"; }
        done
        exit 1
    fi
    tail -1 "$work/log"
    rm -rf "$work"
done
