"""Integrated loudness as ITU-R BS.1770-4 and EBU R 128 define it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

# BS.1770-4, table 3: 1.41 (some +1.5 dB) for the surround channels; LFE doesn't count. By the names FFmpeg gives them.
_WEIGHTS = {"LFE": 0.0, "LFE2": 0.0, "BL": 1.41, "BR": 1.41, "SL": 1.41, "SR": 1.41}
_BLOCK_SECONDS, _OVERLAP = 0.4, 4
_ABSOLUTE, _RELATIVE = -70.0, -10.0
_OFFSET = -0.691


def integrated(chunks: Iterable[NDArray[np.float32]], rate: int, channels: tuple[str, ...]) -> float:
    """In LUFS; -inf where every block is below the absolute gate.

    `chunks` are samples (channels, count) from -1 to 1, one after the other; `channels` names them, as "FL", "LFE".
    Whatever their length, half a minute of them is held.
    """
    weights = np.array([_WEIGHTS.get(name, 1.0) for name in channels])
    hop = round(rate * _BLOCK_SECONDS / _OVERLAP)
    energies = [weights @ _energies(stretch, before, rate, hop) for before, stretch in _stretches(chunks, rate, hop)]
    energy = np.concatenate([[0.0], *energies]).cumsum()
    power = (energy[_OVERLAP:] - energy[:-_OVERLAP]) / (_OVERLAP * hop)
    kept = power[_loudness(power) > _ABSOLUTE]
    if not len(kept):
        return -math.inf
    gate = float(_loudness(kept.mean())) + _RELATIVE
    return float(_loudness(kept[_loudness(kept) > gate].mean()))


def _stretches(
    chunks: Iterable[NDArray[np.float32]], rate: int, hop: int
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """The samples by whole hops, some 30 seconds at a time but for the last, each with the second before it."""
    wanted, held, count = hop * round(30 * rate / hop), [], 0
    before: NDArray[np.float32] | None = None
    for chunk in chunks:
        held.append(chunk)
        count += chunk.shape[1]
        if count < wanted:
            continue
        joined = np.concatenate(held, axis=1)
        for at in range(0, count - wanted + 1, wanted):
            stretch = joined[:, at : at + wanted]
            yield (np.zeros_like(stretch[:, :rate]) if before is None else before), stretch
            before = stretch[:, -rate:].copy()
        held = [joined[:, count - count % wanted :].copy()]
        count %= wanted
    if held:
        rest = np.concatenate(held, axis=1)
        yield (np.zeros((len(rest), rate), np.float32) if before is None else before), rest


def _energies(stretch: NDArray[np.float32], before: NDArray[np.float32], rate: int, hop: int) -> NDArray[np.float64]:
    """By channel and whole hop, after the K-weighting, of which a second before leaves nothing to be heard."""
    filtered = weighted(np.concatenate([before, stretch], axis=1), rate)[:, before.shape[1] :]
    whole = filtered.shape[1] // hop
    squares = np.square(filtered[:, : whole * hop]).reshape(len(filtered), whole, hop)
    found: NDArray[np.float64] = squares.sum(axis=2)
    return found


def _loudness(power: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    found: NDArray[np.float64] = _OFFSET + 10 * np.log10(np.maximum(power, 1e-30))
    return found


def weighted(samples: NDArray[np.float32], rate: int) -> NDArray[np.float64]:
    """The samples after the K-weighting, both of its filters applied to the spectrum, a second of silence behind."""
    count = samples.shape[1]
    size = 1 << (count + rate).bit_length()
    turn = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    response = np.ones_like(turn)
    for b, a in _filters(rate):
        response *= np.polyval(b[::-1], turn) / np.polyval(a[::-1], turn)
    found: NDArray[np.float64] = np.fft.irfft(np.fft.rfft(samples.astype(np.float64), size) * response, size)
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
