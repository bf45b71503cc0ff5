"""Subtitles drawn into the picture: text where and when it belongs, and nothing else changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..case import Problem
from ..made import Made
from ..pictures.identity import named
from ..pictures.references import output_frames, source_frames
from .streams import other_count

_STEP = 64  # of 255: what white or its black border makes of a pixel, and no encoder does
_TOUCH = 32  # of 255: what also soft edges make of one
_INK = 0.005  # of the area: a short line of small text covers more
_STRAY = 0.0005  # of the picture
_ALIKE = 0.5  # own: the same text twice shares 0.81 of its pixels, wide and narrow letters 0.19

_FONTS = "Install fonts and fontconfig (fonts-dejavu-core, font-dejavu), and look for libass' words on stderr."


@dataclass(frozen=True, slots=True)
class Burnt:
    """Text shows in the lowest `area` of the picture (a share of its height) while one of `lines` lasts.

    `lines` are begin and end in seconds, with texts that differ from each other: letters that all look alike are the
    boxes of a font without them. At all other times, and above, the picture is the source's.
    """

    lines: tuple[tuple[float, float], ...]
    area: float = 0.45
    output: str = ""

    def judge(self, made: Made) -> Iterator[Problem]:
        label = made.label(self.output)
        bare: list[list[int]] = [[] for _ in self.lines]
        stray: list[int] = []
        shapes: list[NDArray[np.float64] | None] = [None] * len(self.lines)
        least = [1.0] * len(self.lines)
        sources, outputs = source_frames(made.source), output_frames(made.path(self.output))
        length = 0
        for source in sources:
            output = next(outputs, None)
            if output is None:
                yield other_count(label, source.index, 1 + source.index + sum(1 for _ in sources))
                break
            if source.planes[0].shape != output.planes[0].shape or source.bit_depth != output.bit_depth:
                form, other = (f"{one.width}x{one.height} {one.pix_fmt}" for one in (source, output))
                message = f"{label}subtitles can't be looked for: {other} can't be compared with {form}"
                yield Problem(message, f"{label}other pictures", "Keep size and pixel format.")
                return
            change = np.abs(np.subtract(output.samples(0), source.samples(0), dtype=np.int32)) >> (source.bit_depth - 8)
            ink = change > _STEP
            top = round(len(ink) * (1 - self.area))
            time = source.time or 0.0
            line = next((at for at, (begin, end) in enumerate(self.lines) if begin <= time < end), None)
            outside = ink if line is None else ink[:top]
            if float(outside.mean()) > _STRAY:
                stray.append(source.index)
            if line is not None:
                share = float(ink[top:].mean())
                least[line] = min(least[line], share)
                if share < _INK:
                    bare[line].append(source.index)
                # A text stays where it is, and what moves behind it hides other pixels of it each time.
                held, touched = shapes[line], np.where(change[top:] > _TOUCH, 1.0, -1.0)
                shapes[line] = touched if held is None else held + touched
            length = source.index + 1
        else:
            if more := sum(1 for _ in outputs):
                yield other_count(label, length + more, length)
            for (begin, end), shape in zip(self.lines, shapes, strict=True):
                if shape is None:
                    message = (
                        f"{label}no frame of the source is shown from {begin:g} to {end:g} s, where a subtitle belongs"
                    )
                    yield Problem(message, f"{label}no frames", "Set `lines` to seconds that the sample has.")
        made.metrics |= {f"{label}ink_{at}": round(share, 4) for at, share in enumerate(least)}
        for (begin, end), frames in zip(self.lines, bare, strict=True):
            if frames:
                yield Problem(
                    f"{label}{named(frames)} without the subtitle that belongs to {begin:g} to {end:g} s",
                    f"{label}no subtitle",
                    _FONTS,
                )
        if stray:
            yield Problem(
                f"{label}{named(stray)} changed where no subtitle belongs",
                f"{label}stray subtitle",
                "Check the times and the place of subtitles: -itsoffset, setpts, original_size.",
            )
        if not any(bare):
            yield from self._boxes(label, [shape > 0 for shape in shapes if shape is not None])

    def _boxes(self, label: str, masks: list[NDArray[np.bool_]]) -> Iterator[Problem]:
        for one, other in pairwise(masks):
            either = int((one | other).sum())
            if either and int((one & other).sum()) / either > _ALIKE:
                yield Problem(
                    f"{label}different texts look alike, as the boxes that stand for missing letters do",
                    f"{label}boxes",
                    _FONTS,
                )
