"""What a file holds beside the picture: its tracks, what they say of themselves, cues of subtitles, chapters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av.stream import Disposition

from ..errors import JudgeError
from . import judge

KINDS = ("video", "audio", "subtitle")
DISPOSITIONS = frozenset(item.name or "" for item in Disposition)
"""FFmpeg's names of what a stream is for."""
_MAX_CUES = 100_000
_OVERRIDE = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True, slots=True)
class Cue:
    """A line of subtitles: begin and end in seconds, text without its markup."""

    begin: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class Track:
    """`kind` is one of KINDS; `language` as ISO 639-2, "und" where it isn't said. `dispositions` are FFmpeg's names.

    `layout` is of audio, `cues` are of subtitles.
    """

    kind: str
    codec: str
    language: str
    dispositions: frozenset[str]
    layout: str = ""
    cues: tuple[Cue, ...] = ()


@dataclass(frozen=True, slots=True)
class Chapter:
    """`start` and `end` in seconds."""

    start: float
    end: float
    title: str


@dataclass(frozen=True, slots=True)
class Contents:
    """Tracks in their order, without those for data; chapters in theirs."""

    tracks: tuple[Track, ...]
    chapters: tuple[Chapter, ...]

    def of(self, kind: str) -> list[Track]:
        return [track for track in self.tracks if track.kind == kind]


def contents_of(path: Path) -> Contents:
    """Reads all packets of subtitles, decodes nothing else. Raises JudgeError."""
    with judge.open_media(path) as container:
        cues = _cues(path, container)
        tracks = [_track(stream, cues.get(stream.index, [])) for stream in container.streams if stream.type in KINDS]
        return Contents(tuple(tracks), tuple(map(_chapter, container.chapters())))


def _track(stream: Any, cues: list[Cue]) -> Track:
    context = stream.codec_context
    return Track(
        stream.type,
        context.codec.canonical_name if context is not None else "none",
        stream.language or "und",
        frozenset(item.name or "" for item in Disposition if item in stream.disposition),
        context.layout.name if stream.type == "audio" and context is not None else "",
        tuple(cues),
    )


def _chapter(raw: Any) -> Chapter:
    base, title = raw["time_base"], raw["metadata"].get("title", "")
    return Chapter(float(raw["start"] * base), float(raw["end"] * base), title)


def _cues(path: Path, container: Any) -> dict[int, list[Cue]]:
    found: dict[int, list[Cue]] = {}
    streams = [stream for stream in container.streams.subtitles if stream.codec_context is not None]
    if not streams:
        return found
    for packet in container.demux(streams):
        if not packet.size or packet.pts is None:
            continue
        try:
            lines = [_text(line) for line in packet.decode() if hasattr(line, "ass")]
        except av.FFmpegError as error:
            raise JudgeError(f"{path}: subtitle stream {packet.stream_index} is damaged: {error.strerror}") from error
        cues = found.setdefault(packet.stream_index, [])
        begin = float(packet.pts * packet.time_base)
        end = begin + float((packet.duration or 0) * packet.time_base)
        cues += [Cue(begin, end, line) for line in lines if line]
        if len(cues) > _MAX_CUES:
            raise JudgeError(f"{path}: subtitle stream {packet.stream_index} has more than {_MAX_CUES} lines")
    return found


def _text(line: Any) -> str:
    # Of an ASS event the text is the ninth field, since the rest is there without its times.
    fields = line.ass.decode("utf-8", "replace").split(",", 8)
    return _OVERRIDE.sub("", fields[-1]).replace("\\N", "\n").strip()
