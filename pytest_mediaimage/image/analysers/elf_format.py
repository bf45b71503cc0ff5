"""The tables of an ELF file: the generic ABI (gABI), GNU's additions, and symbol versions (LSB Core, chapter 10).

Functions over bytes. Each raises Damaged where the bytes contradict the format.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

MAGIC = b"\x7fELF"
TYPES = {1: "rel", 2: "exec", 3: "dyn", 4: "core"}
EXECUTABLE, WRITABLE = 1, 2  # PF_X, PF_W


class Kind:
    """Types of segments: PT_LOAD and so on."""

    LOAD = 1
    DYNAMIC = 2
    INTERPRETER = 3
    NOTE = 4


class Tag:
    """Tags of the dynamic section: DT_NEEDED and so on; the last four are DT_VERDEF to DT_VERNEEDNUM."""

    NEEDED = 1
    STRINGS = 5
    STRINGS_LENGTH = 10
    SONAME = 14
    RPATH = 15
    DEBUG = 21
    RUNPATH = 29
    FLAGS_1 = 0x6FFFFFFB
    DEFINED = 0x6FFFFFFC
    DEFINED_COUNT = 0x6FFFFFFD
    REQUIRED = 0x6FFFFFFE
    REQUIRED_COUNT = 0x6FFFFFFF


BUILD_ID, PROPERTIES = 3, 5  # types of GNU's notes
PIE_FLAG = 0x08000000  # DF_1_PIE of DT_FLAGS_1
_SYMBOLS = 2  # SHT_SYMTAB
_BASE = 1  # VER_FLG_BASE: a library's own name among the versions it defines
_WEAK = 2  # VER_FLG_WEAK: a version that may be missing
_MOST_SEGMENTS_LENGTH = 64 * 1024  # in bytes; Linux starts nothing with more (fs/binfmt_elf.c, load_elf_phdrs)
_MOST_VERSIONS = 16384
_LONGEST_NAME = 4096  # PATH_MAX
_MOST_TEXT = 256 << 10  # of all names in a file

# e_machine (gABI, chapter 4) to what Go's GOARCH, and thus an image's platform, calls it.
_MACHINES = {
    3: "386", 20: "ppc", 22: "s390x", 40: "arm", 43: "sparc64", 62: "amd64", 183: "arm64", 258: "loong64",
    (8, 32, "<"): "mipsle", (8, 32, ">"): "mips", (8, 64, "<"): "mips64le", (8, 64, ">"): "mips64",
    (21, 64, "<"): "ppc64le", (21, 64, ">"): "ppc64", (243, 32, "<"): "riscv", (243, 64, "<"): "riscv64",
    (62, 32, "<"): "amd64p32", (183, 32, "<"): "arm64p32", (22, 32, ">"): "s390",
}  # fmt: skip
# GNU_PROPERTY_X86_ISA_1_NEEDED, highest level first (x86-64 psABI, "Program Property").
_ISA_NEEDED = 0xC0008002
_ISA_LEVELS = ((8, "x86-64-v4"), (4, "x86-64-v3"), (2, "x86-64-v2"), (1, "x86-64"))


class Damaged(Exception):
    """The bytes are no well-formed ELF; the text says where they fail."""


class NotHeld(Exception):
    """Bytes are needed that aren't at hand."""


class Table:
    """A table of `length` bytes in the file, of which `data` holds the first."""

    def __init__(self, data: bytes, length: int) -> None:
        self._data = data
        self._length = length
        self._text = 0

    def row(self, layout: struct.Struct, at: int) -> tuple[int, ...]:
        if at + layout.size > self._length:
            raise Damaged("a table of symbol versions has no end")
        if at + layout.size > len(self._data):
            raise NotHeld
        return layout.unpack_from(self._data, at)

    def matches(self, pattern: re.Pattern[bytes]) -> Iterator[re.Match[bytes]]:
        """Those in what is at hand."""
        return pattern.finditer(self._data)

    def string(self, index: int) -> str:
        """The text that begins there. Raises NotHeld also where all texts together become too long."""
        if index >= self._length:
            raise Damaged("a name would lie outside the string table")
        end = self._data.find(b"\0", index, index + _LONGEST_NAME)
        if end < 0:
            raise NotHeld if index + _LONGEST_NAME > len(self._data) < self._length else Damaged("a name has no end")
        self._text += end - index
        if self._text > _MOST_TEXT:
            raise NotHeld
        return self._data[index:end].decode("utf-8", "surrogateescape")


class Header(NamedTuple):
    """`segments` and `sections` are (offset in the file, length of an entry, count) of their tables."""

    bits: int  # 32 or 64
    order: str  # "<" or ">", as `struct` writes it
    machine_number: int
    type_number: int
    segments: tuple[int, int, int]
    sections: tuple[int, int, int]

    @property
    def machine(self) -> str | None:
        exact = _MACHINES.get((self.machine_number, self.bits, self.order))
        return exact or _MACHINES.get(self.machine_number)

    @property
    def type(self) -> str:
        return TYPES.get(self.type_number, str(self.type_number))


class Segment(NamedTuple):
    """A program header; offset and length are those in the file, in bytes."""

    kind: int
    flags: int
    offset: int
    address: int
    length: int
    alignment: int


def read_header(head: bytes) -> Header:
    """The file's header, from its first 64 bytes."""
    if len(head) < 52 or head[:4] != MAGIC:
        raise Damaged("the file ends in its header")
    if head[4] not in (1, 2) or head[5] not in (1, 2):
        raise Damaged(f"the header gives class {head[4]} and byte order {head[5]}")
    bits, order = 32 * head[4], "<>"[head[5] - 1]
    if bits == 64 and len(head) < 64:
        raise Damaged("the file ends in its header")
    layout = struct.Struct(order + ("HHIQQQIHHHHHH" if bits == 64 else "HHIIIIIHHHHHH"))
    kind, machine, _, _, segments, sections, _, _, entry, count, section_entry, section_count, _ = layout.unpack_from(
        head, 16
    )
    return Header(bits, order, machine, kind, (segments, entry, count), (sections, section_entry, section_count))


def segments_range(header: Header) -> tuple[int, int]:
    """Where the program headers lie, [low, high); an empty range where there are none."""
    offset, entry, count = header.segments
    if not count or not offset:
        return 0, 0
    if entry != (56 if header.bits == 64 else 32):
        raise Damaged(f"program headers of {entry} bytes each")
    if entry * count > _MOST_SEGMENTS_LENGTH:
        raise Damaged(f"{count} program headers")
    return offset, offset + entry * count


def sections_range(header: Header) -> tuple[int, int]:
    """Where the section headers lie, [low, high); an empty range where there are none."""
    offset, entry, count = header.sections
    if not count or not offset:
        return 0, 0
    if entry != (64 if header.bits == 64 else 40):
        raise Damaged(f"section headers of {entry} bytes each")
    return offset, offset + entry * count


def read_segments(header: Header, table: bytes) -> list[Segment]:
    if header.bits == 64:
        rows = struct.iter_unpack(header.order + "IIQQ8xQ8xQ", table)
        return [Segment._make(row) for row in rows]
    rows = struct.iter_unpack(header.order + "IIIIIIII", table)
    return [Segment(row[0], row[6], row[1], row[2], row[4], row[7]) for row in rows]


def has_symbols(header: Header, table: bytes) -> bool:
    """Whether the section headers name a symbol table, which `strip` takes away."""
    width = header.sections[1]
    if _SYMBOLS not in table[4 if header.order == "<" else 7 :: width]:  # the types' lowest bytes
        return False
    rows = struct.iter_unpack(f"{header.order}4xI{width - 8}x", table)
    return any(kind == _SYMBOLS for (kind,) in rows)


def read_dynamic(header: Header, table: bytes) -> tuple[dict[int, int], list[int]]:
    """The dynamic section: each tag's first value, and all values of NEEDED in order."""
    width = 16 if header.bits == 64 else 8
    values: dict[int, int] = {}
    needed: list[int] = []
    for tag, value in struct.iter_unpack(
        header.order + ("QQ" if width == 16 else "II"), table[: len(table) // width * width]
    ):
        if tag == 0:
            break
        if tag == Tag.NEEDED:
            needed.append(value)
        else:
            values.setdefault(tag, value)
    return values, needed


def file_offset(segments: list[Segment], address: int) -> int:
    """Where the byte that is loaded to `address` lies in the file."""
    for segment in segments:
        if segment.kind == Kind.LOAD and segment.address <= address < segment.address + segment.length:
            return segment.offset + address - segment.address
    raise Damaged(f"nothing of the file is loaded to {address:#x}, where a table is said to be")


def notes(header: Header, data: bytes, alignment: int) -> Iterator[tuple[bytes, int, bytes]]:
    """(owner, type, content) of each note in a segment of notes."""
    step = 8 if alignment == 8 else 4
    layout = struct.Struct(header.order + "III")
    at = 0
    while at + 12 <= len(data):
        name_length, length, kind = layout.unpack_from(data, at)
        content = -(-(at + 12 + name_length) // step) * step
        if content + length > len(data):
            raise Damaged("a note passes the end of its segment")
        yield data[at + 12 : at + 12 + name_length].rstrip(b"\0"), kind, data[content : content + length]
        at = -(-(content + length) // step) * step


def isa_needed(header: Header, properties: bytes) -> str | None:
    """The x86-64 level that a note of GNU properties says the file needs, as `x86-64-v3`."""
    layout = struct.Struct(header.order + "II")
    step, at = header.bits // 8, 0
    while at + 8 <= len(properties):
        kind, length = layout.unpack_from(properties, at)
        value = properties[at + 8 : at + 8 + length]
        if len(value) != length:
            raise Damaged("a GNU property passes the end of its note")
        if kind == _ISA_NEEDED and length == 4:
            (bits,) = struct.unpack(header.order + "I", value)
            return next((name for bit, name in _ISA_LEVELS if bits & bit), None)
        at += 8 + -(-length // step) * step
    return None


def required_versions(header: Header, table: Table, count: int, strings: Table) -> dict[str, list[str]]:
    """`.gnu.version_r`: the symbol versions needed of each library, in the order of the file; no weak ones."""
    found: dict[str, list[str]] = {}
    need, auxiliary = struct.Struct(header.order + "HHIII"), struct.Struct(header.order + "4xH2xII")
    at = total = 0
    for _ in range(count):
        version, names, library, first, following = table.row(need, at)
        if version != 1:
            raise Damaged(f"a table of symbol versions of version {version}")
        versions = found.setdefault(strings.string(library), [])
        place = at + first
        for _ in range(names):
            flags, name, further = table.row(auxiliary, place)
            total += 1
            if total > _MOST_VERSIONS:
                raise NotHeld
            if not flags & _WEAK:
                versions.append(strings.string(name))
            if not further:
                break
            place += further
        if not following:
            break
        at += following
    return found


def defined_versions(header: Header, table: Table, count: int, strings: Table) -> list[str]:
    """`.gnu.version_d`: the symbol versions that a library gives, in the order of the file."""
    found: list[str] = []
    definition, auxiliary = struct.Struct(header.order + "HHHHIII"), struct.Struct(header.order + "I4x")
    at = 0
    for _ in range(count):
        version, flags, _, _, _, first, following = table.row(definition, at)
        if version != 1:
            raise Damaged(f"a table of symbol versions of version {version}")
        if not flags & _BASE:
            found.append(strings.string(table.row(auxiliary, at + first)[0]))
        if len(found) > _MOST_VERSIONS:
            raise NotHeld
        if not following:
            break
        at += following
    return found
