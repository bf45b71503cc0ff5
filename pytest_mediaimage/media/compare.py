"""Compares two videos frame by frame on raw planes, aligned by the numbers that the frames carry.

Raw planes, because a filter graph that honours tags hides a wrong range or matrix; each plane apart, because swapped
chroma or a colour shift hardly moves a weighted mean; minimum and 5th percentile beside the mean, because one broken
frame hardly moves it either.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import JudgeError
from . import barcode, judge
from .identity import Identity, identify
from .orientation import upright
from .views import View

#: PSNR of equal planes, in dB, instead of infinity: means stay finite and JSON stays valid.
PSNR_CAP = 100.0
PLANES = ("y", "u", "v")
_WINDOW_FRAMES, _WINDOW_BYTES = 32, 256 * 1024 * 1024
_SWAP_PROBES = 5


@dataclass(frozen=True, slots=True)
class FrameScore:
    """One output frame against its source frame: `psnr` in dB and `ssim` (0-1) by plane (Y, U, V; or Y alone).

    `position` counts output frames from 0, `number` is the source's. `bias` is the mean difference, output less
    source, in 8-bit steps; `delay` how many seconds later the output shows it, None where times are missing.
    `block` is where the luma differs most: PSNR in dB, left and top of a window of 8x8 pixels.
    """

    position: int
    number: int
    psnr: tuple[float, ...]
    ssim: tuple[float, ...]
    bias: tuple[float, ...]
    delay: float | None
    block: tuple[float, int, int] = (PSNR_CAP, 0, 0)


@dataclass(slots=True)
class Comparison:
    """`identity` is None where the source carries no marks; then frames are compared in their order.

    `uncompared` says why there are no scores, or not for all frames. `swapped_chroma` is true where the output's U
    is the source's V and the other way round. `broken` is the decoder's error where the output ended early.
    """

    source_frames: int = 0
    output_frames: int = 0
    identity: Identity | None = None
    scores: list[FrameScore] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    uncompared: str = ""
    swapped_chroma: bool = False
    broken: str = ""

    @property
    def stream_hash(self) -> str:
        return judge.stream_hash(self.hashes)

    def metrics(self) -> dict[str, float]:
        """`psnr_y_mean`, `psnr_y_min`, `psnr_y_p5`, `ssim_y_mean`, `ssim_y_min`, and so on; empty without scores.

        `block_y_min` is the PSNR of the worst 8x8 pixels of all frames.
        """
        found: dict[str, float] = {}
        if self.scores:
            for index, plane in enumerate(PLANES[: len(self.scores[0].psnr)]):
                psnr = np.array([score.psnr[index] for score in self.scores])
                ssim = np.array([score.ssim[index] for score in self.scores])
                found[f"psnr_{plane}_mean"] = round(float(psnr.mean()), 3)
                found[f"psnr_{plane}_min"] = round(float(psnr.min()), 3)
                found[f"psnr_{plane}_p5"] = round(float(np.percentile(psnr, 5)), 3)
                found[f"ssim_{plane}_mean"] = round(float(ssim.mean()), 5)
                found[f"ssim_{plane}_min"] = round(float(ssim.min()), 5)
            found["block_y_min"] = round(min(score.block[0] for score in self.scores), 3)
        return found

    def delay(self) -> float:
        """Median delay of the output's frames against the source's, in seconds; 0 where nothing is known."""
        delays = [score.delay for score in self.scores if score.delay is not None]
        return float(np.median(delays)) if delays else 0.0

    def bias(self) -> tuple[float, ...]:
        """Mean difference of each plane over all frames, in 8-bit steps."""
        rows = [score.bias for score in self.scores]
        return tuple(round(float(value), 2) for value in np.mean(rows, axis=0)) if rows else ()


def compare(source: Path, output: Path, *, nonce: int | None = None, view: View | None = None) -> Comparison:
    """Decode both once, side by side, as a player turns them; at most 32 source frames (or 256 MiB) are held.

    `nonce` is what the output's frames must carry; None takes it from the source. `view` is for outputs that
    show the source otherwise than it is. Hashes are over the output's planes as they are. Raises JudgeError where the
    source can't be decoded; a fault of the output is told in the result.
    """
    result = Comparison()
    window = _Window(map(upright, judge.frames(source)))
    first = window.peek()
    if first is None:
        raise JudgeError(f"{source} has no frames")
    known = _mark(first)
    wanted = nonce if nonce is not None else known.nonce if known else 0
    marks: list[barcode.Mark | None] = []
    probes: list[bool] = []
    outputs = judge.frames(output)
    while True:
        try:
            frame = next(outputs, None)
            # An output without end must not keep the judge busy for ever.
            if frame is not None and frame.index > 4 * window.seen + 1000:
                raise JudgeError(f"{output} goes on beyond {frame.index} frames")
        except JudgeError as error:
            result.broken = error.message
            break
        if frame is None:
            break
        result.hashes.append(frame.sha256())
        frame = upright(frame)
        number: int | None = frame.index
        if known is not None:
            mark = _mark(frame)
            marks.append(mark)
            number = mark.number if mark is not None and mark.nonce == wanted else None
        original = None if number is None else window.find(number, numbered=known is not None)
        if original is None or number is None:
            continue
        if view is not None:
            original, frame = view.source(original), view.output(frame)
        if why := _unlike(original, frame):
            result.uncompared = why
            continue
        result.scores.append(_score(original, frame, number))
        if len(probes) < _SWAP_PROBES and len(original.planes) == 3:
            probes.append(_is_swapped(original, frame))
    expected = window.finish(numbered=known is not None)
    result.source_frames, result.output_frames = len(expected), len(result.hashes)
    result.swapped_chroma = bool(probes) and all(probes)
    if known is not None:
        result.identity = identify(marks, expected, wanted)
    return result


class _Window:
    """The source's frames by number, a bounded stretch of them."""

    def __init__(self, source: Iterator[judge.Frame]) -> None:
        self._source = source
        self._held: OrderedDict[int, judge.Frame] = OrderedDict()
        self._next = next(source, None)
        self._numbers: list[int] = []

    @property
    def seen(self) -> int:
        return len(self._numbers)

    def peek(self) -> judge.Frame | None:
        return self._next

    def find(self, number: int, *, numbered: bool) -> judge.Frame | None:
        """The frame `number`; None where it is long past, or isn't in the source."""
        while number not in self._held and self._next is not None:
            if self._numbers and number <= self._numbers[-1]:
                return None
            frame = self._advance(numbered)
            room = max(2, min(_WINDOW_FRAMES, _WINDOW_BYTES // max(1, sum(plane.nbytes for plane in frame.planes))))
            self._held[self._numbers[-1]] = frame
            while len(self._held) > room:
                self._held.popitem(last=False)
        return self._held.get(number)

    def finish(self, *, numbered: bool) -> list[int]:
        """Read to the end and return the numbers of all source frames."""
        while self._next is not None:
            self._advance(numbered)
        return self._numbers

    def _advance(self, numbered: bool) -> judge.Frame:
        frame = self._next
        assert frame is not None
        mark = _mark(frame) if numbered else None
        self._numbers.append(mark.number if mark is not None else frame.index)
        self._next = next(self._source, None)
        return frame


def _mark(frame: judge.Frame) -> barcode.Mark | None:
    if frame.pix_fmt.startswith(("yuv", "gray", "nv")):
        return barcode.read(frame.samples(0), bit_depth=frame.bit_depth)
    return None


def _unlike(source: judge.Frame, output: judge.Frame) -> str:
    """Why two frames' planes can't be compared, or ""."""
    if (source.width, source.height) != (output.width, output.height):
        return f"{output.width}x{output.height} can't be compared with {source.width}x{source.height}"
    if source.pix_fmt != output.pix_fmt:
        return f"{output.pix_fmt} can't be compared with {source.pix_fmt}"
    if not source.pix_fmt.startswith(("yuv", "gray")):
        return f"{source.pix_fmt} isn't compared by planes"
    return ""


def _score(source: judge.Frame, output: judge.Frame, number: int) -> FrameScore:
    psnr, ssim, bias = [], [], []
    for index in range(min(len(source.planes), 3)):
        a, b = source.samples(index), output.samples(index)
        difference = np.subtract(b, a, dtype=np.int32).astype(np.float64).ravel()
        # Not `@`: BLAS would start threads for so short a sum, which wait for each other on a busy machine.
        squares = float(np.einsum("i,i->", difference, difference))
        psnr.append(psnr_of(squares / difference.size, source.bit_depth))
        bias.append(float(difference.mean()) / 2 ** (source.bit_depth - 8))
        ssim.append(ssim_of(a, b, source.bit_depth))
    delay = None if output.time is None or source.time is None else output.time - source.time
    block = worst_block(source.samples(0), output.samples(0), source.bit_depth)
    return FrameScore(output.index, number, tuple(psnr), tuple(ssim), tuple(bias), delay, block)


def _is_swapped(source: judge.Frame, output: judge.Frame) -> bool:
    """Whether U and V of the output lie much nearer to V and U of the source than to their own."""
    planes = [(source.samples(i).astype(np.float64), output.samples(i).astype(np.float64)) for i in (1, 2)]
    if planes[0][0].shape != planes[1][0].shape:
        return False
    straight = sum(float(((a - b) ** 2).mean()) for a, b in planes)
    crossed = sum(float(((planes[i][0] - planes[1 - i][1]) ** 2).mean()) for i in (0, 1))
    return crossed * 4 < straight


def psnr_of(mse: float, bit_depth: int = 8) -> float:
    """Peak signal to noise ratio in dB for a mean squared error, at most PSNR_CAP."""
    peak = float((1 << bit_depth) - 1)
    return PSNR_CAP if mse <= 0 else min(PSNR_CAP, 10 * math.log10(peak * peak / mse))


def worst_block(a: NDArray[Any], b: NDArray[Any], bit_depth: int = 8) -> tuple[float, int, int]:
    """The window of 8x8 samples, 4 apart, in which two planes differ most: PSNR in dB, its left and its top.

    Planes smaller than 8x8 have none, and give PSNR_CAP.
    """
    if a.shape[0] < 8 or a.shape[1] < 8:
        return PSNR_CAP, 0, 0
    # Sums over 64 squares of 8-bit samples stay below 2^24 and are thus exact in the faster float32.
    working: Any = np.float32 if bit_depth <= 8 else np.float64
    sums = _windows(np.square(np.subtract(b, a, dtype=np.int32).astype(working)))
    row, column = divmod(int(sums.argmax()), sums.shape[1])
    return psnr_of(float(sums[row, column]) / 64, bit_depth), column * 4, row * 4


def ssim_of(a: NDArray[Any], b: NDArray[Any], bit_depth: int = 8) -> float:
    """Structural similarity of two planes over 8x8 windows, 4 apart: as x264 and FFmpeg's `ssim` filter measure it.

    Planes smaller than 8x8 give 1.0 where equal, else 0.0. Rows and columns beyond a multiple of 4 don't count.
    """
    if a.shape[0] < 8 or a.shape[1] < 8:
        return float(np.array_equal(a, b))
    peak = float((1 << bit_depth) - 1)
    c1, c2 = (0.01 * peak) ** 2 * 64 * 64, (0.03 * peak) ** 2 * 64 * 63
    # Sums over 64 squares of 8-bit samples stay below 2^24 and are thus exact in the faster float32.
    working: Any = np.float32 if bit_depth <= 8 else np.float64
    x, y = a.astype(working), b.astype(working)
    sum_x, sum_y, sum_xy = _windows(x), _windows(y), _windows(x * y)
    squares = _windows(x * x + y * y)
    product = sum_x * sum_y
    energy = sum_x * sum_x + sum_y * sum_y
    values = (2 * product + c1) * (2 * (64 * sum_xy - product) + c2) / ((energy + c1) * (64 * squares - energy + c2))
    return float(values.mean())


def _windows(plane: NDArray[Any]) -> NDArray[np.float64]:
    """Sums over 8x8 windows whose corners lie on multiples of 4."""
    height, width = plane.shape[0] // 4 * 4, plane.shape[1] // 4 * 4
    rows = plane[0:height:4] + plane[1:height:4] + plane[2:height:4] + plane[3:height:4]
    rows = rows[:-1] + rows[1:]
    cells = rows[:, 0:width:4] + rows[:, 1:width:4] + rows[:, 2:width:4] + rows[:, 3:width:4]
    sums: NDArray[np.float64] = (cells[:, :-1] + cells[:, 1:]).astype(np.float64)
    return sums
