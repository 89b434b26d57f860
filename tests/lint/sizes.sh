#!/bin/sh
# Sizes of house and rooms: a function has at most 80 lines, a source file 600, a header 250.
# Usage: sizes.sh FILE…      (needs universal-ctags)
set -eu
status=0
for file in "$@"; do
    lines=$(wc -l < "$file")
    limit=600
    case $file in *.h) limit=250 ;; esac
    if [ "$lines" -gt "$limit" ]; then
        echo "$file: $lines lines, more than $limit: two rooms?"
        status=1
    fi
done
long=$(ctags --languages=C --langmap=C:+.re --kinds-C=f --fields=+ne -o - "$@" 2>/dev/null |
    awk -F'\t' '{ first = last = 0
        for (i = 4; i <= NF; i++) { if ($i ~ /^line:/) first = substr($i, 6); if ($i ~ /^end:/) last = substr($i, 5) }
        if (last - first + 1 > 80) print $2 ":" first ": " $1 " has " last - first + 1 " lines, more than 80" }')
if [ -n "$long" ]; then
    echo "$long"
    status=1
fi
exit $status
