"""Compares two sound tracks channel by channel: is it the same sound, as loud, at the same time, on the same side?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from ..errors import JudgeError
from . import judge

#: Beyond this many seconds the sound isn't compared, to bound memory (23 MB for a minute of stereo at 48 kHz).
LIMIT_SECONDS = 60
_REACH_SECONDS = 0.25
_SILENCE = 1e-4  # root mean square; -80 dBFS


@dataclass(frozen=True, slots=True)
class SoundMatch:
    """Per channel: `correlation` (1 = same waveform) at the best alignment, `level` difference in dB (output less
    source), and `offset` in seconds (how much later the output sounds). `swapped` is true where the channels of a
    stereo pair have changed sides.
    """

    correlation: tuple[float, ...]
    level: tuple[float, ...]
    offset: tuple[float, ...]
    swapped: bool


def samples(path: Path, *, limit_seconds: float = LIMIT_SECONDS) -> tuple[NDArray[np.float32], int, float]:
    """The first audio stream: samples (channels, count) from -1 to 1, rate in Hz, time of the first in seconds.

    Raises JudgeError where there is no audio, or it can't be decoded.
    """
    with judge.open_media(path) as container:
        if not container.streams.audio:
            raise JudgeError(f"{path} has no audio stream")
        stream = container.streams.audio[0]
        start, rate, count = 0.0, stream.codec_context.sample_rate, 0
        chunks: list[NDArray[np.float32]] = []
        try:
            for frame in container.decode(stream):
                if not chunks and frame.pts is not None and frame.time_base is not None:
                    start = float(frame.pts * frame.time_base)
                chunks.append(_floats(frame))
                count += frame.samples
                if count >= limit_seconds * rate:
                    break
            joined = np.concatenate(chunks, axis=1)
        except (av.FFmpegError, ValueError) as error:
            raise JudgeError(f"{path}: can't decode audio after {count} samples: {error}") from error
    return joined, rate, start


def compare_sound(source: Path, output: Path) -> SoundMatch:
    """Compare the first audio streams of two files of equal rate and channel count.

    Raises JudgeError where either can't be decoded, or rate or channels differ.
    """
    a, rate, a_start = samples(source)
    b, b_rate, b_start = samples(output)
    if (rate, a.shape[0]) != (b_rate, b.shape[0]):
        raise JudgeError(f"{output}: {b.shape[0]} channels at {b_rate} Hz against {a.shape[0]} at {rate} Hz")
    reach = int(_REACH_SECONDS * rate)
    rows = [_match(a[channel], b[channel], reach) for channel in range(a.shape[0])]
    swapped = False
    if a.shape[0] == 2:
        crossed = [_match(a[channel], b[1 - channel], reach)[0] for channel in (0, 1)]
        swapped = all(cross > row[0] + 0.2 for cross, row in zip(crossed, rows, strict=True))
    return SoundMatch(
        correlation=tuple(round(row[0], 5) for row in rows),
        level=tuple(round(row[1], 3) for row in rows),
        offset=tuple(round(row[2] / rate + b_start - a_start, 6) for row in rows),
        swapped=swapped,
    )


def _match(a: NDArray[np.float32], b: NDArray[np.float32], reach: int) -> tuple[float, float, int]:
    """Correlation, level difference in dB and lag in samples of `b` behind `a`."""
    power_a, power_b = (float(np.dot(x, x)) for x in (a.astype(np.float64), b.astype(np.float64)))
    loud_a, loud_b = math.sqrt(power_a / a.size), math.sqrt(power_b / b.size)
    level = 20 * math.log10(max(loud_b, _SILENCE) / max(loud_a, _SILENCE))
    if loud_a < _SILENCE or loud_b < _SILENCE:
        return float(loud_a < _SILENCE and loud_b < _SILENCE), level, 0
    size = 1 << (a.size + b.size - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size)), size)
    near = np.concatenate((product[-reach:], product[: reach + 1]))
    best = int(np.argmax(near))
    return float(near[best]) / math.sqrt(power_a * power_b), level, best - reach


def _floats(frame: av.AudioFrame) -> NDArray[np.float32]:
    data: NDArray[Any] = frame.to_ndarray()
    if not frame.format.is_planar:
        data = data.reshape(-1, frame.layout.nb_channels).T
    if data.dtype.kind == "f":
        return data.astype(np.float32)
    if data.dtype == np.uint8:
        return np.divide(data.astype(np.float32) - 128, 128, dtype=np.float32)
    return np.divide(data, 2 ** (8 * data.dtype.itemsize - 1), dtype=np.float32)
