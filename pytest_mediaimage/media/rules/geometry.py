"""The picture's shape: the right way up, and whole lines where two fields were woven together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import barcode, judge
from ..case import Problem
from ..made import Made
from ..pictures.orientation import TURNS, turn, upright
from ..pictures.references import output_frames, source_frames

_PROBES = 10


@dataclass(frozen=True, slots=True)
class Upright:
    """As a player shows it, the picture isn't turned: by the frames' marks (see `barcode`)."""

    output: str = ""

    def judge(self, made: Made) -> Iterator[Problem]:
        frame = next(map(upright, output_frames(made.path(self.output))), None)
        if frame is None or not frame.pix_fmt.startswith(("yuv", "gray", "nv")) or _marked(frame.samples(0), frame):
            return
        for name, matrix in TURNS.items():
            back = _inverse(matrix)
            if _marked(turn(frame.samples(0), back), frame):
                label = made.label(self.output)
                yield Problem(
                    f"{label}the picture is {name}",
                    f"{label}turned",
                    "Apply the display matrix (FFmpeg's -autorotate) or keep it, and not both or neither.",
                )
                return


@dataclass(frozen=True, slots=True)
class Deinterlaced:
    """Neighbouring lines belong to one moment: at most `remaining` of the source's combing is left, a share of it.

    `source` says where the limit comes from.
    """

    remaining: float
    source: str
    output: str = ""

    def judge(self, made: Made) -> Iterator[Problem]:
        label, info = made.label(self.output), made.info(self.output)
        frames = zip(source_frames(made.source), output_frames(info.path), strict=False)
        before = after = 0.0
        for woven, frame in islice(frames, 0, _PROBES * 5, 5):
            if (woven.width, woven.height) == (frame.width, frame.height):
                before += combing(woven.samples(0), woven.bit_depth)
                after += combing(frame.samples(0), frame.bit_depth)
            if frame.interlaced:
                yield Problem(
                    f"{label}frames are still marked as interlaced",
                    f"{label}interlaced",
                    "Deinterlace with bwdif, and don't set -flags +ildct+ilme.",
                )
                return
        if not before:
            return
        made.metrics[f"{label}combing"] = round(after / before, 3)
        if after / before > self.remaining:
            yield Problem(
                f"{label}the lines of two fields are still woven together: {after / before:.0%} of the source's "
                f"combing is left, at most {self.remaining:.0%} is allowed",
                f"{label}combing",
                "Deinterlace before scaling and encoding: -vf bwdif.",
            )


def combing(luma: NDArray[Any], bit_depth: int = 8) -> float:
    """How far samples stick out from the lines above and below, to the same side: the mean, in units of white.

    What sticks out by less than a twentieth of white is noise, and counts as nothing.
    """
    lines = luma.astype(np.int32)
    above, here, below = lines[:-2], lines[1:-1], lines[2:]
    up, down = here - above, here - below
    teeth = np.where(up * down > 0, np.minimum(np.abs(up), np.abs(down)), 0)
    white = (1 << bit_depth) - 1
    return float(np.where(teeth > white // 20, teeth, 0).mean()) / white


def _marked(luma: NDArray[Any], frame: judge.Frame) -> bool:
    return barcode.read(np.ascontiguousarray(luma), bit_depth=frame.bit_depth) is not None


def _inverse(matrix: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    a, b, c, d = matrix
    return a, c, b, d
