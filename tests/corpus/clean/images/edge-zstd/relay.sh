#!/bin/sh
exec ffmpeg -v warning -i "$SOURCE" -c copy -f mpegts -listen 1 http://0.0.0.0:9000/
