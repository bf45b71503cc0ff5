"""The judge's own HDR to SDR: what a tone-mapped picture ought to look like.

PQ after SMPTE ST 2084, matrices from the primaries and white point of BT.2020 and BT.709, Hable's curve with the
constants of FFmpeg's `tonemap` filter, BT.1886 for the screen. Chroma is made larger and smaller as zimg does it by
default: linear between samples that lie at the left (H.273, chroma location 0). So an expectation is what FFmpeg with
zimg gives, but for rounding.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..judge import Frame

_M1, _M2, _C1, _C2, _C3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
_BT2020_TO_BT709 = np.array(
    [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]], np.float32
)


@dataclass(frozen=True, slots=True)
class ToneMapped:
    """HDR10 in, BT.709 of 8 bits out (4:2:0, limited range, both), by Hable's curve.

    `white` is the light in cd/m2 that linear 1.0 stands for, `peak` the brightest light in that unit: the options
    `npl` of `zscale` and `peak` of `tonemap`. Colours that BT.709 hasn't have negative light in BT.709's primaries.
    It is cut off, or `mirrored`: given the curve of as much positive light, as zimg 3.0.4 does. On a screen both are
    the same.
    """

    white: float = 100.0
    peak: float = 10.0
    mirrored: bool = False

    def source(self, frame: Frame) -> Frame:
        if frame.pix_fmt != "yuv420p10le":
            return frame
        rgb = np.clip(_rgb(frame), 0.0, None)
        power = rgb ** (1 / _M2)
        light = (np.clip(power - _C1, 0.0, None) / (_C2 - _C3 * power)) ** (1 / _M1) * (10_000 / self.white)
        light = np.einsum("ij,jhw->ihw", _BT2020_TO_BT709, light)
        brightest = np.maximum(light.max(axis=0), 1e-6)
        light = light * (_hable(brightest) / _hable(self.peak) / brightest)
        shown = np.abs(light) ** (1 / 2.4)
        red, green, blue = np.copysign(shown, light) if self.mirrored else np.where(light < 0, 0.0, shown)
        luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        planes = (
            16 + 219 * luma,
            128 + 224 * _halved((blue - luma) / 1.8556),
            128 + 224 * _halved((red - luma) / 1.5748),
        )
        rounded = tuple(np.clip(np.rint(plane), 0, 255).astype(np.uint8) for plane in planes)
        return replace(frame, pix_fmt="yuv420p", bit_depth=8, planes=rounded)

    def output(self, frame: Frame) -> Frame:
        return frame


def _rgb(frame: Frame) -> NDArray[np.float32]:
    """Non-linear R, G and B of BT.2020 (constant luminance isn't used), 0 to 1: an array (3, height, width)."""
    luma = (frame.samples(0).astype(np.float32) - 64) / 876
    cb, cr = (_doubled((frame.samples(index).astype(np.float32) - 512) / 896, luma.shape) for index in (1, 2))
    red, blue = luma + 1.4746 * cr, luma + 1.8814 * cb
    return np.stack((red, (luma - 0.2627 * red - 0.0593 * blue) / 0.6780, blue))


def _hable(light: Any) -> Any:
    return (light * (light * 0.15 + 0.05) + 0.004) / (light * (light * 0.15 + 0.5) + 0.06) - 0.02 / 0.30


def _doubled(plane: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """A plane of half the size, brought to `shape`: each row lies between two, each column at the left of two."""
    edged = np.pad(plane, ((1, 1), (0, 1)), mode="edge")
    rows = np.empty((2 * len(plane), edged.shape[1]), np.float32)
    rows[0::2] = 0.75 * edged[1:-1] + 0.25 * edged[:-2]
    rows[1::2] = 0.75 * edged[1:-1] + 0.25 * edged[2:]
    whole = np.empty((len(rows), 2 * plane.shape[1]), np.float32)
    whole[:, 0::2] = rows[:, :-1]
    whole[:, 1::2] = 0.5 * (rows[:, :-1] + rows[:, 1:])
    return whole[: shape[0], : shape[1]]


def _halved(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """The reverse of `_doubled`, with the same weights over twice the width."""
    height, width = plane.shape
    edged = np.pad(plane, ((1, 1 + height % 2), (1, 1 + width % 2)), mode="edge")
    columns = 0.25 * (edged[:, 0:-2:2] + edged[:, 2::2]) + 0.5 * edged[:, 1:-1:2]
    half: NDArray[Any] = 0.375 * (columns[1:-2:2] + columns[2:-1:2])
    half += 0.125 * (columns[0:-3:2] + columns[3::2])
    return half
