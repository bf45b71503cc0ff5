"""Integrated loudness as ITU-R BS.1770-4 and EBU R 128 define it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .following import Track

# BS.1770-4, table 3: 1.41 (some +1.5 dB) for the surround channels; LFE doesn't count. By the names FFmpeg gives them.
_WEIGHTS = {"LFE": 0.0, "LFE2": 0.0, "BL": 1.41, "BR": 1.41, "SL": 1.41, "SR": 1.41}
_BLOCK_SECONDS, _OVERLAP = 0.4, 4
_ABSOLUTE, _RELATIVE = -70.0, -10.0
_OFFSET = -0.691


def integrated(track: Track, channels: tuple[str, ...]) -> float:
    """In LUFS; -inf where every block is below the absolute gate. `channels` names them, as "FL", "LFE"."""
    filtered = weighted(track)
    squares = np.cumsum(np.pad(filtered * filtered, ((0, 0), (1, 0))), axis=1)
    block, hop = round(track.rate * _BLOCK_SECONDS), round(track.rate * _BLOCK_SECONDS / _OVERLAP)
    starts = np.arange(0, filtered.shape[1] - block + 1, hop)
    if not len(starts):
        return -math.inf
    means = (squares[:, starts + block] - squares[:, starts]) / block
    weights = np.array([_WEIGHTS.get(name, 1.0) for name in channels])
    power = np.einsum("i,ij->j", weights, means)
    kept = power[_loudness(power) > _ABSOLUTE]
    if not len(kept):
        return -math.inf
    gate = float(_loudness(kept.mean())) + _RELATIVE
    return float(_loudness(kept[_loudness(kept) > gate].mean()))


def _loudness(power: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    found: NDArray[np.float64] = _OFFSET + 10 * np.log10(np.maximum(power, 1e-30))
    return found


def weighted(track: Track) -> NDArray[np.float64]:
    """The samples after the K-weighting, both of its filters applied to the spectrum, a second of silence behind."""
    count = track.samples.shape[1]
    size = 1 << (count + track.rate).bit_length()
    turn = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    response = np.ones_like(turn)
    for b, a in _filters(track.rate):
        response *= np.polyval(b[::-1], turn) / np.polyval(a[::-1], turn)
    found: NDArray[np.float64] = np.fft.irfft(np.fft.rfft(track.samples.astype(np.float64), size) * response, size)
    return found[:, :count]


def _filters(rate: int) -> tuple[tuple[list[float], list[float]], ...]:
    """BS.1770-4 gives coefficients for 48 kHz alone; these are the analogue filters behind them, for any rate.

    The numbers are those by which libebur128 (`ebur128_init_filter`) and FFmpeg's `ebur128` get the standard's
    coefficients back at 48 kHz.
    """
    f0, gain, q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
    k = math.tan(math.pi * f0 / rate)
    high, middle = 10 ** (gain / 20), 10 ** (gain / 20 * 0.4996667741545416)
    norm = 1 + k / q + k * k
    shelf_b = [
        (high + middle * k / q + k * k) / norm,
        2 * (k * k - high) / norm,
        (high - middle * k / q + k * k) / norm,
    ]
    shelf_a = [1.0, 2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm]
    f0, q = 38.13547087602444, 0.5003270373238773
    k = math.tan(math.pi * f0 / rate)
    norm = 1 + k / q + k * k
    return (shelf_b, shelf_a), ([1.0, -2.0, 1.0], [1.0, 2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm])
