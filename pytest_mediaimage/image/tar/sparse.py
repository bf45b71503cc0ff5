"""Where the bytes of a sparse file lie, in each of the ways that GNU tar writes it.

Errors are ValueErrors; the reader knows where in the layer it is.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

from ..limits import MAX_FILE_LENGTH, MAX_SPARSE_EXTENTS
from .header import BLOCK, number
from .pax import natural


def pax_version(pax: Mapping[str, bytes]) -> str:
    """`0` for the formats 0.0 and 0.1, `1` for 1.0, or nothing: Go's archive/tar takes others for plain files."""
    major, minor = pax.get("GNU.sparse.major", b""), pax.get("GNU.sparse.minor", b"")
    if major == b"1" and minor == b"0":
        return "1"
    if (major == b"0" and minor in (b"0", b"1")) or (not major and not minor and pax.get("GNU.sparse.map")):
        return "0"
    return ""


def inline_map(pax: Mapping[str, bytes]) -> list[int]:
    """Formats 0.0 and 0.1: decimal numbers in the pax header."""
    return [natural(item) for item in pax.get("GNU.sparse.map", b"").split(b",") if item]


def leading_map(next_block: Callable[[], bytes]) -> list[int]:
    """Format 1.0: decimal numbers, a line each, in whole blocks before the content."""
    lines: list[bytes] = []
    rest = b""
    count: int | None = None
    while count is None or len(lines) < 1 + 2 * count:
        *new, rest = (rest + next_block()).split(b"\n")
        lines += new
        if count is None and lines:
            count = natural(lines[0])
        if len(rest) > BLOCK or (count or 0) > MAX_SPARSE_EXTENTS:
            raise ValueError("a sparse map is malformed, or has too many extents")
    return [natural(line) for line in lines[1 : 1 + 2 * count]]


def old_map(header: bytes, next_block: Callable[[], bytes]) -> list[int]:
    """The old GNU format: four extents in the header, and 21 in each block that follows it."""
    numbers = _pairs(header[386:482])
    more = header[482]
    for _ in range(MAX_SPARSE_EXTENTS // 21):
        if not more:
            return numbers
        block = next_block()
        numbers += _pairs(block[:504])
        more = block[504]
    raise ValueError("a sparse map with too many extents")


def extents(numbers: list[int], length: int, stored: int) -> list[tuple[int, int]]:
    """(offset, length) of each extent of a file of `length` bytes, `stored` of which are in the archive."""
    if not 0 <= length <= MAX_FILE_LENGTH:
        raise ValueError("a sparse file with a size that makes no sense")
    if len(numbers) % 2 or len(numbers) > 2 * MAX_SPARSE_EXTENTS:
        raise ValueError("a sparse map with half an extent, or with too many")
    found = list(zip(numbers[::2], numbers[1::2], strict=True))
    end = 0
    for start, count in found:
        if start < end or count < 0 or start + count > length:
            raise ValueError("a sparse map whose extents overlap or pass the end")
        end = start + count
    if sum(count for _, count in found) != stored:
        raise ValueError("a sparse map that doesn't fit what is stored")
    return found


def _pairs(raw: bytes) -> list[int]:
    numbers: list[int] = []
    for offset, count in struct.iter_unpack("12s12s", raw):
        if not offset[0] and not count[0]:
            break
        numbers += [number(offset), number(count)]
    return numbers
