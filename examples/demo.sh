#!/bin/sh
# The tour in one minute: compile examples/petstore with embedded answers, run it, talk to it, stop it.
#   demo.sh [APIGW-GEN]
set -eu

here=$(cd "$(dirname "$0")" && pwd)
gen=${1:-build/release/apigw-gen}
work=$(mktemp -d)
gateway=
trap 'test -z "$gateway" || kill "$gateway" 2>/dev/null; rm -rf "$work"' EXIT

bold= plain=
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

say '1. The document: examples/petstore/openapi.yaml'
"$gen" routes "$here/petstore/openapi.yaml"

say '2. Compile it, with the answers of its examples built in (--mock)'
"$gen" build --mock "$here/petstore/openapi.yaml" -o "$work/petstore"

say '3. One static file'
ls -lh "$work/petstore" | awk '{ print "size:   " $5 }'
printf 'linked: '
ldd "$work/petstore" 2>&1 | sed 's/^[[:space:]]*//' || true

say '4. Start it on a free port'
"$work/petstore" --listen 127.0.0.1:0 --status 127.0.0.1:0 >"$work/access.log" 2>"$work/messages" &
gateway=$!
tries=0
while ! grep -q ' ready$' "$work/messages"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ] || ! kill -0 "$gateway" 2>/dev/null; then
        cat "$work/messages"
        echo 'the gateway did not start' >&2
        exit 1
    fi
    sleep 0.05
done
cat "$work/messages"
address=$(sed -n 's/.*listening on \([0-9.]*:[0-9]*\).*/\1/p' "$work/messages" | head -1)

# The words as one would type them.
typed() {
    for word; do
        case $word in
        *[!A-Za-z0-9:/._=-]*) printf " '%s'" "$word" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
}
ask() {
    say "\$ curl$(typed "$@")"
    curl -sS -i --max-time 5 "$@"
    echo
}
say '5. Ask it'
ask "http://$address/v1/pets"
ask "http://$address/v1/pets/7"
ask -X POST -H 'Content-Type: application/json' -d '{"name":"Rex"}' "http://$address/v1/pets"
ask -X DELETE "http://$address/v1/pets"
ask "http://$address/v1/no/such/thing"

say '6. Its access log'
kill -TERM "$gateway"
wait "$gateway" || { echo "the gateway ended with $?" >&2; exit 1; }
gateway=
sort "$work/access.log"

say "Done. Next: $gen init > openapi.yaml; $gen run openapi.yaml --mock"
