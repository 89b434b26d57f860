#!/bin/sh
# Makes what the two gateways show each other and their clients, for thirty days: an authority (ca), a certificate of
# each kind for the edge, one for the service behind it, and one with which the edge comes to the service. The second
# time it keeps the authority and renews the rest.
#   certs.sh FOLDER
set -eu

mkdir -p "$1"
cd "$1"

# key_of NAME ALGORITHM [openssl genpkey's options]
key_of() {
    (umask 077 && openssl genpkey -quiet -algorithm "$2" -pkeyopt "$3" -out "$1.key")
}

# issue NAME SUBJECT EXTENSION...: a certificate for NAME.key, signed by the authority.
issue() {
    name=$1 subject=$2
    shift 2
    printf '%s\n' "$@" > "$name.ext"
    openssl req -new -key "$name.key" -subj "/CN=$subject" |
        openssl x509 -req -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile "$name.ext" -out "$name.crt" 2>/dev/null
    rm "$name.ext"
}

if [ ! -f ca.crt ]; then
    key_of ca EC ec_paramgen_curve:P-256
    openssl req -x509 -new -key ca.key -subj '/CN=An authority for an example' -days 30 -out ca.crt
fi

here='subjectAltName = DNS:localhost, IP:127.0.0.1'
key_of edge-ecdsa EC ec_paramgen_curve:P-256
issue edge-ecdsa localhost "$here" 'extendedKeyUsage = serverAuth'
key_of edge-rsa RSA rsa_keygen_bits:2048
issue edge-rsa localhost "$here" 'extendedKeyUsage = serverAuth'

key_of orders EC ec_paramgen_curve:P-256
issue orders orders.internal 'subjectAltName = DNS:orders.internal' 'extendedKeyUsage = serverAuth'
key_of edge-client EC ec_paramgen_curve:P-256
issue edge-client edge 'subjectAltName = DNS:edge.internal' 'extendedKeyUsage = clientAuth'
