"""What the checks want to learn while a layer is read: the image's own analysers, and FFmpeg's identity."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ..ffmpeg import FFmpegIdentity, IdentityScanner
from ..image.analysers import BUILT_IN
from ..image.entries import Entry

NAME = "ffmpeg"
# libavutil, FFmpeg's smallest library, has 400 kB and more; a bare tool of a shared build 150 kB and more.
_SMALLEST = 64 * 1024


class _Identity:
    def __init__(self) -> None:
        self._scanner = IdentityScanner()

    def feed(self, chunk: bytes) -> None:
        self._scanner.feed(chunk)

    def finish(self) -> dict[str, Any] | None:
        identity = self._scanner.finish()
        return asdict(identity) if identity else None


class FFmpegIdentities:
    """Finds FFmpeg's tools and libraries by their content; the fact is an FFmpegIdentity as JSON."""

    name = NAME
    version = 3

    def watch(self, entry: Entry, head: bytes) -> _Identity | None:
        return _Identity() if head[:4] == b"\x7fELF" and entry.size >= _SMALLEST else None


def from_json(fact: dict[str, Any]) -> FFmpegIdentity:
    return FFmpegIdentity(**fact)


ANALYSERS = (*BUILT_IN, FFmpegIdentities())
