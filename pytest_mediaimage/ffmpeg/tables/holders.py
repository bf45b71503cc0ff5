"""Which of FFmpeg's libraries holds which table."""

from __future__ import annotations

HOLDERS = {
    "encoders": "libavcodec",
    "decoders": "libavcodec",
    "filters": "libavfilter",
    "muxers": "libavformat",
    "demuxers": "libavformat",
    "protocols": "libavformat",
    "bitstream_filters": "libavcodec",
}
"""The library that holds a table. Devices are muxers and demuxers of libavdevice, besides."""
