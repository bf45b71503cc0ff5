"""How like two planes are: PSNR, SSIM, bias and the worst block, all from sums over cells of 4x4 samples.

Sums of whole numbers are exact here, whichever type holds them. That lets narrow types do the work, of which a
processor takes many at once; and planes of one size are taken together, since small ones cost more in calls than in
sums.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: PSNR of equal planes, in dB, instead of infinity: means stay finite and JSON stays valid.
PSNR_CAP = 100.0

_TOGETHER = 1 << 16
"""Samples of the planes that are taken together: beyond, the memory for them is fetched from the system anew each time,
and what that costs is more than what is saved."""
_MIDDLE = 127
"""Taken off samples of 8 bits before they are squared: four such squares then mostly fit 16 bits."""


class Plane:
    """Samples (rows, columns) of uint8 or uint16, with the sums that each comparison takes, made once.

    `total` is of all samples; by window of 8x8, `sums` is of them and `spread` 64 * 64 times their variance over 64.
    """

    __slots__ = ("bit_depth", "samples", "spread", "sums", "total")

    def __init__(self, samples: NDArray[Any], bit_depth: int = 8) -> None:
        self.samples = samples
        self.bit_depth = bit_depth
        self.total: int | None = None
        self.sums: NDArray[Any] | None = None
        self.spread: NDArray[Any] | None = None


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
    return next(_liken([a], [b], ssim))


def liken_all(a: Sequence[Plane], b: Sequence[Plane], *, ssim: bool = True) -> list[Likeness]:
    """As `liken` of each pair; all planes have the same shape and bit depth."""
    found: list[Likeness] = []
    step = max(1, _TOGETHER // a[0].samples.size) if a else 1
    for first in range(0, len(a), step):
        found += _liken(a[first : first + step], b[first : first + step], ssim)
    return found


def ssim_of(a: NDArray[Any], b: NDArray[Any], bit_depth: int = 8) -> float:
    """Structural similarity of two planes, 0 to 1; see `liken`."""
    return liken(Plane(a, bit_depth), Plane(b, bit_depth)).ssim or 0.0


def psnr_of(mse: float, bit_depth: int = 8) -> float:
    """Peak signal to noise ratio in dB for a mean squared error, at most PSNR_CAP."""
    peak = float((1 << bit_depth) - 1)
    return PSNR_CAP if mse <= 0 else min(PSNR_CAP, 10 * math.log10(peak * peak / mse))


def _liken(a: Sequence[Plane], b: Sequence[Plane], ssim: bool) -> Iterator[Likeness]:
    depth = a[0].bit_depth
    height, width = a[0].samples.shape
    whole = height >= 8 and width >= 8
    sources, samples = _stack(a), _stack(b)
    _measure(a, sources, ssim=ssim and whole)
    _measure(b, samples, ssim=ssim and whole)
    # In 16 bits a negative difference wraps around, and its square is right again.
    samples -= sources
    samples *= samples
    cells = _cells(samples)
    errors = _total(cells)
    if height % 4 or width % 4:
        rows, columns = height // 4 * 4, width // 4 * 4
        errors += _total(samples[:, rows:]) + _total(samples[:, :rows, columns:])
    windows = _windows(cells) if whole else cells
    likeness = _ssim(a, b, windows).tolist() if ssim and whole else [None] * len(a)
    for at, error in enumerate(errors.tolist()):
        psnr = psnr_of(error / (height * width), depth)
        bias = ((b[at].total or 0) - (a[at].total or 0)) / (height * width) / 2 ** (depth - 8)
        if not whole:
            yield Likeness(psnr, float(psnr == PSNR_CAP) if ssim else None, bias, (PSNR_CAP, 0, 0))
            continue
        row, column = divmod(int(windows[at].argmax()), windows.shape[2])
        block = psnr_of(float(windows[at, row, column]) / 64, depth), column * 4, row * 4
        yield Likeness(psnr, likeness[at], bias, block)


def _measure(planes: Sequence[Plane], samples: NDArray[Any], *, ssim: bool) -> None:
    """Fill in what isn't known of the planes, whose samples these are."""
    if any(plane.total is None for plane in planes):
        for plane, total in zip(planes, _total(samples).tolist(), strict=True):
            plane.total = total
    if not ssim or all(plane.sums is not None for plane in planes):
        return
    middle = _MIDDLE if samples.dtype == np.uint16 else 0
    sums = _windows(_cells(samples))
    # Small negative numbers wrap around as above.
    squares = samples - samples.dtype.type(middle)
    squares *= squares
    spreads = _windows(_cells(squares))
    spreads *= 64
    spreads -= (sums - 64 * middle) ** 2
    for plane, of_sums, spread in zip(planes, sums, spreads, strict=True):
        plane.sums, plane.spread = of_sums, spread


def _ssim(a: Sequence[Plane], b: Sequence[Plane], errors: NDArray[Any]) -> NDArray[np.float64]:
    """The mean of each plane, from its windows.

    With x and y for a window's sums and d = (x - y)^2, 2xy = x^2 + y^2 - d; the covariance is had likewise, since
    (a - b)^2 = a^2 + b^2 - 2ab. Whole numbers throughout, up to the quotient.
    """
    peak = float((1 << a[0].bit_depth) - 1)
    x, y = (np.stack([plane.sums for plane in planes if plane.sums is not None]) for planes in (a, b))
    spread, other = (np.stack([plane.spread for plane in planes if plane.spread is not None]) for planes in (a, b))
    apart = x - y
    apart *= apart
    x *= x
    y *= y
    x += y
    spread += other
    below = (x + (0.01 * peak) ** 2 * 64 * 64) * (spread + (0.03 * peak) ** 2 * 64 * 63)
    x -= apart
    spread += apart
    spread -= 64 * errors
    above = (x + (0.01 * peak) ** 2 * 64 * 64) * (spread + (0.03 * peak) ** 2 * 64 * 63)
    above /= below
    means: NDArray[np.float64] = above.mean(axis=(1, 2))
    return means


def _stack(planes: Sequence[Plane]) -> NDArray[Any]:
    """Their samples, (planes, rows, columns), in a type that holds their squares: 255 * 255 just fits 16 bits."""
    narrow = planes[0].bit_depth <= 8
    stack = np.empty((len(planes), *planes[0].samples.shape), np.uint16 if narrow else np.float64)
    for at, plane in enumerate(planes):
        stack[at] = plane.samples
    return stack


def _cells(planes: NDArray[Any]) -> NDArray[Any]:
    """Sums over 4x4 samples; what is beyond a multiple of 4 is left out. From uint16 int32 is made, when it must be."""
    height, width = planes.shape[1] // 4 * 4, planes.shape[2] // 4 * 4
    narrow = planes.dtype == np.uint16
    most = int(planes.max()) if narrow else 0
    if narrow and most >= 1 << 14:
        planes = planes.astype(np.int32)
    rows = planes[:, 0:height:4] + planes[:, 1:height:4]
    rows += planes[:, 2:height:4]
    rows += planes[:, 3:height:4]
    if narrow and most >= 1 << 12:
        rows = rows.astype(np.int32, copy=False)
    cells: NDArray[Any] = rows[:, :, 0:width:4] + rows[:, :, 1:width:4]
    cells += rows[:, :, 2:width:4]
    cells += rows[:, :, 3:width:4]
    return cells.astype(np.int32, copy=False) if narrow else cells


def _windows(cells: NDArray[Any]) -> NDArray[Any]:
    """Sums over 8x8 samples whose corners lie on multiples of 4: below 2^23 of squares of 8 bits."""
    rows = cells[:, :-1] + cells[:, 1:]
    sums: NDArray[Any] = rows[:, :, :-1] + rows[:, :, 1:]
    return sums


def _total(planes: NDArray[Any]) -> NDArray[Any]:
    """The sum of each plane."""
    if planes.dtype == np.uint16:
        # A row's sum fits 32 bits, and takes half as long in them.
        planes = planes.sum(axis=2, keepdims=True, dtype=np.uint32)
    total: NDArray[Any] = planes.sum(axis=(1, 2), dtype=np.float64 if planes.dtype == np.float64 else np.int64)
    return total
