#!/bin/sh
# C lives in templates: no statement ends and no #include inside string literals of the compiler.
set -eu
if grep -nE '"[^"]*;\\n"|"#include' gen/*.c gen/*/*.c; then
    echo '^ generated C belongs in templates/'
    exit 1
fi
# One exit: main returns, nothing else ends the process (pool.c may abort).
if grep -nE '(^|[^_[:alnum:]])(exit|_exit|quick_exit)\(' gen/*.c gen/*/*.c; then
    echo '^ the compiler ends in main only'
    exit 1
fi
