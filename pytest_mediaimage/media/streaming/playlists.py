"""What HLS playlists (RFC 8216) and DASH manifests (ISO/IEC 23009-1) say, and the files that they name.

They come from the image under test and are not trusted: files are named relative to the playlist's own directory and
below it, never by an absolute path, an address or `..`; length and number of names are limited, and XML with a document
type (which entities would need) is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import unquote

from ...errors import JudgeError

MAX_NAMES = 1000
_MAX_DEPTH = 8
_MAX_NAME = 200
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ATTRIBUTE = re.compile(r'(?<![A-Z0-9-])([A-Z0-9-]++)=("[^"]*"|[^,]*)')
_DECIMAL = re.compile(r"\d{1,12}(?:\.\d{0,12})?", re.ASCII)
_INTEGER = re.compile(r"\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Piece:
    """A file, or `length` bytes of it from `start`."""

    name: str
    start: int = 0
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A media segment: `duration` and (DASH) `start` in seconds as declared; `init` is what its decoder needs first.

    `exact` is false where one duration is declared for all segments: ISO/IEC 23009-1 then allows half of it either way.
    """

    piece: Piece
    duration: float
    init: Piece | None = None
    start: float | None = None
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Variant:
    """EXT-X-STREAM-INF: a media playlist, `bandwidth` in bits per second at its peak, codecs as RFC 6381 names them."""

    name: str
    bandwidth: int | None = None
    codecs: tuple[str, ...] = ()
    width: int | None = None
    height: int | None = None
    audio: str = ""


@dataclass(frozen=True, slots=True)
class Rendition:
    """EXT-X-MEDIA: `kind` is AUDIO, SUBTITLES, ...; `name` the media playlist, "" where it is in the variant's."""

    kind: str
    group: str
    name: str


@dataclass(frozen=True, slots=True)
class MasterPlaylist:
    """`independent`: EXT-X-INDEPENDENT-SEGMENTS holds for all its media playlists."""

    variants: tuple[Variant, ...]
    renditions: tuple[Rendition, ...] = ()
    independent: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return _unique([item.name for item in self.variants] + [item.name for item in self.renditions if item.name])


@dataclass(frozen=True, slots=True)
class MediaPlaylist:
    """`target` in seconds, None where EXT-X-TARGETDURATION is missing; `ended`: EXT-X-ENDLIST is there."""

    segments: tuple[Segment, ...]
    version: int = 1
    target: int | None = None
    sequence: int = 0
    independent: bool = False
    ended: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return _names(self.segments)


@dataclass(frozen=True, slots=True)
class Representation:
    """One track of a manifest. `kind` is video, audio or text; `bandwidth` in bits per second."""

    id: str
    kind: str
    segments: tuple[Segment, ...]
    codecs: tuple[str, ...] = ()
    bandwidth: int | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """An MPD with one period: `duration` in seconds, `static` where all segments are there."""

    representations: tuple[Representation, ...]
    duration: float | None = None
    static: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        return _names([segment for track in self.representations for segment in track.segments])


Playlist = MasterPlaylist | MediaPlaylist | Manifest


def beside(playlist: str, name: str) -> str:
    """What a playlist calls `name`, seen from where the playlist itself is called `playlist`."""
    return str(PurePosixPath(playlist).parent / name)


def parse_hls(text: str) -> MasterPlaylist | MediaPlaylist:
    """A master playlist where it has EXT-X-STREAM-INF, else a media playlist. Raises JudgeError."""
    lines = [line.strip() for line in text.splitlines()]
    if not lines or lines[0] != "#EXTM3U":
        raise JudgeError("the first line isn't #EXTM3U")
    lines = [line for line in lines[1:] if line and (not line.startswith("#") or line.startswith("#EXT"))]
    if any(line.startswith("#EXT-X-STREAM-INF:") for line in lines):
        return _master(lines)
    return _media(lines)


def _master(lines: list[str]) -> MasterPlaylist:
    variants: list[Variant] = []
    renditions: list[Rendition] = []
    pending: Variant | None = None
    for line in lines:
        tag, _, value = line.partition(":")
        if tag == "#EXT-X-STREAM-INF":
            attributes = _attributes(value)
            width, _, height = attributes.get("RESOLUTION", "").partition("x")
            pending = Variant(
                name="",
                bandwidth=_optional(attributes.get("BANDWIDTH")),
                codecs=codecs_of(attributes.get("CODECS", "")),
                width=_optional(width),
                height=_optional(height),
                audio=attributes.get("AUDIO", ""),
            )
        elif tag == "#EXT-X-MEDIA":
            attributes = _attributes(value)
            uri = attributes.get("URI", "")
            name = file_name(uri) if uri else ""
            renditions.append(Rendition(attributes.get("TYPE", ""), attributes.get("GROUP-ID", ""), name))
        elif not line.startswith("#"):
            if pending is None:
                raise JudgeError(f"{line[:80]!r} has no EXT-X-STREAM-INF before it")
            variants.append(replace(pending, name=file_name(line)))
            pending = None
        if len(variants) + len(renditions) > MAX_NAMES:
            raise JudgeError(f"over {MAX_NAMES} files are named")
    if pending is not None:
        raise JudgeError("the last EXT-X-STREAM-INF has no playlist after it")
    return MasterPlaylist(tuple(variants), tuple(renditions), "#EXT-X-INDEPENDENT-SEGMENTS" in lines)


def _media(lines: list[str]) -> MediaPlaylist:
    numbers = {"#EXT-X-VERSION": 1, "#EXT-X-TARGETDURATION": -1, "#EXT-X-MEDIA-SEQUENCE": 0}
    segments: list[Segment] = []
    duration: float | None = None
    init: Piece | None = None
    part: tuple[int, int | None] | None = None
    for line in lines:
        tag, _, value = line.partition(":")
        if tag == "#EXTINF":
            duration = decimal(value.split(",")[0])
        elif tag == "#EXT-X-BYTERANGE":
            part = _range(value)
        elif tag == "#EXT-X-MAP":
            attributes = _attributes(value)
            length, start = _range(attributes["BYTERANGE"]) if "BYTERANGE" in attributes else (None, None)
            init = Piece(file_name(attributes.get("URI", "")), start or 0, length)
        elif tag == "#EXT-X-KEY" and _attributes(value).get("METHOD") != "NONE":
            raise JudgeError("its segments are encrypted; the judge has no key")
        elif tag in numbers:
            numbers[tag] = integer(value)
        elif not line.startswith("#"):
            if duration is None:
                raise JudgeError(f"{line[:80]!r} has no EXTINF before it")
            segments.append(Segment(_piece(file_name(line), part, segments), duration, init))
            duration = part = None
            if len(segments) > MAX_NAMES:
                raise JudgeError(f"over {MAX_NAMES} segments are named")
    target = numbers["#EXT-X-TARGETDURATION"]
    return MediaPlaylist(
        segments=tuple(segments),
        version=numbers["#EXT-X-VERSION"],
        target=None if target < 0 else target,
        sequence=numbers["#EXT-X-MEDIA-SEQUENCE"],
        independent="#EXT-X-INDEPENDENT-SEGMENTS" in lines,
        ended="#EXT-X-ENDLIST" in lines,
    )


def _piece(name: str, part: tuple[int, int | None] | None, before: list[Segment]) -> Piece:
    if part is None:
        return Piece(name)
    length, start = part
    if start is None:  # goes on where the segment before ended
        last = before[-1].piece if before else None
        if last is None or last.name != name or last.length is None:
            raise JudgeError(f"the byte range of {name} has no start")
        start = last.start + last.length
    return Piece(name, start, length)


def _range(value: str) -> tuple[int, int | None]:
    """`LENGTH[@START]`."""
    length, at, start = value.partition("@")
    return integer(length), integer(start) if at else None


def _attributes(text: str) -> dict[str, str]:
    return {key: value.strip('"') for key, value in _ATTRIBUTE.findall(text)}


def codecs_of(text: str) -> tuple[str, ...]:
    """`avc1.64000d,mp4a.40.2` in its parts."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def decimal(text: str) -> float:
    """Seconds as playlists write them. Raises JudgeError."""
    if not _DECIMAL.fullmatch(text.strip()) or not math.isfinite(float(text)):
        raise JudgeError(f"{text[:40]!r} is no number of seconds")
    return float(text)


def integer(text: str) -> int:
    """A decimal integer of bounded length. Raises JudgeError."""
    if not _INTEGER.fullmatch(text.strip()):
        raise JudgeError(f"{text[:40]!r} is no whole number")
    return int(text)


def _optional(text: str | None) -> int | None:
    return int(text) if text and _INTEGER.fullmatch(text) else None


def file_name(uri: str, base: str = "") -> str:
    """The file that a reference relative to `base` (RFC 3986, 5.2) stands for: below the playlist's own directory.

    Raises JudgeError for an absolute path, an address, `..`, and whatever no packager writes.
    """
    if _SCHEME.match(uri) or uri.startswith(("/", "\\")):
        raise JudgeError(f"it names {uri[:80]!r}, which isn't relative to it")
    name = unquote(base[: base.rfind("/") + 1] + uri)
    parts = [part for part in name.split("/") if part != "."]
    if not uri or _CONTROL.search(name) or any(char in name for char in "\\?#:") or not all(parts):
        raise JudgeError(f"it names {uri[:80]!r}, which is no file's name")
    if ".." in parts:
        raise JudgeError(f"it names {uri[:80]!r}, which leads out of its own directory")
    if len(parts) > _MAX_DEPTH or any(len(part.encode("utf-8", "replace")) > _MAX_NAME for part in parts):
        raise JudgeError(f"it names {uri[:80]!r}, which is too long")
    return "/".join(parts)


def _names(segments: Iterable[Segment]) -> tuple[str, ...]:
    pieces = [piece for segment in segments for piece in (segment.init, segment.piece) if piece is not None]
    return _unique([piece.name for piece in pieces])


def _unique(names: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
