"""Writes small ELF files of any class, byte order and layout, byte by byte (gABI, chapters 4 and 5)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

LOAD, DYNAMIC, INTERPRETER, NOTE = 1, 2, 3, 4
BASE = 0x400000
GAP = 0x1000


@dataclass
class ElfWriter:
    """`names` says where the string and version tables stand to the dynamic section: "before" or "after" it.

    `last` puts interpreter and notes after all else, as patchelf does; `unloaded` bytes at the end are in no segment.
    """

    bits: int = 64
    order: str = "<"
    machine: int = 62
    kind: int = 3
    interpreter: bytes = b""
    soname: bytes = b""
    needed: Sequence[bytes] = ()
    rpath: bytes = b""
    runpath: bytes = b""
    versions: dict[bytes, list[bytes]] = field(default_factory=dict)
    defines: Sequence[bytes] = ()
    weak: Sequence[bytes] = ()  # versions, of those in `versions`, that may be missing
    symbols: Sequence[bytes] = ()  # names that stand in the string table only
    flags_1: int = 0
    build_id: bytes = b""
    isa: int = 0
    names: str = "before"
    last: bool = False
    unloaded: int = 0
    gap: int = 0  # bytes between the parts

    def write(self) -> bytes:
        self._strings = bytearray(b"\0")
        word = "Q" if self.bits == 64 else "I"
        tags = [(1, self._text(name)) for name in self.needed]
        tags += [(14, self._text(self.soname))] if self.soname else []
        tags += [(15, self._text(self.rpath))] if self.rpath else []
        tags += [(29, self._text(self.runpath))] if self.runpath else []
        for name in self.symbols:
            self._text(name)
        tags += [(0x6FFFFFFB, self.flags_1)] if self.flags_1 else []
        required, defined = self._required(), self._defined()
        strings = bytes(self._strings)
        tables = {5: strings, 0x6FFFFFFE: required, 0x6FFFFFFC: defined}
        tables = {tag: data for tag, data in tables.items() if data}
        tags += [(10, len(strings))]
        tags += [(0x6FFFFFFF, len(self.versions))] if required else []
        tags += [(0x6FFFFFFD, len(self.defines) + 1)] if defined else []
        dynamic_length = (len(tags) + len(tables) + 1) * 2 * self.bits // 8
        notes = self._notes()

        start = 52 if self.bits == 32 else 64
        entry = 32 if self.bits == 32 else 56
        count = 2 + bool(self.interpreter) + bool(notes)
        at = start + entry * count
        parts: list[tuple[int, bytes]] = []

        def place(data: bytes) -> int:
            nonlocal at
            at = -(-(at + self.gap) // 8) * 8
            parts.append((at, data))
            at += len(data)
            return at - len(data)

        segments: list[tuple[int, int, int, int]] = []

        def place_described() -> None:
            if self.interpreter:
                segments.append((INTERPRETER, place(self.interpreter + b"\0"), len(self.interpreter) + 1, 1))
            if notes:
                segments.append((NOTE, place(notes), len(notes), self.bits // 8))

        if not self.last:
            place_described()
        if self.names == "before":
            tags += [(tag, BASE + place(data)) for tag, data in tables.items()]
        dynamic_at = place(bytes(dynamic_length))
        if self.names == "after":
            tags += [(tag, BASE + place(data)) for tag, data in tables.items()]
        if self.last:
            place_described()
        dynamic = b"".join(struct.pack(self.order + word * 2, *tag) for tag in (*tags, (0, 0)))
        parts = [(place_, dynamic if place_ == dynamic_at else data) for place_, data in parts]
        segments = [(LOAD, 0, at - self.unloaded, GAP), (DYNAMIC, dynamic_at, len(dynamic), 8), *segments]

        whole = bytearray(at)
        whole[:start] = self._header(start, entry, count)
        for number, (kind, offset, length, alignment) in enumerate(segments):
            whole[start + entry * number : start + entry * (number + 1)] = self._segment(
                kind, offset, length, alignment
            )
        for offset, data in parts:
            whole[offset : offset + len(data)] = data
        return bytes(whole)

    def _text(self, text: bytes) -> int:
        self._strings += text + b"\0"
        return len(self._strings) - len(text) - 1

    def _header(self, start: int, entry: int, count: int) -> bytes:
        layout = "HHIQQQIHHHHHH" if self.bits == 64 else "HHIIIIIHHHHHH"
        identity = b"\x7fELF" + bytes([self.bits // 32, 1 if self.order == "<" else 2, 1]) + bytes(9)
        section = 64 if self.bits == 64 else 40
        fields = (self.kind, self.machine, 1, 0, start, 0, 0, start, entry, count, section, 0, 0)
        return identity + struct.pack(self.order + layout, *fields)

    def _segment(self, kind: int, offset: int, length: int, alignment: int) -> bytes:
        address = BASE + offset
        if self.bits == 64:
            fields = (kind, 4, offset, address, address, length, length, alignment)
            return struct.pack(self.order + "IIQQQQQQ", *fields)
        return struct.pack(self.order + "IIIIIIII", kind, offset, address, address, length, length, 4, alignment)

    def _required(self) -> bytes:
        table = b""
        for number, (library, names) in enumerate(self.versions.items()):
            following = 0 if number == len(self.versions) - 1 else 16 + 16 * len(names)
            table += struct.pack(self.order + "HHIII", 1, len(names), self._text(library), 16, following)
            for index, name in enumerate(names):
                further = 0 if index == len(names) - 1 else 16
                table += struct.pack(self.order + "IHHII", 0, 2 * (name in self.weak), 2, self._text(name), further)
        return table

    def _defined(self) -> bytes:
        if not self.defines:
            return b""
        table = b""
        for number, name in enumerate((self.soname, *self.defines)):
            following = 0 if number == len(self.defines) else 28
            flags = 1 if number == 0 else 0
            table += struct.pack(self.order + "HHHHIII", 1, flags, number + 1, 1, 0, 20, following)
            table += struct.pack(self.order + "II", self._text(name), 0)
        return table

    def _notes(self) -> bytes:
        step = self.bits // 8

        def note(kind: int, content: bytes) -> bytes:
            data = struct.pack(self.order + "III", 4, len(content), kind) + b"GNU\0"
            data = data.ljust(-(-len(data) // step) * step, b"\0") + content
            return data.ljust(-(-len(data) // step) * step, b"\0")

        found = note(3, self.build_id) if self.build_id else b""
        if self.isa:
            properties = ((0xC0000002, 3), (0xC0008002, self.isa))  # IBT and SHSTK, and the level
            content = b"".join(
                struct.pack(self.order + "III", kind, 4, value).ljust(8 + step, b"\0") for kind, value in properties
            )
            found += note(5, content)
        return found
