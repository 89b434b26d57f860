#!/bin/sh
# The long tests, sharing out a time: sanitizers over everything and a soak, fuzzing, every document of the corpus, crowds, a soak.
#   long.sh TIME CORPUS        (TIME: seconds, or 10m)
set -eu
cd "$(dirname "$0")/../.."
case $1 in
*m) total=$((${1%m} * 60)) ;;
*) total=${1%s} ;;
esac
corpus=$2
python=${PYTHON:-/usr/bin/python3}

echo "== sanitizers (ASan, UBSan): unit tests, then the end-to-end tests"
make --no-print-directory -j2 VARIANT=san all build-unit
make --no-print-directory VARIANT=san unit
APIGW_GEN=$PWD/build/san/apigw-gen CORPUS=$corpus "$python" -m pytest -q -p no:cacheprovider --timeout=300 -n 3 tests/golden tests/e2e
make --no-print-directory VARIANT=san soak SOAK_TIME=$((total / 8))

targets=$(ls tests/fuzz/fuzz_*.c | wc -l)
each=$((total / 3 / targets))
test "$each" -ge 5 || each=5
echo "== fuzzing: $targets targets, $each s each"
make --no-print-directory fuzz FUZZ_TIME="$each"

echo "== the corpus: every document builds"
make --no-print-directory -j2 all
if [ -d "$corpus" ]; then
    tests/lib/corpus.sh build/release/apigw-gen "$corpus"
else
    echo "skipped: no folder $corpus"
fi

echo "== crowds: memory against what is stated, what others notice"
make --no-print-directory crowds RUN="-n 1 -t 3"

echo "== soak, $((total / 4)) s"
make --no-print-directory soak SOAK_TIME=$((total / 4))
