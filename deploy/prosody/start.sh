#!/bin/sh
# Starts Prosody in a container as its ordinary user. Without a certificate for XMPP_DOMAIN in the data volume it makes one that
# nobody has signed: enough to try it out, and the log says so. Put your own beside it (deploy/README.md) and it stays as it is.
set -eu
umask 077

domain=${XMPP_DOMAIN:-localhost}
certificates=${PROSODY_CERTIFICATES:-${PROSODY_DATA_DIR:-/var/lib/prosody}/certs}
export PROSODY_CERTIFICATES="$certificates"

mkdir -p "$certificates"
if [ ! -e "$certificates/$domain.crt" ]; then
  echo "no certificate for $domain in $certificates: making one that nobody has signed" >&2
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 \
    -subj "/CN=$domain" -addext "subjectAltName=DNS:$domain,DNS:rooms.$domain" \
    -keyout "$certificates/$domain.key" -out "$certificates/$domain.crt" 2>/dev/null
fi
exec prosody -F --config /etc/prosody/prosody.cfg.lua
