"""Compares two sound tracks channel by channel: is it the same sound, as loud, at the same time, on the same side?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from ...errors import JudgeError
from .. import judge
from ..kept import Kept, identity_of

_kept: Kept[tuple[NDArray[np.float32], int, float]] = Kept(64 << 20)
"""What was decoded last: one output is looked at several times, and a sample by several cases."""

#: Beyond this many seconds the sound isn't compared, to bound memory (23 MB for a minute of stereo at 48 kHz).
LIMIT_SECONDS = 60
_REACH_SECONDS = 0.25
#: Sound that isn't found near its place is looked for as far as this, in seconds.
FAR_SECONDS = 2.0
_GAP_SECONDS = 0.01  # more than the rounding of times in any container
_SILENCE = 1e-4  # root mean square; -80 dBFS
_ALIKE = 0.9  # correlation, also of inverted sound: other sounds stay far below


@dataclass(frozen=True, slots=True)
class SoundMatch:
    """Per channel: `correlation` (1 = same waveform) at the best alignment, `level` difference in dB (output less
    source), and `offset` in seconds (how much later the output sounds). `swapped` is true where the channels of a
    stereo pair have changed sides; `inverted` are channels that are the source's with the sign changed. Where nothing
    like the source is heard within FAR_SECONDS, the correlation is small and the offset says nothing.
    """

    correlation: tuple[float, ...]
    level: tuple[float, ...]
    offset: tuple[float, ...]
    swapped: bool
    inverted: tuple[int, ...] = ()


def samples(
    path: Path, *, track: int = 0, limit_seconds: float = LIMIT_SECONDS
) -> tuple[NDArray[np.float32], int, float]:
    """An audio stream, the first unless `track` says otherwise (from 0).

    Samples (channels, count) from -1 to 1, rate in Hz, time of the first in seconds. Where times leave a gap there is
    silence. The array can't be written to. Raises JudgeError where there is no such stream, or it can't be decoded.
    """
    try:
        key = (identity_of(path), track, limit_seconds)
    except OSError as error:
        raise JudgeError(f"{path} can't be read as media: {error.strerror}") from error
    found = _kept.get(key)
    if found is None:
        found = _decoded(path, track, limit_seconds)
        found[0].setflags(write=False)
        _kept.put(key, found, found[0].nbytes)
    return found


def _decoded(path: Path, track: int, limit_seconds: float) -> tuple[NDArray[np.float32], int, float]:
    pieces = chunks_of(path, track)
    first, rate, start = next(pieces)
    chunks, count, limit = [first], first.shape[1], round(limit_seconds * rate)
    while count < limit and (piece := next(pieces, None)) is not None:
        chunks.append(piece[0])
        count += piece[0].shape[1]
    return np.concatenate(chunks, axis=1)[:, :limit], rate, start


def chunks_of(path: Path, track: int = 0) -> Iterator[tuple[NDArray[np.float32], int, float]]:
    """What `samples` gives, as it is decoded: some samples at a time, with no limit, and at least once."""
    with judge.open_media(path) as container:
        if len(container.streams.audio) <= track:
            raise JudgeError(f"{path} has no audio stream" + (f" {track}" if track else ""))
        stream = container.streams.audio[track]
        if stream.codec_context is None:
            raise JudgeError(f"{path}: the audio's codec is unknown")
        start, rate, count, channels = 0.0, stream.codec_context.sample_rate, 0, 0
        try:
            for frame in container.decode(stream):
                data = _floats(frame)
                channels = channels or len(data)
                if len(data) != channels:
                    raise JudgeError(f"{path}: after {count} samples there are {len(data)} channels, not {channels}")
                if frame.pts is not None and frame.time_base is not None:
                    time = judge.seconds(frame.pts, frame.time_base)
                    start = time if not count else start
                    gap = time - start - count / rate
                    if count and gap > _GAP_SECONDS:
                        silence = np.zeros((channels, round(min(gap, LIMIT_SECONDS) * rate)), np.float32)
                        count += silence.shape[1]
                        yield silence, rate, start
                count += frame.samples
                yield data, rate, start
        except (av.FFmpegError, ValueError) as error:
            raise JudgeError(f"{path}: can't decode audio after {count} samples: {error}") from error
        if not count:
            raise JudgeError(f"{path}: its audio stream is empty")


def compare_sound(source: Path, output: Path) -> SoundMatch:
    """Compare the first audio streams of two files of equal rate and channel count.

    Raises JudgeError where either can't be decoded, or rate or channels differ.
    """
    a, rate, a_start = samples(source)
    b, b_rate, b_start = samples(output)
    if (rate, a.shape[0]) != (b_rate, b.shape[0]):
        raise JudgeError(f"{output}: {b.shape[0]} channels at {b_rate} Hz against {a.shape[0]} at {rate} Hz")
    matcher = _Matcher(a, b, int(_REACH_SECONDS * rate))
    rows = [matcher.match(channel, channel) for channel in range(a.shape[0])]
    swapped = False
    if min(row[0] for row in rows) < _ALIKE:
        if a.shape[0] == 2:
            crossed = [matcher.match(channel, 1 - channel)[0] for channel in (0, 1)]
            swapped = all(cross > row[0] + 0.2 for cross, row in zip(crossed, rows, strict=True))
        matcher = _Matcher(a, b, int(FAR_SECONDS * rate))
        far = [matcher.match(channel, channel) for channel in range(a.shape[0])]
        if min(row[0] for row in far) >= _ALIKE:
            rows = far
    return SoundMatch(
        correlation=tuple(round(row[0], 5) for row in rows),
        level=tuple(round(row[1], 3) for row in rows),
        offset=tuple(round(row[2] / rate + b_start - a_start, 6) for row in rows),
        swapped=swapped,
        inverted=tuple(channel for channel, row in enumerate(rows) if row[3]),
    )


class _Matcher:
    """Finds the lag at which channels agree best, by their spectra; lags up to `reach` samples."""

    def __init__(self, a: NDArray[np.float32], b: NDArray[np.float32], reach: int) -> None:
        self._reach = reach
        # Room for the reach alone is enough: only lags within it are looked at, and none of those wraps around.
        size = 1 << (max(a.shape[1], b.shape[1]) + reach).bit_length()
        self._size = size
        self._a, self._b = np.fft.rfft(a, size), np.fft.rfft(b, size)
        self._power_a, self._power_b = (np.einsum("ij,ij->i", x, x, dtype=np.float64) for x in (a, b))
        self._lengths = a.shape[1], b.shape[1]

    def match(self, left: int, right: int) -> tuple[float, float, int, bool]:
        """Correlation, level difference in dB and lag in samples of channel `right` of b behind `left` of a.

        And whether they agree better with the sign of one changed.
        """
        power_a, power_b = float(self._power_a[left]), float(self._power_b[right])
        loud_a, loud_b = math.sqrt(power_a / self._lengths[0]), math.sqrt(power_b / self._lengths[1])
        level = 20 * math.log10(max(loud_b, _SILENCE) / max(loud_a, _SILENCE))
        if loud_a < _SILENCE or loud_b < _SILENCE:
            return float(loud_a < _SILENCE and loud_b < _SILENCE), level, 0, False
        product = np.fft.irfft(self._b[right] * np.conj(self._a[left]), self._size)
        near = np.concatenate((product[-self._reach :], product[: self._reach + 1]))
        best = int(np.argmax(near))
        whole = math.sqrt(power_a * power_b)
        likeness, opposed = float(near[best]) / whole, -float(near.min()) / whole
        return likeness, level, best - self._reach, opposed > max(likeness, _ALIKE)


def _floats(frame: av.AudioFrame) -> NDArray[np.float32]:
    data: NDArray[Any] = frame.to_ndarray()
    if not frame.format.is_planar:
        data = data.reshape(-1, frame.layout.nb_channels).T
    if data.dtype.kind == "f":
        return data.astype(np.float32)
    if data.dtype == np.uint8:
        return np.divide(data.astype(np.float32) - 128, 128, dtype=np.float32)
    full: NDArray[np.float32] = np.divide(data, 2 ** (8 * data.dtype.itemsize - 1), dtype=np.float32)
    return full
