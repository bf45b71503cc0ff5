"""What has most likely been done to pictures that are unlike the source's: a few frames tell it by a simple change."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import judge
from .orientation import upright
from .references import mark_of, references
from .views import View

_FRAMES, _STEP = 3, 10
_MUCH = 0.25
"""A change explains a difference where it leaves no more than this share of its power."""
_REACH = 3
_BAR, _BLACK = 4, 24
"""Rows of the narrowest bar, and the brightest that black (16 of 255) is after coding."""
_STRETCH = 255 / 219
Planes = list[NDArray[np.float32]]


def _coded(red: float, blue: float) -> NDArray[np.float64]:
    """Y, U and V in limited range, less their offsets, from R, G and B, by the weights of red and blue in Y."""
    luma = np.array([red, 1 - red - blue, blue])
    u, v = ((np.eye(3)[at] - luma) / (2 - 2 * luma[at]) for at in (2, 0))
    return np.stack([219 * luma, 224 * u, 224 * v])


_BT601, _BT709 = _coded(0.299, 0.114), _coded(0.2126, 0.0722)
_MATRICES = (
    ("its colours were converted from BT.709's matrix to BT.601's", _BT601 @ np.linalg.inv(_BT709)),
    ("its colours were converted from BT.601's matrix to BT.709's", _BT709 @ np.linalg.inv(_BT601)),
)


def likely(source: Path, output: Path, view: View | None = None) -> list[str]:
    """Sentences such as "the picture is shifted by 1 pixel to the right"; none where nothing simple explains it.

    Raises JudgeError where either can't be read.
    """
    pairs = list(islice(_pairs(source, output, view), 0, _FRAMES * _STEP, _STEP))
    if pairs:
        found = [name for name in (_grey(pairs), _range(pairs), _shift(pairs), _matrix(pairs)) if name]
    else:
        found = list(_bars(source, output, view))
    return [f"the picture is not as it was: {name}" for name in found]


def _pairs(source: Path, output: Path, view: View | None) -> Iterator[tuple[Planes, Planes]]:
    """Frames with the same number, from 0 to 255; planes of equal shapes."""
    for reference, frame in zip(references(source, view), map(upright, judge.frames(output)), strict=False):
        if mark_of(frame) != reference.mark:
            continue
        shown = frame if view is None else view.output(frame)
        wanted = reference.frame
        if (shown.pix_fmt, shown.width, shown.height) == (wanted.pix_fmt, wanted.width, wanted.height):
            yield _floats(wanted), _floats(shown)


def _bars(source: Path, output: Path, view: View | None) -> Iterator[str]:
    """What the first frame tells: no number is found in a picture that was made smaller."""
    before, after = next(references(source, view), None), next(judge.frames(output), None)
    if before is None or after is None or not after.pix_fmt.startswith(("yuv", "gray")):
        return
    a, b = _floats(before.frame)[0], _floats(upright(after))[0]
    for name, one, other in (("above and below", a, b), ("left and right", a.T, b.T)):
        if _is_black(other) and not _is_black(one):
            yield f"it was made smaller, with black bars {name}"


def _is_black(luma: NDArray[np.float32]) -> bool:
    """Whether the first rows are, and the last."""
    return bool(max(luma[:_BAR].max(), luma[-_BAR:].max()) <= _BLACK)


def _floats(frame: judge.Frame) -> Planes:
    scale = np.float32(2.0 ** (8 - frame.bit_depth))
    return [frame.samples(at).astype(np.float32) * scale for at in range(min(3, len(frame.planes)))]


def _power(a: NDArray[Any], b: NDArray[Any]) -> float:
    return float(np.square(a - b).mean(dtype=np.float64))


def _grey(pairs: list[tuple[Planes, Planes]]) -> str:
    flat = all(len(b) == 3 and max(b[1].std(), b[2].std()) < 1 < min(a[1].std(), a[2].std()) for a, b in pairs)
    return "it has no colour, U and V are the same everywhere" if flat else ""


def _range(pairs: list[tuple[Planes, Planes]]) -> str:
    a, b = (np.concatenate([pair[at][0].ravel() for pair in pairs]) for at in (0, 1))
    for name, changed in (
        ("limited range was stretched to full range", (a - 16) * _STRETCH),
        ("full range was squeezed into limited range", a / _STRETCH + 16),
    ):
        if _power(np.clip(changed, 0, 255), b) < _MUCH * _power(a, b):
            return name
    return ""


def _shift(pairs: list[tuple[Planes, Planes]]) -> str:
    for plane, name in enumerate(("", "U ", "V ")[: len(pairs[0][0])]):
        power = {
            (across, down): sum(_power(*_overlap(a[plane], b[plane], across, down)) for a, b in pairs)
            for across in range(-_REACH, _REACH + 1)
            for down in range(-_REACH, _REACH + 1)
        }
        best = min(power, key=lambda at: power[at])
        if power[best] < _MUCH * power[0, 0]:
            told = [_pixels(best[0], "to the right", "to the left"), _pixels(best[1], "down", "up")]
            return f"{name or 'it '}is shifted by {' and '.join(filter(None, told))}"
    return ""


def _overlap(a: NDArray[Any], b: NDArray[Any], across: int, down: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """What both show where `b` is `a` moved by so many pixels, the same number of them for any move."""
    rows, columns = a.shape
    inner = b[_REACH : rows - _REACH, _REACH : columns - _REACH]
    return a[_REACH - down : rows - _REACH - down, _REACH - across : columns - _REACH - across], inner


def _pixels(count: int, forwards: str, backwards: str) -> str:
    return f"{abs(count)} pixel{'s' if abs(count) > 1 else ''} {forwards if count > 0 else backwards}" if count else ""


def _matrix(pairs: list[tuple[Planes, Planes]]) -> str:
    """Of planes of 4:2:0, a pixel in four."""
    if len(pairs[0][0]) < 3 or tuple(-(-side // 2) for side in pairs[0][0][0].shape) != pairs[0][0][1].shape:
        return ""
    a, b = (np.concatenate([_quarter(pair[at]) for pair in pairs], axis=1) for at in (0, 1))
    for name, matrix in _MATRICES:
        if _power(np.einsum("ij,jhw->ihw", matrix, a), b) < _MUCH * _power(a, b):
            return name
    return ""


def _quarter(planes: Planes) -> NDArray[np.float32]:
    """Y, U and V less their offsets, (3, rows, columns)."""
    return np.stack([planes[0][::2, ::2] - 16, planes[1] - 128, planes[2] - 128])
