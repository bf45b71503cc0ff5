"""A number and a nonce drawn into a picture, so that a frame can be recognised after any encode.

Three lines of 16 blocks lie across the top of the luma plane, 4/12 of its height. The first holds 12 bits
of frame number and a CRC-4, the other two hold 24 bits of nonce and a CRC-8. Blocks are fractions of the picture, so
the mark also survives scaling; at 320x180 a block is 20x15 pixels, which x264 keeps at CRF 45.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

NUMBER_BITS = 12
NONCE_BITS = 24
COLUMNS = 16
LINES = 3
_UNITS = 12  # a line is 1/12 of the height, with half a unit of margin above
_DARK, _BRIGHT = 32, 220  # inside limited range (16-235), with room for ringing
_MIN_CONTRAST = 0.15  # of full scale, between the darkest and the brightest block
_MIN_CLARITY = 0.1  # of the contrast, between any block and the middle
_NARROW = 6000  # rows of a picture of 8 bits, of which the middle of a line, a 24th, has sums of 16 bits


class Mark(NamedTuple):
    """What a frame carries: its number in the clip (0-4095) and the clip's nonce (0-16777215)."""

    number: int
    nonce: int


def draw(luma: NDArray[np.uint8], number: int, nonce: int) -> None:
    """Draw the mark into `luma`, an 8-bit plane (height, width) of at least 64x48, in place.

    Raises ValueError where number or nonce don't fit their bits, or the plane is too small.
    """
    if not 0 <= number < 1 << NUMBER_BITS or not 0 <= nonce < 1 << NONCE_BITS:
        raise ValueError(f"number {number} or nonce {nonce} is beyond {NUMBER_BITS} and {NONCE_BITS} bits")
    height, width = luma.shape
    if height < 48 or width < 64:
        raise ValueError(f"a plane of {width}x{height} is too small for a mark; it takes 64x48")
    code = _bits(_encode(number, nonce), LINES * COLUMNS)
    columns, rows = _edges(width, height)
    luma[: rows[-1] + (rows[1] - rows[0]) // 2] = _DARK
    for index, bit in enumerate(code):
        line, column = divmod(index, COLUMNS)
        block = luma[rows[line] : rows[line + 1], columns[column] : columns[column + 1]]
        block[:] = _BRIGHT if bit else _DARK


def read(luma: NDArray[Any], *, bit_depth: int = 8) -> Mark | None:
    """The mark in a luma plane (height, width) of integers of `bit_depth` bits; None where there is none.

    Only the middle of each block counts, since codecs blur edges. A picture without contrast, with a block that is
    neither dark nor bright, or with a wrong checksum has no mark.
    """
    height, width = luma.shape
    if height < 48 or width < 64:
        return None
    borders, areas, rows = _middles(width, height)
    # One sum over each line's rows, then one over each block's columns: far quicker than 48 means.
    narrow = luma.dtype == np.uint8 and height <= _NARROW
    lines = np.empty((LINES, borders[-1] + 1), np.uint16 if narrow else np.int64)
    for line, (top, bottom) in enumerate(rows):
        np.add.reduce(luma[top:bottom, : borders[-1] + 1], axis=0, dtype=lines.dtype, out=lines[line])
    means = (np.add.reduceat(lines, borders, axis=1, dtype=np.int64)[:, ::2] / areas).ravel()
    low, high = float(means.min()), float(means.max())
    contrast = high - low
    if contrast < _MIN_CONTRAST * ((1 << bit_depth) - 1):
        return None
    middle = (low + high) / 2
    if float(np.abs(means - middle).min()) < _MIN_CLARITY * contrast:
        return None
    return _decode(int.from_bytes(np.packbits(means > middle).tobytes(), "big"))


def _edges(width: int, height: int) -> tuple[list[int], list[int]]:
    columns = [width * i // COLUMNS for i in range(COLUMNS + 1)]
    rows = [height * (2 * i + 1) // (2 * _UNITS) for i in range(LINES + 1)]
    return columns, rows


@lru_cache(maxsize=64)
def _middles(width: int, height: int) -> tuple[list[int], NDArray[np.int64], list[tuple[int, int]]]:
    """The left and right border of each column's middle in turn, the middles' areas by line, and each line's rows."""
    columns, rows = _edges(width, height)
    inner = [(left + (right - left) // 4, right - (right - left) // 4) for left, right in pairwise(columns)]
    lines = [(top + (bottom - top) // 4, bottom - (bottom - top) // 4) for top, bottom in pairwise(rows)]
    areas = np.array([[(right - left) * (bottom - top) for left, right in inner] for top, bottom in lines], np.int64)
    return [border for pair in inner for border in pair], areas, lines


@lru_cache(maxsize=1 << 13)
def _encode(number: int, nonce: int) -> int:
    number_line = number << 4 | _crc(number, NUMBER_BITS, 0x3, 4)
    return number_line << 32 | nonce << 8 | _crc(nonce, NONCE_BITS, 0x07, 8)


def _decode(code: int) -> Mark | None:
    number, nonce = code >> 36, code >> 8 & 0xFFFFFF
    return Mark(number, nonce) if _encode(number, nonce) == code else None


def _crc(value: int, bits: int, polynomial: int, width: int) -> int:
    """CRC with all ones at the start: neither all dark nor all bright is then a valid line."""
    register, mask = (1 << width) - 1, (1 << width) - 1
    for bit in _bits(value, bits):
        carry = register >> (width - 1) ^ bit
        register = (register << 1 & mask) ^ (polynomial if carry else 0)
    return register


def _bits(value: int, count: int) -> Iterable[int]:
    return ((value >> shift) & 1 for shift in range(count - 1, -1, -1))
