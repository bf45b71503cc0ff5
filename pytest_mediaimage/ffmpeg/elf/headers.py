"""The headers of an ELF file: what they say, checked against the file's length. After the ELF specification (gABI)."""

from __future__ import annotations

import enum
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ...errors import ElfError

Read = Callable[[int, int], bytes]
"""Gives so many bytes from an offset on. Raises ElfError where the file hasn't got them."""

MACHINES = {3: "x86", 40: "arm", 62: "x86-64", 183: "aarch64", 243: "riscv", 21: "ppc64", 22: "s390"}
KINDS = {1: "relocatable", 2: "executable", 3: "shared", 4: "core"}
MOST_SEGMENTS = 512
MOST_SECTIONS = 16384  # a linked file has some forty
_MOST_DYNAMIC = 65536
_LONGEST_NAME = 256
_EXTENDED = 0xFFFF  # e_shstrndx: the number stands in the first section's header


class SegmentKind(enum.IntEnum):
    LOAD = 1
    DYNAMIC = 2
    INTERPRETER = 3


class SectionKind(enum.IntEnum):
    SYMTAB = 2
    STRTAB = 3
    NOBITS = 8
    DYNSYM = 11


class Tag(enum.IntEnum):
    """Of an entry in the dynamic section."""

    NEEDED = 1
    STRTAB = 5
    SYMTAB = 6
    RELA = 7
    RELASZ = 8
    STRSZ = 10
    SONAME = 14
    RELRSZ = 35
    RELR = 36


EXECUTABLE, WRITABLE = 1, 2  # a segment's flags
ALLOCATED, CODE = 2, 4  # a section's flags


class Header(NamedTuple):
    """What the first 64 bytes say; `order` is struct's sign for the byte order."""

    wide: bool
    order: str
    kind: str
    machine: str
    segments: tuple[int, int, int]  # offset, length of one, count
    sections: tuple[int, int, int]
    section_names: int


class Segment(NamedTuple):
    """A row of the program headers: `length` bytes of the file at `offset` become `memory` bytes at `address`."""

    kind: int
    flags: int
    offset: int
    address: int
    length: int
    memory: int


class Section(NamedTuple):
    """A row of the section headers; `entry` is the length of one entry in a table, `link` another section's number."""

    name: str
    kind: int
    flags: int
    address: int
    offset: int
    length: int
    link: int
    entry: int


def read_header(head: bytes) -> Header:
    """What a file's first 64 bytes say. Raises ElfError where it isn't ELF."""
    if head[:4] != b"\x7fELF":
        raise ElfError("it isn't an ELF file")
    if len(head) < 52 or head[4] not in (1, 2) or head[5] not in (1, 2) or len(head) < (64 if head[4] == 2 else 52):
        raise ElfError("its ELF header is damaged")
    wide, order = head[4] == 2, "<>"[head[5] - 1]
    layout = order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH")
    fields = struct.unpack_from(layout, head, 16)
    kind, machine, _, _, segments, sections, _, _, segment, segment_count, section, section_count, names = fields
    return Header(
        wide,
        order,
        KINDS.get(kind, f"type {kind}"),
        MACHINES.get(machine, f"machine {machine}"),
        (segments, segment, segment_count),
        (sections, section, section_count),
        names,
    )


def read_segments(header: Header, read: Read, length: int) -> tuple[Segment, ...]:
    """The program headers. Raises ElfError for a table or a loaded segment that goes beyond the file's end."""
    layout = struct.Struct(header.order + ("IIQQQQQQ" if header.wide else "IIIIIIII"))
    segments = []
    for fields in _table(layout, *header.segments, MOST_SEGMENTS, read, "program headers"):
        if header.wide:
            kind, flags, offset, address, _, size, memory, _ = fields
        else:
            kind, offset, address, _, size, memory, flags, _ = fields
        if kind in (SegmentKind.LOAD, SegmentKind.DYNAMIC) and offset + size > length:
            raise ElfError(f"a segment would end at byte {offset + size}, beyond the file's end at {length}")
        if address + max(size, memory) >= 1 << 64:
            raise ElfError(f"a segment would be loaded beyond the last address, at {address:#x}")
        segments.append(Segment(kind, flags, offset, address, size, memory))
    return tuple(segments)


def read_sections(header: Header, read: Read, length: int) -> tuple[Section, ...]:
    """The section headers; empty where the file has none.

    Raises ElfError for a table or a section that goes beyond the file's end, and for names that do.
    """
    layout = struct.Struct(header.order + ("IIQQQQIIQQ" if header.wide else "IIIIIIIIII"))
    offset, entry, count = header.sections
    names = header.section_names
    if offset and (count == 0 or names == _EXTENDED):
        first = next(_table(layout, offset, entry, 1, MOST_SECTIONS, read, "section headers"))
        count, names = count or first[5], first[6] if names == _EXTENDED else names
    if not offset or not count:
        return ()
    rows = list(_table(layout, offset, entry, count, MOST_SECTIONS, read, "section headers"))
    for row in rows:
        if row[1] not in (0, SectionKind.NOBITS) and row[4] + row[5] > length:
            raise ElfError(f"a section would end at byte {row[4] + row[5]}, beyond the file's end at {length}")
    texts = b""
    if names < len(rows) and rows[names][1] == SectionKind.STRTAB:
        texts = read(rows[names][4], min(rows[names][5], MOST_SECTIONS * 16))
    return tuple(Section(_text(texts, row[0]), row[1], row[2], row[3], row[4], row[5], row[6], row[9]) for row in rows)


def read_dynamic(header: Header, segments: tuple[Segment, ...], read: Read) -> tuple[tuple[int, int], ...]:
    """The dynamic section's entries (tag, value) up to its end mark; empty in a static file."""
    layout = struct.Struct(header.order + ("qQ" if header.wide else "iI"))
    table = next((one for one in segments if one.kind == SegmentKind.DYNAMIC and one.length), None)
    if table is None:
        return ()
    data = read(table.offset, min(table.length, _MOST_DYNAMIC * layout.size))
    entries = []
    for tag, value in layout.iter_unpack(data[: len(data) // layout.size * layout.size]):
        if tag == 0:
            break
        entries.append((tag, value))
    return tuple(entries)


def _table(
    layout: struct.Struct, offset: int, entry: int, count: int, most: int, read: Read, what: str
) -> Iterator[tuple[int, ...]]:
    if not offset or not count:
        return
    if entry < layout.size or count > most:
        raise ElfError(f"its {what} are damaged: {count} rows of {entry} bytes")
    data = read(offset, entry * count)
    for index in range(count):
        yield layout.unpack_from(data, index * entry)


def _text(table: bytes, at: int) -> str:
    end = table.find(b"\0", at, at + _LONGEST_NAME)
    return table[at:end].decode("utf-8", "backslashreplace") if end >= 0 else ""
