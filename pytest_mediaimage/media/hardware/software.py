"""What software makes of the same pictures at the same size: the reference for a hardware encoder."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from ...errors import JudgeError
from .. import judge
from ..pictures.planes import Plane, liken
from ..pictures.scaling import frame_of

METRICS = ("psnr_y_mean", "psnr_u_mean", "psnr_v_mean", "ssim_y_mean")
_MOST_FRAMES = 500

Planes = list[NDArray[Any]]


@dataclass(frozen=True, slots=True)
class _Software:
    """An encoder of PyAV's at its fastest, by quantisers from fine to coarse."""

    encoder: str
    decoder: str
    options: Callable[[int], dict[str, str]]
    quantisers: tuple[int, ...]


# The least that software gives: on our clip, whose pictures move by whole pixels, presets lie 4 dB and more apart at
# one size (x264's ultrafast 43.7 dB, veryfast 49.8 dB at 109 kB), and no card is blamed for finding less than x264
# does. Points of a curve, since rate control on a clip of a second would be measured more than the encoder.
_X264 = _Software(
    "libx264",
    "h264",
    lambda quantiser: {"preset": "ultrafast", "x264-params": f"qp={quantiser}:threads=1:keyint=50"},
    (14, 17, 20, 23, 26, 29, 32),
)
_X265 = _Software(
    "libx265",
    "hevc",
    lambda quantiser: {
        "preset": "ultrafast",
        "x265-params": f"qp={quantiser}:pools=none:frame-threads=1:keyint=50:log-level=none",
    },
    (14, 18, 22, 26, 30, 34),
)
# SVT-AV1 would give the process that calls it, where that is root's, real-time priority over all others. x265's fastest
# preset is 4 dB below SVT-AV1's eighth in luma, and 0.5 dB in chroma.
_SOFTWARE = {"h264": _X264, "hevc": _X265, "av1": _X265}


@dataclass(frozen=True, slots=True)
class Curve:
    """A metric over size: `points` are (bytes of all packets, value), by bytes."""

    points: tuple[tuple[int, float], ...]

    def at(self, length: int) -> float:
        """The value at `length` bytes: straight lines over the logarithm of bytes, level beyond the last point.

        Below the first point the first line goes on.
        """
        places = [(math.log2(packed), value) for packed, value in self.points]
        at = min(math.log2(max(1, length)), places[-1][0])
        above = next(index for index, place in enumerate(places) if index and at <= place[0])
        (x0, y0), (x1, y1) = places[above - 1], places[above]
        return y0 + (y1 - y0) * (at - x0) / (x1 - x0)


def software_at(source: Path, codec: str, length: int) -> dict[str, float]:
    """What software gives for the clip at `length` bytes, by METRICS: PSNR in dB, SSIM from 0 to 1.

    `codec` is h264, hevc or av1. Raises JudgeError where the clip can't be read.
    """
    frames = list(judge.frames(source, limit=_MOST_FRAMES))
    if not frames:
        raise JudgeError(f"{source} has no frames")
    software, depth = _SOFTWARE[codec], frames[0].bit_depth
    pictures = [[frame.samples(index) for index in range(3)] for frame in frames]
    encoded = [_encoded(pictures, frames[0].pix_fmt, software, quantiser) for quantiser in software.quantisers]
    sized = sorted(((sum(packet.size for packet in packets), packets) for packets in encoded), key=lambda pair: pair[0])
    # Only the two that the size lies between are decoded and measured.
    near = next((pair for pair in pairwise(sized) if length <= pair[1][0]), (sized[-2], sized[-1]))
    measured = [(packed, _metrics(pictures, packets, depth, software)) for packed, packets in near]
    return {name: Curve(tuple((packed, found[name]) for packed, found in measured)).at(length) for name in METRICS}


def _encoded(pictures: Sequence[Planes], pix_fmt: str, software: _Software, quantiser: int) -> list[Any]:
    height, width = pictures[0][0].shape
    encoder: Any = av.CodecContext.create(software.encoder, "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, pix_fmt
    encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
    encoder.options = software.options(quantiser)
    packets: list[Any] = []
    for number, planes in enumerate(pictures):
        frame = frame_of(planes, pix_fmt)
        frame.pts = number
        packets += encoder.encode(frame)
    return [*packets, *encoder.encode(None)]


def _metrics(
    pictures: Sequence[Planes], packets: Sequence[Any], bit_depth: int, software: _Software
) -> dict[str, float]:
    decoder: Any = av.CodecContext.create(software.decoder, "r")
    decoded = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    rows = []
    for planes, frame in zip(pictures, decoded, strict=True):
        made = _planes_of(frame, bit_depth)
        found = [liken(Plane(a, bit_depth), Plane(b, bit_depth)) for a, b in zip(planes, made, strict=True)]
        rows.append([*(likeness.psnr for likeness in found), found[0].ssim or 0.0])
    return dict(zip(METRICS, np.mean(rows, axis=0).tolist(), strict=True))


def _planes_of(frame: av.VideoFrame, bit_depth: int) -> Planes:
    wide = np.uint16 if bit_depth > 8 else np.uint8
    return [
        np.frombuffer(memoryview(plane), wide).reshape(plane.height, -1)[:, : plane.width] for plane in frame.planes
    ]
