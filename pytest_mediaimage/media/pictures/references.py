"""The source's frames, as outputs are held against them: decoded once in a process, as long as they are few."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from ...errors import JudgeError
from .. import barcode, judge
from ..kept import Kept, identity_of
from .orientation import upright
from .planes import Plane
from .views import View

_LIMIT = 96 << 20
"""Bytes of all frames that are kept. The bundled samples and what is made of them take some 70 MB."""
_kept: Kept[list[Reference]] = Kept(_LIMIT)
_probed: Kept[judge.MediaInfo] = Kept(64)
"""By number, not by bytes: each counts for one."""


class Reference:
    """A frame of the source: `raw` as it is stored, `frame` as it is shown, or as a view shows it."""

    def __init__(self, raw: judge.Frame, frame: judge.Frame) -> None:
        self.raw = raw
        self.frame = frame

    @cached_property
    def mark(self) -> barcode.Mark | None:
        """What the frame carries, before any view."""
        return mark_of(upright(self.raw))

    @cached_property
    def planes(self) -> tuple[Plane, ...]:
        """Y, U and V, or Y alone; for formats with a plane per component."""
        return planes_of(self.frame)


def references(path: Path, view: View | None = None) -> Iterator[Reference]:
    """The frames of a source, through `view` where there is one. Raises JudgeError as `judge.frames` does."""
    key = (_key(path), view)
    known = _kept.get(key)
    if known is not None:
        yield from known
        return
    seen: list[Reference] = []
    length = 0
    for reference in _made(path, view):
        length += sum(plane.nbytes for plane in reference.frame.planes) * 2  # about half of it for the planes' sums
        if length <= _LIMIT // 2:
            seen.append(reference)
        else:
            seen.clear()
        yield reference
    if seen:
        _kept.put(key, seen, length)


def _key(path: Path) -> tuple[object, ...]:
    try:
        return identity_of(path)
    except OSError as error:
        raise JudgeError(f"{path} can't be read as media: {error.strerror}") from error


def _made(path: Path, view: View | None) -> Iterator[Reference]:
    if view is None:
        for raw in judge.frames(path):
            yield Reference(raw, upright(raw))
        return
    for reference in references(path):
        seen = view.source(reference.frame)
        # A view of the same size shows the frame itself, with the sums that it has already.
        yield reference if seen is reference.frame else Reference(reference.raw, seen)


def source_frames(path: Path) -> Iterator[judge.Frame]:
    """As `judge.frames`, for a source."""
    return (reference.raw for reference in references(path))


def probe_source(path: Path) -> judge.MediaInfo:
    """As `judge.probe`, for a source."""
    key = _key(path)
    found = _probed.get(key) or judge.probe(path)
    _probed.put(key, found, 1)
    return found


def planes_of(frame: judge.Frame) -> tuple[Plane, ...]:
    """Y, U and V, or Y alone, of a format with a plane per component."""
    return tuple(Plane(frame.samples(index), frame.bit_depth) for index in range(min(len(frame.planes), 3)))


def mark_of(frame: judge.Frame) -> barcode.Mark | None:
    """The number that an upright frame carries, or None."""
    if frame.pix_fmt.startswith(("yuv", "gray", "nv")):
        return barcode.read(frame.samples(0), bit_depth=frame.bit_depth)
    return None
