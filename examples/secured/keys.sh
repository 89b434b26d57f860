#!/bin/sh
# Makes what callers and gateway know of each other: the key pair of those who sign the staff's tokens, the key of a kiosk, the
# hash of the keeper's password (which is "open sesame"), and the secret of the nightly job.
#   keys.sh FOLDER    with apigw-gen as $APIGW_GEN
set -eu

gen=${APIGW_GEN:-apigw-gen}
mkdir -p "$1"
cd "$1"
umask 077
openssl ecparam -name prime256v1 -genkey -noout -out staff.key
openssl ec -in staff.key -pubout -out staff.pub 2>/dev/null
openssl rand -hex 20 > kiosk.key
openssl rand -hex 20 > nightly.secret
printf 'open sesame\n' | "$gen" password > keeper.hash
