#!/bin/sh
exec nice ffmpeg "$@"
