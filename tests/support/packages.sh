#!/bin/sh
# Installs what the tests need from Debian and this machine lacks. Without root it says what is missing; the tests
# that need it skip. Under CI=true that is an error, since a run that skips what it should test proves nothing.
set -eu
PATH="$PATH:/usr/sbin:/sbin"

missing=""
for pair in dockerd:docker.io iptables:iptables docker-registry:docker-registry ffmpeg:ffmpeg \
    mmdebstrap:mmdebstrap busybox:busybox-static openssl:openssl \
    podman:podman runc:runc qemu-aarch64-static:qemu-user-static readelf:binutils gcc:gcc make:make pkg-config:pkgconf; do
    command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    echo "installing$missing"
    # shellcheck disable=SC2086  # a list of packages
    apt-get install -qq -y --no-install-recommends $missing >/dev/null 2>&1 ||
        { apt-get update -qq && apt-get install -qq -y --no-install-recommends $missing >/dev/null; }
    exit 0
fi

echo "missing on this machine:$missing"
echo "  as root on Debian: apt-get install --no-install-recommends$missing"
if [ "${CI:-}" = true ]; then
    exit 1
fi
echo "  going on without; the tests that need them skip"
