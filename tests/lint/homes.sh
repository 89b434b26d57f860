#!/bin/sh
# Each foreign library has one home. Prints every include that stands elsewhere; exit 1 when there is one.
# Usage: homes.sh (from the top of the tree)
set -eu
status=0
home() { # PATTERN FOLDERS…: only files below FOLDERS may include PATTERN
    pattern=$1
    shift
    found=$(grep -rnE "#include <$pattern" gen runtime --include='*.[ch]' --include='*.re' || true)
    for place in "$@"; do
        found=$(printf '%s\n' "$found" | grep -v "^$place" || true)
    done
    if [ -n "$found" ]; then
        printf '%s\n' "$found" | sed 's/$/   <- this library has another home/'
        status=1
    fi
}
home 'yaml\.h' gen/yaml.c runtime/base/data_yaml.c
home 'cyaml/' gen/xgateway gen/policy/
home 'jwt\.h' gen/token_mint.c
home 'event2/' runtime/io/
home 'ares' runtime/io/dns
home 'openssl/' runtime/io/tls runtime/base/crypto.c runtime/base/jws.c runtime/base/jwk.c runtime/base/password.c
home 'nghttp2/' runtime/http/h2
# gen/ sees of the runtime nothing but its ground floor, and the runtime nothing of gen/.
if grep -rnE '#include "(io|http|client|request)/|#include "(gw|serve|admin)\.h"' gen; then
    echo '^ the compiler includes a module of the runtime above base/'
    status=1
fi
exit $status
