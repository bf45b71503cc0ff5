"""Every place in a file that holds the address of another, as the loader would leave it.

A program or library that may be loaded anywhere lists these places in its relocations (`DT_RELA`, and `DT_RELR` as
packed by newer linkers); a program at a fixed address holds the addresses themselves, and any word that looks like one
counts.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ElfError
from .headers import SegmentKind, Tag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from .file import ElfFile

    Words = NDArray[np.uint64]

# By machine: R_X86_64_RELATIVE and R_X86_64_64, R_AARCH64_RELATIVE and R_AARCH64_ABS64.
_RELOCATIONS = {"x86-64": (8, 1), "aarch64": (1027, 257)}
_WORD = 8
_HIGHEST = 2**64 - 1
_PIECE = 4 << 20
_ROW = np.dtype([("place", "<u8"), ("kind", "<u4"), ("symbol", "<u4"), ("addend", "<u8")])
_SYMBOL = np.dtype(
    [("name", "<u4"), ("info", "u1"), ("other", "u1"), ("section", "<u2"), ("value", "<u8"), ("n", "<u8")]
)
_MOST = 4_000_000
"""Places that are looked at; an FFmpeg of 170 MB has 0.2 million."""


class Pointers:
    """`places` in ascending order, each once, and in `targets` the address that each holds."""

    def __init__(self, places: Words, targets: Words) -> None:
        self.places = places
        self.targets = targets
        self._sorted = array("Q", places.tobytes())  # one at a time is found in it five times faster than by numpy

    def __len__(self) -> int:
        return len(self.places)

    def indices(self, addresses: Words) -> NDArray[np.intp]:
        """For each address where it stands in `places`; -1 where it doesn't."""
        if not len(self.places):
            return np.full(len(addresses), -1, dtype=np.intp)
        found = np.searchsorted(self.places, addresses)
        found[found == len(self.places)] = 0
        return np.where(self.places[found] == addresses, found, -1)

    def at(self, address: int) -> int | None:
        """The address that is held at this one; None where none is."""
        index = bisect_left(self._sorted, address)
        if index < len(self._sorted) and self._sorted[index] == address:
            return int(self.targets[index])
        return None


def read_pointers(elf: ElfFile) -> Pointers | None:
    """The places of a linked 64-bit file; None where its machine isn't known here. Raises ElfError."""
    if not (elf.wide and elf.little) or elf.machine not in _RELOCATIONS or elf.kind not in ("executable", "shared"):
        return None
    pieces = list(_words(elf) if elf.kind == "executable" else _relocated(elf))
    places = np.concatenate([places for places, _ in pieces] or [np.empty(0, np.uint64)])
    targets = np.concatenate([targets for _, targets in pieces] or [np.empty(0, np.uint64)])
    if len(places) > 1 and not (places[1:] > places[:-1]).all():
        places, first = np.unique(places, return_index=True)
        targets = targets[first]
    return Pointers(places, targets)


def _words(elf: ElfFile) -> Iterator[tuple[Words, Words]]:
    """The words of the data that lie in a loaded segment."""
    loads = [one for one in elf.segments if one.kind == SegmentKind.LOAD and one.memory]
    lowest = np.uint64(min((one.address for one in loads), default=0))
    highest = np.uint64(max((one.address + one.memory for one in loads), default=0))
    count = 0
    for low, high in elf.data_ranges():
        for start, address in _loaded(elf, low, high):
            begin = start + -address % _WORD
            end = min(high, start + _length(elf, start, high))
            for offset in range(begin, end - _WORD + 1, _PIECE):
                words = _read_words(elf, offset, min(_PIECE, (end - offset) // _WORD * _WORD))
                (at,) = np.nonzero((words >= lowest) & (words < highest))
                count = _counted(count, len(at))
                yield at.astype(np.uint64) * np.uint64(_WORD) + np.uint64(address + offset - start), words[at]


def _loaded(elf: ElfFile, low: int, high: int) -> Iterator[tuple[int, int]]:
    """(offset, address) where a loaded part of this range of the file begins."""
    for one in elf.segments:
        start = max(low, one.offset)
        if one.kind == SegmentKind.LOAD and start < min(high, one.offset + one.length):
            yield start, one.address + start - one.offset


def _length(elf: ElfFile, start: int, high: int) -> int:
    return max(
        min(high, one.offset + one.length) - start
        for one in elf.segments
        if one.kind == SegmentKind.LOAD and one.offset <= start < one.offset + one.length
    )


def _relocated(elf: ElfFile) -> Iterator[tuple[Words, Words]]:
    count = 0
    for places, targets in (*_rela(elf), *_relr(elf)):
        count = _counted(count, len(places))
        yield places, targets


def _rela(elf: ElfFile) -> Iterator[tuple[Words, Words]]:
    relative, absolute = _RELOCATIONS[elf.machine]
    table = _table(elf, Tag.RELA, Tag.RELASZ)
    if table is None:
        return
    offset, length = table
    piece = _PIECE // _ROW.itemsize * _ROW.itemsize
    for low in range(0, length // _ROW.itemsize * _ROW.itemsize, piece):
        rows = np.frombuffer(elf.read(offset + low, min(piece, length // _ROW.itemsize * _ROW.itemsize - low)), _ROW)
        own = rows[rows["kind"] == relative]
        yield own["place"].copy(), own["addend"].copy()
        named = rows[rows["kind"] == absolute]
        if len(named):
            yield _named(elf, named)


def _named(elf: ElfFile, rows: NDArray[np.void]) -> tuple[Words, Words]:
    """What is bound by a symbol's name, where the file defines that symbol itself."""
    symbols, names = elf.dynamic_value(Tag.SYMTAB), elf.dynamic_value(Tag.STRTAB)
    offset = elf.offset_of(symbols or 0)
    if offset is None:
        return np.empty(0, np.uint64), np.empty(0, np.uint64)
    count = min(int(rows["symbol"].max()) + 1, (elf.length - offset) // _SYMBOL.itemsize)
    if symbols and names and names > symbols:
        count = min(count, (names - symbols) // _SYMBOL.itemsize)
    table = np.frombuffer(elf.read(offset, count * _SYMBOL.itemsize), _SYMBOL)
    rows = rows[rows["symbol"] < count]
    defined = table["section"][rows["symbol"]] != 0
    rows = rows[defined]
    return rows["place"].copy(), table["value"][rows["symbol"]] + rows["addend"]


def _relr(elf: ElfFile) -> Iterator[tuple[Words, Words]]:
    """A word is an address, or (odd) a map of which of the 63 words that follow the last are relocated too."""
    table = _table(elf, Tag.RELR, Tag.RELRSZ)
    if table is None:
        return
    count = _counted(0, table[1] // _WORD)
    words = _read_words(elf, table[0], count * _WORD)
    maps = (words & np.uint64(1)).astype(bool)
    if not len(words) or maps[0]:
        return
    # The place that a map begins at: its address word, the word behind that, and 63 more for each map between.
    anchors = np.nonzero(~maps)[0]
    last = anchors[np.cumsum(~maps) - 1]
    between = np.arange(len(words)) - last - 1
    with np.errstate(over="ignore"):
        base = words[last] + np.uint64(_WORD) + between.astype(np.uint64) * np.uint64(63 * _WORD)
    pieces = [words[anchors]]
    count = len(anchors)
    for bit in range(63):
        mapped = base[maps & ((words >> np.uint64(bit + 1)) & np.uint64(1)).astype(bool)]
        count = _counted(count, len(mapped))
        pieces.append(mapped + np.uint64(bit * _WORD))
    places = np.unique(np.concatenate(pieces))
    yield places, _held(elf, places)


def _held(elf: ElfFile, places: Words) -> Words:
    """The words that stand in the file at these places, in ascending order; 0 where it has none."""
    held = np.zeros(len(places), np.uint64)
    for one in elf.segments:
        if one.kind != SegmentKind.LOAD or one.length < _WORD:
            continue
        begin, end = np.searchsorted(places, np.array([one.address, one.address + one.length - _WORD + 1], np.uint64))
        while begin < end:
            low = int(places[begin])
            stop = min(end, int(np.searchsorted(places, np.uint64(min(low + _PIECE - _WORD, _HIGHEST)))))
            stop = max(stop, begin + 1)
            high = int(places[stop - 1]) + _WORD
            data = np.frombuffer(elf.read(one.offset + low - one.address, high - low), np.uint8)
            at = (places[begin:stop] - np.uint64(low)).astype(np.intp)
            held[begin:stop] = data[at[:, None] + np.arange(_WORD)].copy().view("<u8")[:, 0]
            begin = stop
    return held


def _table(elf: ElfFile, address: int, length: int) -> tuple[int, int] | None:
    at, size = elf.dynamic_value(address), elf.dynamic_value(length)
    if at is None or not size:
        return None
    offset = elf.offset_of(at)
    if offset is None or offset + size > elf.length:
        raise ElfError("its relocations go beyond the file's end")
    return offset, size


def _read_words(elf: ElfFile, offset: int, length: int) -> Words:
    return np.frombuffer(elf.read(offset, length), dtype="<u8")


def _counted(count: int, more: int) -> int:
    if count + more > _MOST:
        raise ElfError(f"it has more than {_MOST} pointers")
    return count + more
