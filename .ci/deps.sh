#!/bin/sh
# Installs what building (and, with "test", testing) needs: Debian 12 packages, by apt-get, with sudo when
# not root. On another system it prints the list. Does nothing, quickly, when everything is there.
#   .ci/deps.sh [build|demo|test|bench]
set -eu

build='gcc make re2c pkg-config binutils libevent-dev libc-ares-dev libssl-dev libnghttp2-dev
    ca-certificates libyaml-dev libjwt-dev libcyaml-dev'
demo="$build curl openssl"
test="$demo git gcc clang clang-format libclang-rt-14-dev universal-ctags libcmocka-dev python3 python3-pytest
    python3-pytest-xdist python3-pytest-timeout python3-yaml python3-jsonschema prometheus strace
    util-linux iproute2 man-db zsh wrk nghttp2-client nghttp2-server nginx-light libnginx-mod-stream haproxy python3-h2 python3-websockets
    python3-grpcio python3-cryptography python3-jwt python3-jwcrypto testssl.sh slowhttptest dnsmasq-base"
bench="$test libnginx-mod-http-js"

case ${1:-build} in
build) wanted=$build ;;
demo) wanted=$demo ;;
test) wanted=$test ;;
bench) wanted=$bench ;;
*) echo "usage: deps.sh [build|demo|test|bench]" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    lacks=
    for tool in gcc make re2c; do
        command -v "$tool" >/dev/null || lacks="$lacks $tool"
    done
    for header in event2/event.h ares.h openssl/ssl.h nghttp2/nghttp2.h yaml.h jwt.h cyaml/cyaml.h; do
        echo "#include <$header>" | gcc -E - >/dev/null 2>&1 || lacks="$lacks <$header>"
    done
    [ -n "$lacks" ] || exit 0
    echo "missing:$lacks"
    echo "apigw-gen needs the equivalents of these Debian 12 packages:"
    echo $wanted
    exit 3
fi

missing=
for package in $wanted; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "as root: apt-get install$missing" >&2; exit 3; }
    sudo=sudo
fi
echo "installing:$missing"
$sudo apt-get update -qq
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
