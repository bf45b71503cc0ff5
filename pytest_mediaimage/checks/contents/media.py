"""`contents.media`: films and sounds, told by content and not by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ...image.analysers import archived_media
from ...image.analysers import media as media_files
from ...result import Finding, Severity, format_bytes
from ..context import Context
from ..many import each
from ..registry import check
from .found import Found, found, still_pulled

# Below it lie test clips of libraries: scipy ships 72 kB of WAVs. Above it somebody forgot a film.
_TOLERATED = 2 * 10**6
# What a package manager installed isn't forgotten, and a Dockerfile can't do much about it: gradio ships 4.8 MB of
# clips. A package of more is one that holds media on purpose.
_INSTALLED = re.compile(r"/(?:site-packages|dist-packages|node_modules)/")
_TOLERATED_INSTALLED = 50 * 10**6

_ARCHIVE = "an archive"
_FIX = (
    "Leave it out of the build context (.dockerignore) and fetch it when it is needed, or name it under contents.allow."
)

_FIX_INSTALLED = "Where nothing of yours uses them, delete them in the RUN that installs the package."


@check(
    "contents.media",
    fails="more than 2 MB of audio and video files in the layers, deleted ones included; in installed packages 50 MB",
    why="Films belong in object or artifact storage: here every node pulls them, and their rights travel with them.",
)
def media(context: Context) -> Iterator[Finding]:
    files = [*found(context, media_files.NAME), *_in_archives(context)]
    installed = [item for item in files if _INSTALLED.search(item.path)]
    weight = sum(item.length for item in installed)
    if _TOLERATED < weight <= _TOLERATED_INSTALLED:
        yield _tolerated(context, installed, weight, " of installed packages", _FIX_INSTALLED)
        files = [item for item in files if not _INSTALLED.search(item.path)]
    total = sum(item.length for item in files)
    context.measure(total, budget=_TOLERATED, unit="bytes")
    if total <= _TOLERATED:
        if files:
            yield _tolerated(context, files, total)
        return
    heaviest = sorted(files, key=lambda item: -item.length)
    yield from each(heaviest, lambda item: _told(context, item), "audio and video files")


def _told(context: Context, item: Found) -> Finding:
    return context.finding(
        f"{item.path} is {item.fact} ({format_bytes(item.length)}){still_pulled(context, item)}",
        layer=item.layer,
        file=item.path,
        bytes=item.length,
        evidence=_ARCHIVE if item.fact.startswith(_ARCHIVE) else item.fact,
        fix=_FIX,
    )


def _tolerated(context: Context, files: list[Found], total: int, where: str = "", fix: str = _FIX) -> Finding:
    """One note: libraries bring clips for their tests, and nobody wants a line for each."""
    largest = max(files, key=lambda item: item.length)
    count = "an audio or video file" if len(files) == 1 else f"{len(files)} audio and video files"
    return context.finding(
        f"{count}{where} ({format_bytes(total)} in all), the largest {largest.path}, {largest.fact}",
        severity=Severity.NOTE,
        layer=largest.layer,
        file=largest.path,
        bytes=total,
        evidence=largest.fact,
        fix=fix,
    )


def _in_archives(context: Context) -> Iterator[Found]:
    """Archives with media in them; the length is what those take in the archive."""
    for item in found(context, archived_media.NAME):
        fact = item.fact
        several = "" if fact["members"] == 1 else f"{fact['members']} audio and video files, the largest "
        yield replace(item, length=fact["bytes"], fact=f"{_ARCHIVE} with {several}{fact['name']}, {fact['what']}")
