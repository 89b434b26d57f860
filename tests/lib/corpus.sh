#!/bin/sh
# Builds every root document of a corpus of foreign OpenAPI documents; prints time, memory and size of each.
#   corpus.sh APIGW-GEN CORPUS
set -eu
gen=$1
corpus=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
one() { # DOCUMENT
    if ! /usr/bin/env time -f '%e s, %M KiB' -o "$work/time" "$gen" build -q --passthrough-auth \
        --upstream http://127.0.0.1:9 "$1" -o "$work/gw" 2>"$work/log"; then
        echo "FAILED: $1"
        tail -5 "$work/log"
        failed=1
        return
    fi
    printf '%-70s %s, %s bytes, %s routes\n' "${1#"$corpus"/}" "$(tail -1 "$work/time")" \
        "$(stat -c %s "$work/gw")" "$("$work/gw" --routes | wc -l)"
}
for document in "$corpus"/box/openapi.json "$corpus"/digitalocean/DigitalOcean-public.v2.yaml "$corpus"/discord/openapi.json \
    "$corpus"/github/api.github.com.json "$corpus"/kubernetes/api_v1.json "$corpus"/museum/openapi.yaml \
    "$corpus"/openai/openapi.yaml "$corpus"/paypal/checkout_orders_v2.json "$corpus"/pokeapi/openapi.yml \
    "$corpus"/spotify/fixed-spotify-open-api.yml "$corpus"/twilio/twilio_api_v2010.json; do
    one "$document"
done
# The many small ones share their time with `check`, which reads all that `build` reads.
for document in "$corpus"/learn/v3.*/* "$corpus"/oas-examples/3.*/*/*; do
    case $document in *.json | *.yaml | *.yml) ;; *) continue ;; esac
    grep -qE '"?openapi"?: *["'"'"']?3' "$document" || continue
    "$gen" check -q --passthrough-auth --upstream http://127.0.0.1:9 "$document" >"$work/log" 2>&1 || {
        echo "FAILED check: $document"
        tail -5 "$work/log"
        failed=1
    }
done
exit $failed
