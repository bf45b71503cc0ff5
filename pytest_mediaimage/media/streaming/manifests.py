"""Reads DASH manifests (ISO/IEC 23009-1): one period, segments by template, timeline, list or as a whole file."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from ...errors import JudgeError
from .playlists import MAX_NAMES, Manifest, Piece, Representation, Segment, codecs_of, file_name, integer

_DURATION = re.compile(r"P(?:0D)?T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9}(?:\.\d{1,12})?)S)?", re.ASCII)
_FIELD = re.compile(r"\$(?:(RepresentationID|Number|Time|Bandwidth)(?:%0(\d{1,2})d)?)?\$")
_SECTIONS = ("SegmentTemplate", "SegmentList", "SegmentBase")
Element = ElementTree.Element


def parse_dash(text: str) -> Manifest:
    """A manifest from its text. Raises JudgeError."""
    # Without a document type there are no entities: nothing is expanded, nothing fetched.
    if "<!DOCTYPE" in text:
        raise JudgeError("a manifest has no document type")
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise JudgeError(f"it is no XML: {error}") from error
    periods = list(_children(root, "Period"))
    if _tag(root) != "MPD" or len(periods) != 1:
        raise JudgeError(f"it is a {_tag(root)[:40]} with {len(periods)} periods; an MPD with one can be judged")
    period = periods[0]
    whole = _seconds(root.get("mediaPresentationDuration"))
    length = _seconds(period.get("duration")) or whole
    found: list[Representation] = []
    count = 0
    for group in _children(period, "AdaptationSet"):
        for element in _children(group, "Representation"):
            track = _representation(_Chain((root, period, group, element)), length)
            count += 1 + len(track.segments)
            if count > MAX_NAMES:
                raise JudgeError(f"over {MAX_NAMES} segments are named")
            found.append(track)
    return Manifest(tuple(found), whole, root.get("type", "static") == "static")


@dataclass(frozen=True, slots=True)
class _Chain:
    """An element and those around it, outermost first: what an inner one doesn't say, an outer one does."""

    elements: tuple[Element, ...]

    def get(self, name: str) -> str | None:
        return next((item.get(name) for item in reversed(self.elements) if item.get(name) is not None), None)

    def number(self, name: str) -> int | None:
        text = self.get(name)
        return None if text is None else integer(text)

    def under(self, tag: str) -> _Chain:
        return _Chain(tuple(child for item in self.elements for child in _children(item, tag)))

    def first(self, tag: str) -> Element | None:
        return next((child for item in reversed(self.elements) for child in _children(item, tag)), None)

    def base(self) -> str:
        """The BaseURL of all levels, one resolved against the other."""
        base = ""
        for item in self.elements:
            for child in list(_children(item, "BaseURL"))[:1]:
                text = (child.text or "").strip()
                file_name(text.removesuffix("/"), base)  # refuses what leads elsewhere
                base = base[: base.rfind("/") + 1] + text
        return base


def _representation(chain: _Chain, length: float | None) -> Representation:
    kind = (chain.get("mimeType") or chain.get("contentType") or "").partition("/")[0]
    if chain.first("ContentProtection") is not None:
        raise JudgeError("its segments are encrypted; the judge has no key")
    return Representation(
        id=(chain.elements[-1].get("id") or "")[:80],
        kind=kind,
        segments=tuple(_segments(chain, length)),
        codecs=codecs_of(chain.get("codecs") or ""),
        bandwidth=chain.number("bandwidth"),
        width=chain.number("width"),
        height=chain.number("height"),
    )


def _segments(chain: _Chain, length: float | None) -> Iterator[Segment]:
    base = chain.base()
    section = next((name for name in _SECTIONS if chain.first(name) is not None), "")
    inner = chain.under(section) if section else _Chain(())
    timescale = inner.number("timescale") or 1
    offset = inner.number("presentationTimeOffset") or 0
    if section in ("", "SegmentBase"):
        # The file holds all, its initialization too.
        yield Segment(Piece(file_name(base)), length or 0.0, start=0.0)
        return
    urls = [url for item in inner.elements for url in _children(item, "SegmentURL")]
    times = list(_times(inner, timescale, length, len(urls) if section == "SegmentList" else None))
    exact = inner.first("SegmentTimeline") is not None
    number = inner.number("startNumber")
    number = 1 if number is None else number
    if section == "SegmentList":
        init = _initialization(inner, base)
        for url, (time, duration) in zip(urls, times, strict=False):
            piece = _ranged(url.get("media"), url.get("mediaRange"), base)
            yield Segment(piece, duration / timescale, init, (time - offset) / timescale, exact)
        return
    media, initialization = inner.get("media"), inner.get("initialization")
    if media is None:
        raise JudgeError("a SegmentTemplate has no media")
    values: dict[str, str | int] = {
        "RepresentationID": chain.elements[-1].get("id") or "",
        "Bandwidth": chain.number("bandwidth") or 0,
    }
    init = Piece(file_name(_fill(initialization, values), base)) if initialization else None
    for index, (time, duration) in enumerate(times):
        name = file_name(_fill(media, {**values, "Number": number + index, "Time": time}), base)
        yield Segment(Piece(name), duration / timescale, init, (time - offset) / timescale, exact)


def _times(inner: _Chain, timescale: int, length: float | None, urls: int | None) -> Iterator[tuple[int, int]]:
    """(start, duration) of each segment in units of the timescale."""
    timeline = inner.first("SegmentTimeline")
    offset = inner.number("presentationTimeOffset") or 0
    if timeline is not None:
        yield from _timeline(timeline, offset + round((length or 0) * timescale))
        return
    duration = inner.number("duration")
    if not duration:
        raise JudgeError("neither a SegmentTimeline nor a duration says how long segments are")
    end = math.floor((length or 0) * timescale) if urls is None or length else urls * duration
    count = urls if urls is not None else -(-end // duration)
    if count > MAX_NAMES:
        raise JudgeError(f"over {MAX_NAMES} segments are named")
    for index in range(count):
        yield offset + index * duration, max(0, min(duration, end - index * duration))


def _timeline(timeline: Element, end: int) -> Iterator[tuple[int, int]]:
    entries = list(_children(timeline, "S"))
    time = count = 0
    for index, entry in enumerate(entries):
        time = integer(entry.get("t", str(time)))
        duration, repeat = integer(entry.get("d", "")), entry.get("r", "0")
        if repeat.startswith("-"):  # up to the next entry, or the end
            until = integer(entries[index + 1].get("t", "")) if index + 1 < len(entries) else end
            repeats = max(0, -(-(until - time) // max(1, duration)) - 1)
        else:
            repeats = integer(repeat)
        count += repeats + 1
        if count > MAX_NAMES:
            raise JudgeError(f"over {MAX_NAMES} segments are named")
        for _ in range(repeats + 1):
            yield time, duration
            time += duration


def _initialization(inner: _Chain, base: str) -> Piece | None:
    element = inner.first("Initialization")
    return None if element is None else _ranged(element.get("sourceURL"), element.get("range"), base)


def _ranged(uri: str | None, span: str | None, base: str) -> Piece:
    """A file, or with `span` (`FIRST-LAST`) bytes of it; without `uri`, of the BaseURL's file."""
    name = file_name(uri, base) if uri else file_name(base)
    if span is None:
        return Piece(name)
    first, _, last = span.partition("-")
    start = integer(first)
    return Piece(name, start, max(0, integer(last) + 1 - start))


def _fill(template: str, values: dict[str, str | int]) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] is None:
            return "$"
        found = values.get(match[1], "")
        return f"{found:0{min(20, int(match[2]))}d}" if match[2] and isinstance(found, int) else str(found)

    return _FIELD.sub(value, template)


def _seconds(text: str | None) -> float | None:
    """An XML duration up to hours, in seconds."""
    if text is None:
        return None
    match = _DURATION.fullmatch(text)
    if match is None or text == "PT":
        raise JudgeError(f"{text[:40]!r} is no duration")
    return int(match[1] or 0) * 3600 + int(match[2] or 0) * 60 + float(match[3] or 0)


def _children(element: Element, tag: str) -> Iterator[Element]:
    return (child for child in element if _tag(child) == tag)


def _tag(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
