"""What software makes of the same pictures at the same size: the reference for a hardware encoder."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from .. import judge
from ..compare import psnr_of

# The least that software gives: on our clip, whose pictures move by whole pixels, presets lie 4 dB and more apart at
# one size (ultrafast 43.7 dB, veryfast 49.8 dB at 109 kB), and no card is blamed for finding less than x264 does.
# Points of a curve, since rate control on a clip of a second would be measured more than the encoder.
_PRESET = "ultrafast"
_QUANTISERS = (14, 17, 20, 23, 26, 29, 32)


@dataclass(frozen=True, slots=True)
class Curve:
    """`points` are (bytes of all packets, mean PSNR-Y in dB), by bytes."""

    points: tuple[tuple[int, float], ...]

    def psnr(self, length: int) -> float:
        """Mean PSNR-Y in dB at `length` bytes: straight lines over the logarithm of bytes, level beyond the last point.

        Below the first point the first line goes on.
        """
        places = [(math.log2(packed), psnr) for packed, psnr in self.points]
        at = min(math.log2(max(1, length)), places[-1][0])
        above = next(index for index, place in enumerate(places) if index and at <= place[0])
        (x0, y0), (x1, y1) = places[above - 1], places[above]
        return y0 + (y1 - y0) * (at - x0) / (x1 - x0)


def software_curve(source: Path) -> Curve:
    """Encode the clip with PyAV's x264 at seven quantisers. Raises JudgeError."""
    pictures = [frame.planes for frame in judge.frames(source, limit=500)]
    return Curve(tuple(sorted(_point(pictures, quantiser) for quantiser in _QUANTISERS)))


def _point(pictures: list[tuple[NDArray[np.uint8], ...]], quantiser: int) -> tuple[int, float]:
    height, width = pictures[0][0].shape
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
    encoder.options = {"preset": _PRESET, "x264-params": f"qp={quantiser}:threads=1:keyint=50"}
    decoder = av.CodecContext.create("h264", "r")
    packets, decoded = [], []
    for number, planes in enumerate(pictures):
        flat = np.concatenate([plane.ravel() for plane in planes]).reshape(height * 3 // 2, width)
        frame = av.VideoFrame.from_ndarray(flat, format="yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    for packet in [*packets, None]:
        decoded += [frame.to_ndarray()[:height] for frame in decoder.decode(packet)]
    errors = [
        float(np.square(np.subtract(made, planes[0], dtype=np.int32)).mean())
        for made, planes in zip(decoded, pictures, strict=True)
    ]
    return sum(packet.size for packet in packets), sum(psnr_of(error) for error in errors) / len(errors)
