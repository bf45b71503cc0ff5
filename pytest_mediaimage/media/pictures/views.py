"""How source and output are looked at, where an output isn't meant to show just what the source shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from ..judge import Frame


class View(Protocol):
    """A frozen dataclass. Both frames are upright; what `source` gives is what `output` ought to be."""

    def source(self, frame: Frame) -> Frame: ...

    def output(self, frame: Frame) -> Frame: ...


@dataclass(frozen=True, slots=True)
class Crop:
    """The output is a rectangle of the source, `width` x `height` pixels, for planes of 4:2:0.

    `left` and `top` are even, so that chroma isn't moved against luma. What reaches beyond the source is cut off.
    """

    width: int
    height: int
    left: int = 0
    top: int = 0

    def source(self, frame: Frame) -> Frame:
        wide = -(-frame.bit_depth // 8)
        planes = []
        for index, plane in enumerate(frame.planes):
            half = 1 if index == 0 else 2
            top, left = self.top // half, self.left // half * wide
            rows, columns = -(-self.height // half), -(-self.width // half) * wide
            planes.append(plane[top : top + rows, left : left + columns])
        height, row = planes[0].shape
        return replace(frame, width=row // wide, height=height, planes=tuple(planes))

    def output(self, frame: Frame) -> Frame:
        return frame


@dataclass(frozen=True, slots=True)
class Field:
    """Only the lines of one field are compared: what a deinterlacer keeps. `first` is 0 for the top field, else 1."""

    first: int = 0

    def source(self, frame: Frame) -> Frame:
        planes = tuple(plane[self.first :: 2] for plane in frame.planes)
        return replace(frame, height=len(planes[0]), planes=planes)

    def output(self, frame: Frame) -> Frame:
        return self.source(frame)
