"""Compares two videos frame by frame on raw planes, aligned by the numbers that the frames carry.

Raw planes, because a filter graph that honours tags hides a wrong range or matrix; each plane apart, because swapped
chroma or a colour shift hardly moves a weighted mean; minimum and 5th percentile beside the mean, because one broken
frame hardly moves it either.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...errors import JudgeError
from .. import barcode, judge
from .identity import Identity, identify
from .planes import PSNR_CAP, Plane, liken_all
from .references import Reference, planes_of, references, shown
from .views import View

PLANES = ("y", "u", "v")
_WINDOW_FRAMES, _WINDOW_BYTES = 32, 256 * 1024 * 1024
_SWAP_PROBES = 5
_TOGETHER, _TOGETHER_BYTES = 8, 4 * 1024 * 1024
"""Frames that are held against the source's in one go."""


@dataclass(frozen=True, slots=True)
class FrameScore:
    """One output frame against its source frame: `psnr` in dB and `ssim` (0-1) by plane (Y, U, V; or Y alone).

    `position` counts output frames from 0, `number` is the source's. `ssim` is empty where it wasn't asked for. `bias`
    is the mean difference, output less source, in 8-bit steps; `delay` how many seconds later the output shows it, None
    where times are missing. `block` is where the luma differs most: PSNR in dB, left and top of a window of 8x8 pixels.
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
    is the source's V and the other way round. `broken` is the decoder's error where the output ended early. `hashes`
    is empty where they weren't asked for.
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
        """`psnr_y_mean`, `psnr_y_min`, `psnr_y_p5`, `ssim_y_mean`, `ssim_y_min`, and so on; empty without scores, and
        without `ssim_*` where that wasn't asked for.

        `block_y_min` is the PSNR of the worst 8x8 pixels of all frames.
        """
        found: dict[str, float] = {}
        if self.scores:
            for index, plane in enumerate(PLANES[: len(self.scores[0].psnr)]):
                psnr = np.array([score.psnr[index] for score in self.scores])
                found[f"psnr_{plane}_mean"] = round(float(psnr.mean()), 3)
                found[f"psnr_{plane}_min"] = round(float(psnr.min()), 3)
                found[f"psnr_{plane}_p5"] = round(float(np.percentile(psnr, 5)), 3)
                if self.scores[0].ssim:
                    ssim = np.array([score.ssim[index] for score in self.scores])
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


def compare(
    source: Path,
    output: Path,
    *,
    nonce: int | None = None,
    view: View | None = None,
    ssim: bool = True,
    hashes: bool = True,
) -> Comparison:
    """Decode both once, side by side, as a player turns them; of a long source 32 frames (or 256 MiB) are held.

    `nonce` is what the output's frames must carry; None takes it from the source. `view` is for outputs that
    show the source otherwise than it is. Without `ssim`, which takes longest, there is none in the scores. `hashes`
    are over the output's planes as they are. Raises JudgeError where the source can't be decoded; a fault of the output
    is told in the result.
    """
    result = Comparison()
    window = _Window(references(source, view))
    first = window.peek()
    if first is None:
        raise JudgeError(f"{source} has no frames")
    known = first.mark
    wanted = nonce if nonce is not None else known.nonce if known else 0
    marks: list[barcode.Mark | None] = []
    probes: list[bool] = []
    scores = _Scores(ssim)
    outputs = shown(output)
    while True:
        try:
            made = next(outputs, None)
            # An output without end must not keep the judge busy for ever.
            if made is not None and made.raw.index > 4 * window.seen + 1000:
                raise JudgeError(f"{output} goes on beyond {made.raw.index} frames")
        except JudgeError as error:
            result.broken = error.message
            break
        if made is None:
            break
        result.output_frames += 1
        if hashes:
            result.hashes.append(made.raw.sha256())
        frame = made.frame
        number: int | None = frame.index
        if known is not None:
            mark = made.mark
            marks.append(mark)
            number = mark.number if mark is not None and mark.nonce == wanted else None
        original = None if number is None else window.find(number, numbered=known is not None)
        if original is None or number is None:
            continue
        if view is not None:
            frame = view.output(frame)
        if why := _unlike(original.frame, frame):
            result.uncompared = why
            continue
        planes = planes_of(frame)
        scores.add(original, frame, planes, number)
        if len(probes) < _SWAP_PROBES and len(planes) == 3:
            probes.append(_is_swapped(original.planes, planes))
    expected = window.finish(numbered=known is not None)
    result.source_frames, result.scores = len(expected), scores.finish()
    result.swapped_chroma = bool(probes) and all(probes)
    if known is not None:
        result.identity = identify(marks, expected, wanted)
    return result


class _Window:
    """The source's frames by number, a bounded stretch of them."""

    def __init__(self, source: Iterator[Reference]) -> None:
        self._source = source
        self._held: OrderedDict[int, Reference] = OrderedDict()
        self._next = next(source, None)
        self._numbers: list[int] = []

    @property
    def seen(self) -> int:
        return len(self._numbers)

    def peek(self) -> Reference | None:
        return self._next

    def find(self, number: int, *, numbered: bool) -> Reference | None:
        """The frame `number`; None where it is long past, or isn't in the source."""
        while number not in self._held and self._next is not None:
            if self._numbers and number <= self._numbers[-1]:
                return None
            reference = self._advance(numbered)
            length = sum(plane.nbytes for plane in reference.frame.planes)
            room = max(2, min(_WINDOW_FRAMES, _WINDOW_BYTES // max(1, length)))
            self._held[self._numbers[-1]] = reference
            while len(self._held) > room:
                self._held.popitem(last=False)
        return self._held.get(number)

    def finish(self, *, numbered: bool) -> list[int]:
        """Read to the end and return the numbers of all source frames."""
        while self._next is not None:
            self._advance(numbered)
        return self._numbers

    def _advance(self, numbered: bool) -> Reference:
        reference = self._next
        assert reference is not None
        mark = reference.mark if numbered else None
        self._numbers.append(mark.number if mark is not None else reference.raw.index)
        self._next = next(self._source, None)
        return reference


def _unlike(source: judge.Frame, output: judge.Frame) -> str:
    """Why two frames' planes can't be compared, or ""."""
    if (source.width, source.height) != (output.width, output.height):
        return f"{output.width}x{output.height} can't be compared with {source.width}x{source.height}"
    if source.pix_fmt != output.pix_fmt:
        return f"{output.pix_fmt} can't be compared with {source.pix_fmt}"
    if not source.pix_fmt.startswith(("yuv", "gray")):
        return f"{source.pix_fmt} isn't compared by planes"
    return ""


class _Scores:
    """Scores of output frames against the source's, some frames at a time: see `planes`."""

    def __init__(self, ssim: bool) -> None:
        self._ssim = ssim
        self._waiting: list[tuple[Reference, judge.Frame, tuple[Plane, ...], int]] = []
        self._scores: list[FrameScore] = []

    def add(self, source: Reference, output: judge.Frame, planes: tuple[Plane, ...], number: int) -> None:
        """The frames are alike in size and format."""
        if self._waiting and not _alike(self._waiting[0][2], planes):
            self._flush()
        self._waiting.append((source, output, planes, number))
        length = sum(plane.nbytes for plane in output.planes)
        if len(self._waiting) >= min(_TOGETHER, _TOGETHER_BYTES // max(1, length)):
            self._flush()

    def finish(self) -> list[FrameScore]:
        """Of all that were added, in their order."""
        self._flush()
        return self._scores

    def _flush(self) -> None:
        sources, outputs = [item[0].planes for item in self._waiting], [item[2] for item in self._waiting]
        by_plane = [
            liken_all(a, b, ssim=self._ssim)
            for a, b in zip(zip(*sources, strict=True), zip(*outputs, strict=True), strict=True)
        ]
        for (source, output, _, number), *found in zip(self._waiting, *by_plane, strict=True):
            times = output.time, source.frame.time
            self._scores.append(
                FrameScore(
                    output.index,
                    number,
                    tuple(one.psnr for one in found),
                    tuple(one.ssim for one in found if one.ssim is not None),
                    tuple(one.bias for one in found),
                    None if times[0] is None or times[1] is None else times[0] - times[1],
                    found[0].block,
                )
            )
        self._waiting.clear()


def _alike(a: tuple[Plane, ...], b: tuple[Plane, ...]) -> bool:
    return [(plane.samples.shape, plane.bit_depth) for plane in a] == [
        (plane.samples.shape, plane.bit_depth) for plane in b
    ]


def _is_swapped(source: tuple[Plane, ...], output: tuple[Plane, ...]) -> bool:
    """Whether U and V of the output lie much nearer to V and U of the source than to their own."""
    if source[1].samples.shape != source[2].samples.shape:
        return False

    def error(a: Plane, b: Plane) -> float:
        return float(np.square(np.subtract(a.samples, b.samples, dtype=np.float64)).mean())

    straight, crossed = (error(source[1], output[at]) + error(source[2], output[3 - at]) for at in (1, 2))
    return crossed * 4 < straight
