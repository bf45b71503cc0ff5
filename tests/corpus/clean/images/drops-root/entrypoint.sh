#!/bin/sh
set -eu
usermod -o -u "${PUID:-911}" media
chown media /config
exec gosu media "$@"
