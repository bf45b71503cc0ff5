"""Small images with an FFmpeg that states one licence and is configured for another."""

from __future__ import annotations

from binary_images import glibc, program, tool

from pytest_mediaimage.image.build import Item

LABEL = "org.opencontainers.image.licenses"
PYAV = b"--enable-version3 --enable-libx264 --enable-libx265"
"""As PyAV's wheels are built: x264 and x265 moved out of configure's list of GPL libraries."""


def ffmpeg(
    configuration: bytes, stated: bytes = b"GPL version 2 or later", *needed: bytes, path: str = "usr/bin/ffmpeg"
) -> Item:
    data = tool(program(b"libc.so.6", *needed), configuration=configuration)
    return Item(path, data.replace(b"GPL version 2 or later", stated), mode=0o755)


def image(configuration: bytes, stated: bytes = b"GPL version 2 or later", *needed: bytes) -> list[Item]:
    return [*glibc(), ffmpeg(configuration, stated, *needed)]
