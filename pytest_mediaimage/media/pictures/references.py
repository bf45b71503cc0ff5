"""Frames that are held against each other: decoded once in a process, as long as they are few."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

from ...errors import JudgeError
from .. import barcode, judge, probing
from ..kept import Kept, identity_of
from .orientation import upright
from .planes import Plane
from .reels import Reel
from .views import View

_LIMIT = 96 << 20
"""Bytes of all sources' frames that are kept. The bundled samples and what is made of them take some 70 MB."""
_OUTPUTS_LIMIT = 12 << 20
"""Bytes of outputs' frames. The outputs that several rules look at to the end take 6 MB."""
_kept: Kept[Reel[Reference]] = Kept(_LIMIT)
_outputs: Kept[Reel[Reference]] = Kept(_OUTPUTS_LIMIT)
_probed: Kept[probing.MediaInfo] = Kept(64)
"""By number, not by bytes: each counts for one."""


class Reference:
    """A frame: `raw` as it is stored, `frame` as it is shown, or as a view shows the frame `original`."""

    def __init__(self, raw: judge.Frame, frame: judge.Frame, original: Reference | None = None) -> None:
        self.raw = raw
        self.frame = frame
        self._original = original

    @cached_property
    def mark(self) -> barcode.Mark | None:
        """What the frame carries, before any view."""
        return mark_of(self.frame) if self._original is None else self._original.mark

    @cached_property
    def planes(self) -> tuple[Plane, ...]:
        """Y, U and V, or Y alone; for formats with a plane per component."""
        return planes_of(self.frame)


def references(path: Path, view: View | None = None) -> Iterator[Reference]:
    """The frames of a source, through `view` where there is one. Raises JudgeError as `judge.frames` does."""
    return _read(_kept, (_key(path), view), partial(_made, path, view), 2)  # half of it for the planes' sums


def shown(path: Path) -> Iterator[Reference]:
    """The frames of an output. Raises JudgeError as `judge.frames` does."""
    return _read(_outputs, (_key(path), None), partial(_made, path, None), 1)


def _read(
    kept: Kept[Reel[Reference]],
    key: tuple[object, View | None],
    make: Callable[[], Iterator[Reference]],
    times: int,
) -> Iterator[Reference]:
    reel = kept.get(key)
    if reel is None:

        def grown(reel: Reel[Reference], length: int | None) -> None:
            if length is None:
                kept.drop(key, reel)
            else:
                kept.grow(key, reel, length)

        reel = Reel(make, lambda item: times * _length(item), kept.limit * 2 // 3, grown)
        kept.put(key, reel, 0)
    return iter(reel)


def _length(reference: Reference) -> int:
    return sum(plane.nbytes for plane in reference.frame.planes)


def _key(path: Path) -> tuple[object, ...]:
    try:
        return identity_of(path)
    except OSError as error:
        raise JudgeError(f"{path} can't be read as media: {error.strerror}") from error


def _made(path: Path, view: View | None) -> Iterator[Reference]:
    if view is None:
        for frame in judge.frames(path):
            # A picture of PyAV's has margins, and lives until Python looks for circles, long after its last use.
            raw = replace(frame, planes=tuple(plane.copy() for plane in frame.planes))
            yield Reference(raw, upright(raw))
        return
    for reference in references(path):
        seen = view.source(reference.frame)
        # A view of the same size shows the frame itself, with the sums that it has already.
        yield reference if seen is reference.frame else Reference(reference.raw, seen, reference)


def source_frames(path: Path) -> Iterator[judge.Frame]:
    """As `judge.frames`, for a source."""
    return (reference.raw for reference in references(path))


def output_frames(path: Path) -> Iterator[judge.Frame]:
    """As `judge.frames`, for an output that others look at too."""
    return (reference.raw for reference in shown(path))


def probe_source(path: Path) -> probing.MediaInfo:
    """As `probing.probe`, for a source."""
    key = _key(path)
    found = _probed.get(key) or probing.probe(path)
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
