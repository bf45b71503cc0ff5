"""The sound of test clips: tones that tell channels and moments apart, and that carry the clip's nonce.

What `barcode` is for pictures this is for sound. Each channel sweeps over a band of its own once a second, so that a
shift in time has one answer only. 24 times a second, for 40 ms each, a channel plays a bit of the nonce: its sweep as
it is for 0, higher by a fixed number of Hz for 1. The right channel plays the bits in reverse order, which is the
checksum: what is read at a wrong moment, or isn't ours, doesn't agree. Nonce 0 is the plain sweeps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .barcode import NONCE_BITS

RATE = 48000
FLASH_FRAMES = 2
_STEP = RATE // 25
_SWEEPS = ((300, 300), (900, 600))
"""Hz at the start of each second and how many more at its end: left, right."""
_HIGHER = (1400, 1200)
_BEEP = 3000

_LAG_SECONDS, _REACH = 0.01, 25
_EDGE = RATE // 200  # what is left out at both ends of a step
_CLEAR = 2.0
_LEAST = 0.005  # of full scale; the tones have 0.12 in the middle of both channels


def sound(start: int, count: int, fps: int, nonce: int = 0) -> NDArray[np.int16]:
    """Samples `start` to `start + count` as packed s16 stereo, an array (1, 2 * count).

    Left sweeps over 300-600 or 1700-2000 Hz, right over 900-1500 or 2100-2700 Hz. With the flash in the picture both
    beep at 3 kHz.
    """
    t = np.arange(start, start + count, dtype=np.int64)
    second, within = t // RATE, t % RATE
    rows = []
    for (first, more), higher, bits in zip(_SWEEPS, _HIGHER, _bits(nonce), strict=True):
        sweep = first * t + (more // 2 * within * within) // RATE + more // 2 * RATE * second
        before = np.concatenate(([0], np.cumsum(bits))) * _STEP
        step = within // _STEP
        high = second * before[-1] + before[step] + bits[step] * (within % _STEP)
        rows.append(_wave(sweep + higher * high))
    flash = fps // 2 // FLASH_FRAMES * FLASH_FRAMES
    begin, end = flash * RATE // fps, (flash + FLASH_FRAMES) * RATE // fps
    beep = np.where((within >= begin) & (within < end), _wave(_BEEP * t), 0)
    stereo = np.stack([row // 4 + beep // 4 for row in rows], axis=1)
    return stereo.astype(np.int16).reshape(1, -1)


def read(samples: NDArray[np.float32], rate: int, start: float) -> int | None:
    """The nonce in the first second of a track; None where there is none, as in other sounds and in silence.

    `samples` are (channels, count) from -1 to 1 at `rate` Hz, `start` is the time of the first in seconds. Sound that
    is up to 0.25 s early or late is read too, and so is what was mixed to mono.
    """
    if rate != RATE or not samples.shape[1]:
        return None
    reach = round(_REACH * _LAG_SECONDS * rate)
    room = np.zeros(rate + 2 * reach, np.float32)
    first = reach + round(start * rate)
    mixed = samples.mean(axis=0)[max(0, -first) : max(0, len(room) - first)]
    room[max(0, first) : max(0, first) + len(mixed)] = mixed
    within = np.arange(rate) / rate
    turns = np.array(
        [
            (low + higher * bit) * within + more / 2 * within * within
            for (low, more), higher in zip(_SWEEPS, _HIGHER, strict=True)
            for bit in (0, 1)
        ]
    )
    tones = np.exp(-2j * np.pi * turns).astype(np.complex64)
    for lag in sorted(range(-_REACH, _REACH + 1), key=abs):
        begin = reach + round(lag * _LAG_SECONDS * rate)
        found = _decode(tones * room[begin : begin + rate])
        if found is not None:
            return found
    return None


def _decode(beats: NDArray[np.complex64]) -> int | None:
    """From the sound times each tone, (left low, left high, right low, right high; a second of samples)."""
    steps = beats[:, : NONCE_BITS * _STEP].reshape(2, 2, NONCE_BITS, _STEP)[..., _EDGE:-_EDGE]
    loud = np.abs(steps.mean(axis=-1))
    weak, strong = loud.min(axis=1), loud.max(axis=1)
    if (strong < _LEAST).any() or (strong < _CLEAR * weak).any():
        return None
    left, right = np.argmax(loud, axis=1)
    if not np.array_equal(left, right[::-1]):
        return None
    return int("".join(map(str, left)), 2)


def _bits(nonce: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For the left and the right channel; the second's last step holds none."""
    bits = [nonce >> shift & 1 for shift in range(NONCE_BITS - 1, -1, -1)]
    return np.array([*bits, 0]), np.array([*reversed(bits), 0])


def _wave(phase: NDArray[np.int64]) -> NDArray[Any]:
    """A sine within 6 %, from parabolas, -32768 to 32767; a cycle is RATE units of phase."""
    turn = phase * 65536 // RATE % 65536
    half = turn % 32768
    arch = half * (32768 - half) * 4 // 32768
    return np.where(turn < 32768, np.minimum(arch, 32767), -arch)
