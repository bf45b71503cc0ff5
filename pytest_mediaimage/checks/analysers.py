"""What the checks want to learn while a layer is read: the image's own analysers, and the FFmpeg builds."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from ..ffmpeg.build import Build
from ..ffmpeg.scanner import BuildScanner
from ..image.analysers import BUILT_IN
from ..image.beside import beside
from ..image.entries import Entry
from .package_licenses import PackageLicenses

NAME = "ffmpeg"
# libavutil, FFmpeg's smallest library, has 400 kB and more; a bare tool of a shared build 150 kB and more.
_SMALLEST = 64 * 1024


class _Build:
    def __init__(self, length: int) -> None:
        self._scanner = BuildScanner(length)

    def feed(self, chunk: bytes) -> None:
        self._scanner.feed(chunk)

    def finish(self) -> Future[dict[str, Any] | None] | None:
        return beside(self._read) if self._scanner.found() else None

    def _read(self) -> dict[str, Any] | None:
        build = self._scanner.finish()
        return build.to_json() if build else None


class FFmpegBuilds:
    """Finds FFmpeg's tools and libraries by their content; the fact is a Build as JSON."""

    name = NAME
    version = 4

    def watch(self, entry: Entry, head: bytes) -> _Build | None:
        return _Build(entry.size) if head[:4] == b"\x7fELF" and entry.size >= _SMALLEST else None


def from_json(fact: dict[str, Any]) -> Build:
    return Build.from_json(fact)


ANALYSERS = (*BUILT_IN, FFmpegBuilds(), PackageLicenses())
