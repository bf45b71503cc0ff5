"""Follows a sound track through time: where each stretch of it is heard again, how loud, and in which channel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import JudgeError
from . import compare as sound

WINDOW_SECONDS = 0.24
REACH_SECONDS = 0.3
_NEAR_SECONDS = 0.02
_CERTAIN = 0.98
_SILENCE = 1e-4  # root mean square; -80 dBFS
_LOST = 1e-4  # of the power; -40 dB
_CROSSED = 0.9


@dataclass(frozen=True, slots=True)
class Track:
    """Samples (channels, count) from -1 to 1, rate in Hz, time of the first in seconds."""

    samples: NDArray[np.float32]
    rate: int
    start: float

    @property
    def end(self) -> float:
        """In seconds."""
        return self.start + int(self.samples.shape[1]) / self.rate

    def cut(self, start: float, end: float) -> NDArray[np.float32]:
        """The samples between two times in seconds, zeros where there are none."""
        first, last = (round((time - self.start) * self.rate) for time in (start, end))
        inside = self.samples[:, max(0, first) : max(0, last)]
        before = min(max(0, -first), last - first)
        return np.pad(inside, ((0, 0), (before, last - first - before - inside.shape[1])))


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of the source's track from `time` (seconds) on, by channel.

    `correlation` (1 = same waveform) at the best place, `offset` how many seconds later the output sounds there,
    `level` in dB (output less source). A channel that is silent in the source has None for all three, one that is
    silent in the output has a correlation of 0 and no offset.
    """

    time: float
    correlation: tuple[float | None, ...]
    offset: tuple[float | None, ...]
    level: tuple[float | None, ...]


def track_of(path: Path, track: int = 0) -> Track:
    """The audio stream of this number. Raises JudgeError."""
    return Track(*sound.samples(path, track=track))


def follow(source: Track, output: Track, *, later: float = 0.0, window: float = WINDOW_SECONDS) -> list[Stretch]:
    """Find each stretch of the source in the output, at most REACH_SECONDS from `later` seconds after where it was.

    The last stretch ends with the source. Raises JudgeError where rates or numbers of channels differ.
    """
    if (source.rate, len(source.samples)) != (output.rate, len(output.samples)):
        raise JudgeError(
            f"{len(output.samples)} channels at {output.rate} Hz against {len(source.samples)} at {source.rate} Hz"
        )
    count = max(1, int((source.end - source.start) / window))
    found: list[Stretch] = []
    for at in range(count):
        before = [offset for offset in found[-1].offset if offset is not None] if found else []
        found.append(
            _stretch(source, output, source.end - window * (count - at), window, later, before[0] if before else later)
        )
    return found


def _stretch(source: Track, output: Track, time: float, window: float, later: float, before: float) -> Stretch:
    """What is heard well where it ought to be isn't looked for elsewhere, which takes several times as long.

    `before` is how much later the stretch before this one sounds.
    """
    if abs(before - later) < _NEAR_SECONDS and (kept := _in_step(source, output, time, window, before)):
        return kept
    near = _found(source, output, time, window, later, _NEAR_SECONDS)
    if all(likeness is None or likeness >= _CERTAIN for likeness in near.correlation):
        return near
    return _found(source, output, time, window, later, REACH_SECONDS)


def _in_step(source: Track, output: Track, time: float, window: float, later: float) -> Stretch | None:
    """The stretch, where each channel is heard well just there, and less well a sample earlier or later; else None."""
    a = source.cut(time, time + window)
    length, step = a.shape[1], 1 / source.rate
    b = output.cut(time + later - step, time + later - step + (length + 2) * step)
    power_a = np.einsum("ij,ij->i", a, a, dtype=np.float64)
    heard = np.sqrt(power_a / length) >= _SILENCE
    likeness = np.empty((3, len(a)))
    powers = np.empty_like(likeness)
    for lag in range(3):
        here = b[:, lag : lag + length]
        powers[lag] = np.maximum(np.einsum("ij,ij->i", here, here, dtype=np.float64), _SILENCE * _SILENCE * length)
        products = np.einsum("ij,ij->i", a, here, dtype=np.float64)
        likeness[lag] = products / np.sqrt(np.maximum(power_a, 1e-30) * powers[lag])
    best = (likeness[1] >= _CERTAIN) & (likeness[1] >= likeness[0]) & (likeness[1] >= likeness[2])
    if not best[heard].all():
        return None
    correlation, levels = (
        likeness[1].round(5).tolist(),
        (10 * np.log10(powers[1] / np.maximum(power_a, 1e-30))).tolist(),
    )
    return Stretch(
        round(time, 3),
        tuple(value if there else None for value, there in zip(correlation, heard, strict=True)),
        tuple(later if there else None for there in heard),
        tuple(value if there else None for value, there in zip(levels, heard, strict=True)),
    )


def _found(source: Track, output: Track, time: float, window: float, later: float, reach: float) -> Stretch:
    a = source.cut(time, time + window)
    b = output.cut(time + later - reach, time + later + window + reach)
    length, lags = a.shape[1], b.shape[1] - a.shape[1] + 1
    size = _transform_length(b.shape[1])  # no more: of the lags that are looked at none wraps around
    product = np.fft.irfft(np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size)), size)[:, :lags]
    power_a = np.einsum("ij,ij->i", a, a, dtype=np.float64)
    running = np.zeros((len(b), b.shape[1] + 1))
    np.cumsum(np.square(b, dtype=np.float64), axis=1, out=running[:, 1:])
    power_b = np.maximum(running[:, length:] - running[:, :lags], 0)
    rows: list[tuple[float | None, float | None, float | None]] = []
    for channel, power in enumerate(power_a):
        if math.sqrt(power / length) < _SILENCE:
            rows.append((None, None, None))
            continue
        floor = _SILENCE * _SILENCE * length
        here = float(power_b[channel, round(reach * source.rate)])
        if here < _LOST * power:
            # Else the sound beside a hole would be taken for what ought to be in it.
            rows.append((0.0, None, 10 * math.log10(max(here, floor) / power)))
            continue
        likeness = product[channel] / np.sqrt(power * np.maximum(power_b[channel], floor))
        best = int(np.argmax(likeness))
        level = 10 * math.log10(max(float(power_b[channel, best]), floor) / power)
        rows.append((round(float(likeness[best]), 5), later + best / source.rate - reach, level))
    correlation, offset, level_rows = zip(*rows, strict=True)
    return Stretch(round(time, 3), correlation, offset, level_rows)


@cache
def _transform_length(least: int) -> int:
    """The first number from `least` on without prime factors above 5: Fourier transforms of such lengths are quick."""
    odd: list[int] = [3**three * 5**five for three in range(16) for five in range(12)]
    # The power of two that brings each of them up to `least`.
    return min(part << max(0, (-(-least // part) - 1).bit_length()) for part in odd)


def sides(source: Track, output: Track, *, later: float = 0.0) -> list[int | None]:
    """For each channel of the output which of the source's it plays; None where it is like none of them."""
    length = min(source.samples.shape[1], output.samples.shape[1], source.rate * 4)
    a = source.cut(source.start, source.start + length / source.rate)
    b = output.cut(source.start + later, source.start + later + length / source.rate)
    if (kept := _unmoved(a, b)) is not None:
        return kept
    middle = source.start + length / source.rate / 2
    stretch = _found(source, output, middle, min(WINDOW_SECONDS, length / source.rate / 2), later, REACH_SECONDS)
    for offset in {offset for offset in stretch.offset if offset is not None}:
        moved = output.cut(source.start + offset, source.start + offset + length / source.rate)
        if (kept := _unmoved(a, moved)) is not None:
            return kept
    size = _transform_length(length + int(source.rate * REACH_SECONDS))
    spectra_a, spectra_b = np.conj(np.fft.rfft(a, size)), np.fft.rfft(b, size)
    power_a, power_b = (np.maximum(np.einsum("ij,ij->i", x, x, dtype=np.float64), 1e-9) for x in (a, b))
    strength_a = np.abs(spectra_a)
    found: list[int | None] = []
    for channel, spectrum in enumerate(spectra_b):
        norms = np.sqrt(power_a * power_b[channel])
        # No lag gives more than all frequencies in phase; most pairs of channels needn't be looked at for that.
        most = np.einsum("ij,j->i", strength_a, np.abs(spectrum), dtype=np.float64) * 2 / size / norms
        likeness = [
            float(np.fft.irfft(spectrum * other, size).max()) / norm if bound > _CROSSED else 0.0
            for other, norm, bound in zip(spectra_a, norms, most, strict=True)
        ]
        best = int(np.argmax(likeness))
        found.append(best if likeness[best] > _CROSSED else None)
    return found


def _unmoved(a: NDArray[np.float32], b: NDArray[np.float32]) -> list[int | None] | None:
    """What `sides` gives where each channel is certainly its own, and no other is more like it; else None."""
    power_a, power_b = (np.einsum("ij,ij->i", x, x, dtype=np.float64) for x in (a, b))
    silent = power_b < 1e-9
    likeness = np.array([np.einsum("ij,j->i", a, channel, dtype=np.float64) for channel in b])
    likeness /= np.sqrt(np.maximum(np.outer(power_b, power_a), 1e-18))
    own = likeness.diagonal()
    if not ((own >= _CERTAIN) & (own >= likeness.max(axis=1)) | silent).all():
        return None
    return [None if quiet else channel for channel, quiet in enumerate(silent.tolist())]
