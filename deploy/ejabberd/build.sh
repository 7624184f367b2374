#!/bin/sh
# Compiles the modules in modules/ against the ejabberd of this machine:   build.sh OUTPUT_DIRECTORY
# Load them with ERL_OPTIONS="-pa OUTPUT_DIRECTORY" in ejabberdctl.cfg. (`ejabberdctl module_install` cannot find the
# headers of Debian's packages, hence this script.)
#
# Found by itself: Debian and Ubuntu packages, the installer under /opt, the container image. Otherwise name the directory that
# holds ejabberd's include/ and ebin/ in EJABBERD_DIR, and the one that holds its libraries in EJABBERD_LIBS.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
out=${1:?usage: build.sh OUTPUT_DIRECTORY}

# first existing argument that holds a file $1
first_with() {
  wanted=$1
  shift
  for directory in "$@"; do
    if [ -e "$directory/$wanted" ]; then
      printf '%s\n' "$directory"
      return 0
    fi
  done
  return 1
}

ejabberd=${EJABBERD_DIR:-$(first_with include/mod_muc_room.hrl \
  /usr/lib/*/ejabberd-* /usr/lib/ejabberd-* /opt/ejabberd-*/lib/ejabberd-* /opt/ejabberd*/lib/ejabberd-* \
  /home/ejabberd/lib/ejabberd-* /usr/local/lib/ejabberd-*)} || {
  echo "build.sh: ejabberd's headers were not found; set EJABBERD_DIR" >&2
  exit 1
}
libs=${EJABBERD_LIBS:-$(dirname -- "$ejabberd")}
xmpp=$(first_with include/xmpp.hrl "$libs"/xmpp-* "$libs"/p1_xmpp-* /usr/lib/erlang/lib/p1_xmpp-* /usr/lib/erlang/lib/xmpp-*) || {
  echo "build.sh: the headers of the xmpp library were not found; set EJABBERD_LIBS" >&2
  exit 1
}

# Debian calls the library p1_xmpp, its headers are included as xmpp/include/xmpp.hrl: give it that name.
shim=$(mktemp -d)
trap 'rm -rf "$shim"' EXIT
mkdir -p "$out" "$shim/xmpp"
ln -s "$xmpp/include" "$shim/xmpp/include"
ln -s "$xmpp/ebin" "$shim/xmpp/ebin"

ERL_LIBS="$shim:$libs" erlc +debug_info -I "$ejabberd/include" -pa "$ejabberd/ebin" -o "$out" "$here"/modules/*.erl
