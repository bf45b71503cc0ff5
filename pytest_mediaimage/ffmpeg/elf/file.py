"""One ELF file: its parts, and its bytes by offset and by address."""

from __future__ import annotations

import struct
import sys
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO

from ...errors import ElfError
from . import headers
from .code import code_ranges
from .headers import ALLOCATED, CODE, EXECUTABLE, SectionKind, SegmentKind, Tag

if TYPE_CHECKING:
    from .pointers import Pointers

_HEADERS = 24 << 10  # where the program headers must lie
_BLOCK = 32 << 10
_BLOCKS = 128  # held at a time: 4 MiB
_LONGEST = 4096  # of a library's name
_MOST_NEEDED = 4096
_MOST_SYMBOLS = 500_000
_MOST_NAMES = 64 << 20  # bytes of symbols' names
_LONGEST_SYMBOL = 512
_PIECE = 4 << 20
# Sections that are loaded and hold neither text nor tables: they tell how to unwind the stack, and how to link.
_NO_DATA = (".eh_frame", ".eh_frame_hdr", ".gcc_except_table")
_TABLES = frozenset({0, 2, 4, 5, 8, 9, 11, 19, 0x6FFFFFF6, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF})
# SHT_NULL, SYMTAB, RELA, HASH, NOBITS, REL, DYNSYM, RELR; GNU_HASH and GNU's tables of versions.

Range = tuple[int, int]


class ElfFile:
    """A seekable file of `length` bytes. Every count and range in it is checked before it is used.

    `kept` are the ranges of the file that are at hand, where parts were left out; None for the whole file. Holds
    4 MiB of it at a time. Raises ElfError, also from each method, for what isn't ELF, for what contradicts the
    format, and for bytes that aren't at hand.
    """

    def __init__(self, file: BinaryIO, length: int, kept: Sequence[Range] | None = None) -> None:
        self._file = file
        self._kept = None if kept is None else _joined(kept)
        self.length = length
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._header = headers.read_header(self.read(0, min(length, 64)))
        self.segments = headers.read_segments(self._header, self.read, length)
        self.sections = headers.read_sections(self._header, self.read, length)
        self._loads = sorted(
            (one for one in self.segments if one.kind == SegmentKind.LOAD and one.length), key=lambda one: one.address
        )
        self._addresses = [one.address for one in self._loads]
        self.dynamic = headers.read_dynamic(self._header, self.segments, self.read)

    @property
    def machine(self) -> str:
        """ "x86-64", "aarch64" ...; "machine N" for one without a name here."""
        return self._header.machine

    @property
    def wide(self) -> bool:
        """Whether it is a 64-bit file."""
        return self._header.wide

    @property
    def little(self) -> bool:
        """Whether its numbers begin with the lowest byte."""
        return self._header.order == "<"

    @property
    def kind(self) -> str:
        """ "executable" (at a fixed address), "shared" (a library, or a program at any address), "relocatable"."""
        return self._header.kind

    @property
    def stripped(self) -> bool:
        """Whether it has no symbol table for debuggers."""
        return not any(one.kind == SectionKind.SYMTAB for one in self.sections)

    @cached_property
    def needed(self) -> tuple[str, ...]:
        """The libraries that it asks the loader for, as it writes them."""
        values = [value for tag, value in self.dynamic if tag == Tag.NEEDED]
        if len(values) > _MOST_NEEDED:
            raise ElfError(f"it needs {len(values)} libraries")
        return tuple(name for value in values if (name := self._dynamic_text(value)))

    @cached_property
    def soname(self) -> str | None:
        """The name under which others need it."""
        value = self.dynamic_value(Tag.SONAME)
        return None if value is None else self._dynamic_text(value)

    def dynamic_value(self, tag: int) -> int | None:
        """The dynamic section's first value under this tag."""
        return next((value for one, value in self.dynamic if one == tag), None)

    def read(self, offset: int, length: int) -> bytes:
        """Exactly these bytes of the file."""
        if length <= 0:
            return b""
        if offset < 0 or offset + length > self.length:
            raise ElfError(f"it has no byte {offset + length - 1}: it ends at {self.length}")
        self._check_kept(offset, offset + length)
        number = offset // _BLOCK
        if length > _BLOCK:
            self._file.seek(offset)
            data = self._file.read(length)
            if len(data) < length:
                raise ElfError(f"it ends at byte {offset + len(data)}, not at {self.length}")
            return data
        begin = offset - number * _BLOCK
        data = self._block(number)[begin : begin + length]
        if len(data) < length and begin + length > _BLOCK:
            data += self._block(number + 1)[: length - len(data)]
        if len(data) < length:
            raise ElfError(f"it ends at byte {offset + len(data)}, not at {self.length}")
        return data

    def offset_of(self, address: int) -> int | None:
        """Where in the file the byte lies that is loaded to this address; None where it has none."""
        index = bisect_right(self._addresses, address) - 1
        if index >= 0 and address < self._loads[index].address + self._loads[index].length:
            return address - self._loads[index].address + self._loads[index].offset
        return None

    def data_offset_of(self, address: int) -> int | None:
        """As `offset_of`; None as well where nothing but code can be."""
        offset = self.offset_of(address)
        return None if offset is None or self._data_end(offset) is None else offset

    def _data_end(self, offset: int) -> int | None:
        """Where the next code begins, or the file ends; None where this byte belongs to code itself."""
        index = bisect_right(self._only_code, (offset, sys.maxsize))
        if index and offset < self._only_code[index - 1][1]:
            return None
        return self._only_code[index][0] if index < len(self._only_code) else self.length

    @cached_property
    def _code(self) -> tuple[Range, ...]:
        """The addresses of code: of its sections, else of the segments that hold it."""
        sections = [one for one in self.sections if one.flags & CODE and one.flags & ALLOCATED]
        if sections:
            return tuple(_joined([(one.address, one.address + one.length) for one in sections]))
        segments = [one for one in self._loads if one.flags & EXECUTABLE]
        return tuple(_joined([(one.address, one.address + one.length) for one in segments]))

    def is_code(self, address: int) -> bool:
        """Whether code may stand at this address; without section headers data may stand there as well."""
        index = bisect_right(self._code, (address, sys.maxsize)) - 1
        return index >= 0 and address < self._code[index][1]

    def is_data(self, address: int) -> bool:
        """Whether data may stand at this address."""
        if not self.is_code(address):
            return True
        return not any(one.flags & CODE for one in self.sections) and not self._separate_code

    def text_at(self, address: int, longest: int = 256) -> str | None:
        """The text, ended by a NUL, at an address; None where there is none, or more than `longest` bytes of it."""
        offset = self.offset_of(address)
        end = None if offset is None else self._data_end(offset)
        if offset is None or end is None:
            return None
        data = self.read(offset, min(longest + 1, end - offset))
        end = data.find(b"\0")
        if end < 0:
            return None
        try:
            return data[:end].decode()
        except UnicodeDecodeError:
            return None

    def data_ranges(self) -> tuple[Range, ...]:
        """The file's ranges [low, high), in order, that can hold text or tables: neither code nor debug sections."""
        ranges = self._data_ranges()
        return tuple(ranges if self._kept is None else _common(ranges, self._kept))

    def _data_ranges(self) -> list[Range]:
        ranges = [
            (one.offset, one.offset + one.length)
            for one in self.sections
            if one.flags & ALLOCATED and not one.flags & CODE and one.kind not in _TABLES and one.name not in _NO_DATA
        ]
        if not ranges:
            loads = [(one.offset, one.offset + one.length) for one in self._loads]
            ranges = _without(_joined(loads), self._separate_code)
        return _joined(ranges)

    def require_data(self) -> None:
        """Raises ElfError where some of what can hold text or tables isn't at hand: what is read may be half of it."""
        for low, high in self._data_ranges():
            self._check_kept(low, high)

    def pieces(self, length: int = _PIECE) -> Iterator[tuple[int, bytes]]:
        """What `data_ranges` holds, as (offset, bytes) with at most `length` bytes each."""
        for low, high in self.data_ranges():
            for offset in range(low, high, length):
                yield offset, self.read(offset, min(length, high - offset))

    def pointers(self) -> Pointers | None:
        """Every place that holds an address of this file's own; None for a machine whose relocations aren't known."""
        from .pointers import read_pointers

        return read_pointers(self)

    @cached_property
    def _symbols(self) -> frozenset[str]:
        found: set[str] = set()
        for kind in (SectionKind.DYNSYM, SectionKind.SYMTAB):
            table = next((one for one in self.sections if one.kind == kind and one.link < len(self.sections)), None)
            if table is not None:
                names = self.sections[table.link]
                self._collect(table.offset, table.length, (names.offset, names.length), found)
        if not any(table.kind == SectionKind.DYNSYM for table in self.sections):
            symbols, names_at = self.dynamic_value(Tag.SYMTAB), self.dynamic_value(Tag.STRTAB)
            low, text = self.offset_of(symbols or 0), self.offset_of(names_at or 0)
            # Without section headers nothing says how many there are; linkers put the names right behind them.
            if low is not None and text is not None and low < text:
                self._collect(low, text - low, (text, self.dynamic_value(Tag.STRSZ) or 0), found)
        return frozenset(found)

    def defined_symbols(self) -> frozenset[str]:
        """The names that the file defines itself, in .dynsym and .symtab; half a million of each at most."""
        return self._symbols

    def _collect(self, offset: int, length: int, names: Range, found: set[str]) -> None:
        layout = struct.Struct(self._header.order + ("IBBHQQ" if self.wide else "IIIBBH"))
        defined = 3 if self.wide else 5
        count = min(length // layout.size, _MOST_SYMBOLS)
        names_at, names_length = names
        if names_at + names_length > self.length or offset + count * layout.size > self.length:
            raise ElfError("its symbol table goes beyond the file's end")
        texts = self.read(names_at, min(names_length, _MOST_NAMES))
        for low in range(0, count * layout.size, _BLOCK * layout.size):
            data = self.read(offset + low, min(_BLOCK * layout.size, count * layout.size - low))
            for fields in layout.iter_unpack(data):
                if fields[defined] and fields[0]:
                    end = texts.find(b"\0", fields[0], fields[0] + _LONGEST_SYMBOL)
                    if end > fields[0]:
                        found.add(texts[fields[0] : end].decode("utf-8", "backslashreplace"))

    @cached_property
    def _separate_code(self) -> tuple[Range, ...]:
        """The file's ranges that hold code and surely no data."""
        offset, entry, count = self._header.segments
        end = max(offset + entry * count, 64)
        return code_ranges(self.read(0, end)) if end <= min(_HEADERS, self.length) else ()

    @cached_property
    def _only_code(self) -> tuple[Range, ...]:
        sections = [(one.offset, one.offset + one.length) for one in self.sections if one.flags & CODE]
        return tuple(_joined([*self._separate_code, *sections]))

    def _dynamic_text(self, at: int) -> str | None:
        table = self.dynamic_value(Tag.STRTAB)
        return None if table is None else self.text_at(table + at, _LONGEST)

    def _block(self, number: int) -> bytes:
        block = self._blocks.get(number)
        if block is None:
            self._file.seek(number * _BLOCK)
            block = self._blocks[number] = self._file.read(_BLOCK)
            if len(self._blocks) > _BLOCKS:
                self._blocks.popitem(last=False)
        return block

    def _check_kept(self, low: int, high: int) -> None:
        if self._kept is None:
            return
        for begin, end in self._kept:
            if begin <= low and high <= end:
                return
        raise ElfError(f"its bytes {low} to {high} weren't kept")


def _joined(ranges: Sequence[Range]) -> list[Range]:
    joined: list[Range] = []
    for low, high in sorted(ranges):
        if low >= high:
            continue
        if joined and low <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(high, joined[-1][1])
        else:
            joined.append((low, high))
    return joined


def _without(ranges: Sequence[Range], holes: Sequence[Range]) -> list[Range]:
    left = list(ranges)
    for low, high in holes:
        left = [
            part
            for begin, end in left
            for part in ((begin, min(end, low)), (max(begin, high), end))
            if part[0] < part[1]
        ]
    return left


def _common(ranges: Sequence[Range], others: Sequence[Range]) -> list[Range]:
    return [
        (max(low, begin), min(high, end))
        for low, high in ranges
        for begin, end in others
        if max(low, begin) < min(high, end)
    ]
