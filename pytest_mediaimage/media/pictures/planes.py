"""How like two planes are: PSNR, SSIM, bias and the worst block, all from sums over cells of 4x4 samples.

Sums of whole numbers are exact here, whichever type holds them: 16 samples of 8 bits are below 2^12, their squares
below 2^20. That lets narrow types do the work, of which a processor takes many at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: PSNR of equal planes, in dB, instead of infinity: means stay finite and JSON stays valid.
PSNR_CAP = 100.0


class Plane:
    """Samples (rows, columns) of uint8 or uint16, with the sums that each comparison takes, made once."""

    def __init__(self, samples: NDArray[Any], bit_depth: int = 8) -> None:
        self.samples = samples
        self.bit_depth = bit_depth

    @cached_property
    def sums(self) -> NDArray[Any]:
        """Of the samples, by cell."""
        return _cells(self.samples, np.uint16 if self.bit_depth <= 8 else np.float64)

    @cached_property
    def squares(self) -> NDArray[Any]:
        """Of the samples' squares, by cell."""
        return _cells(_squared(self.samples, self.bit_depth), np.uint32 if self.bit_depth <= 8 else np.float64)

    @cached_property
    def total(self) -> float:
        """Of all samples."""
        return _total(self.samples, self.sums)


@dataclass(frozen=True, slots=True)
class Likeness:
    """`psnr` in dB, `ssim` 0 to 1 (None where it wasn't asked for), `bias` the mean difference in 8-bit steps.

    `block` is the window of 8x8 samples, 4 apart, that differs most: PSNR in dB, its left and its top.
    """

    psnr: float
    ssim: float | None
    bias: float
    block: tuple[float, int, int]


def liken(a: Plane, b: Plane, *, ssim: bool = True) -> Likeness:
    """Plane `b` against `a`, of the same shape and bit depth.

    SSIM is over 8x8 windows, 4 apart, as x264 and FFmpeg's `ssim` filter measure it; rows and columns beyond a multiple
    of 4 don't count in it. Planes smaller than 8x8 have one of 1.0 where equal, else 0.0, and no worst block.
    """
    depth = a.bit_depth
    squared = _squared(np.maximum(a.samples, b.samples) - np.minimum(a.samples, b.samples), depth)
    errors = _cells(squared, np.uint32 if depth <= 8 else np.float64)
    psnr = psnr_of(_total(squared, errors) / squared.size, depth)
    bias = (b.total - a.total) / squared.size / 2 ** (depth - 8)
    if squared.shape[0] < 8 or squared.shape[1] < 8:
        equal = float(psnr == PSNR_CAP)
        return Likeness(psnr, equal if ssim else None, bias, (PSNR_CAP, 0, 0))
    windows = _windows(errors)
    row, column = divmod(int(windows.argmax()), windows.shape[1])
    block = psnr_of(float(windows[row, column]) / 64, depth), column * 4, row * 4
    return Likeness(psnr, _ssim(a, b, windows) if ssim else None, bias, block)


def ssim_of(a: NDArray[Any], b: NDArray[Any], bit_depth: int = 8) -> float:
    """Structural similarity of two planes, 0 to 1; see `liken`."""
    return liken(Plane(a, bit_depth), Plane(b, bit_depth)).ssim or 0.0


def psnr_of(mse: float, bit_depth: int = 8) -> float:
    """Peak signal to noise ratio in dB for a mean squared error, at most PSNR_CAP."""
    peak = float((1 << bit_depth) - 1)
    return PSNR_CAP if mse <= 0 else min(PSNR_CAP, 10 * math.log10(peak * peak / mse))


def _ssim(a: Plane, b: Plane, errors: NDArray[np.float64]) -> float:
    peak = float((1 << a.bit_depth) - 1)
    c1, c2 = (0.01 * peak) ** 2 * 64 * 64, (0.03 * peak) ** 2 * 64 * 63
    x, y = _windows(a.sums), _windows(b.sums)
    squares = _windows(a.squares) + _windows(b.squares)
    crossed = squares - errors  # twice the sum of a * b, since (a - b)^2 = a^2 + b^2 - 2ab
    product, energy = x * y, x * x + y * y
    values = (2 * product + c1) * (64 * crossed - 2 * product + c2) / ((energy + c1) * (64 * squares - energy + c2))
    return float(values.mean())


def _squared(samples: NDArray[Any], bit_depth: int) -> NDArray[Any]:
    # 255 * 255 just fits 16 bits.
    wide = samples.astype(np.uint16 if bit_depth <= 8 else np.float64)
    squared: NDArray[Any] = np.multiply(wide, wide, out=wide)
    return squared


def _cells(plane: NDArray[Any], working: Any) -> NDArray[Any]:
    """Sums over 4x4 samples; what is beyond a multiple of 4 is left out."""
    wide = plane.astype(working, copy=False)
    height, width = plane.shape[0] // 4 * 4, plane.shape[1] // 4 * 4
    rows = wide[0:height:4] + wide[1:height:4]
    rows += wide[2:height:4]
    rows += wide[3:height:4]
    cells: NDArray[Any] = rows[:, 0:width:4] + rows[:, 1:width:4]
    cells += rows[:, 2:width:4]
    cells += rows[:, 3:width:4]
    return cells


def _windows(cells: NDArray[Any]) -> NDArray[np.float64]:
    """Sums over 8x8 samples whose corners lie on multiples of 4."""
    wide = cells.astype(np.float64)
    rows = wide[:-1] + wide[1:]
    sums: NDArray[np.float64] = rows[:, :-1] + rows[:, 1:]
    return sums


def _total(plane: NDArray[Any], cells: NDArray[Any]) -> float:
    height, width = cells.shape[0] * 4, cells.shape[1] * 4
    rest = (plane[height:], plane[:height, width:])
    return float(cells.sum(dtype=np.float64)) + sum(float(part.sum(dtype=np.float64)) for part in rest if part.size)
