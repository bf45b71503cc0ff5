#!/bin/sh
set -eu
exec ffmpeg -nostdin -v warning -y -i "$1" -c:v libx264 -preset fast -crf 22 -c:a aac -movflags +faststart "$2"
