#!/bin/sh
set -eu
sox --norm=-1 "$1" -t wav - | lame --silent -V 2 - "$2"
