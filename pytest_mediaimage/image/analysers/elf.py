"""What an ELF file is and needs: machine, loader, libraries, symbol versions, instruction set."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from ..entries import Entry
from .elf_format import (
    BUILD_ID,
    EXECUTABLE,
    MAGIC,
    PIE_FLAG,
    PROPERTIES,
    WRITABLE,
    Damaged,
    Kind,
    NotHeld,
    Segment,
    Table,
    Tag,
    defined_versions,
    file_offset,
    has_symbols,
    isa_needed,
    notes,
    read_dynamic,
    read_header,
    read_segments,
    required_versions,
    sections_range,
    segments_range,
)
from .held import Held, Range

NAME = "elf"

# Names mostly stand before the dynamic section that tells where they are, and must be held till then.
# They end at 8.8 MB in containerd, at 5.1 MB in LLVM 15, and below 100 kB in nearly all files.
_MOST_NAMES = 16 << 20
_BEFORE_DYNAMIC = 1 << 20  # patchelf puts names and dynamic section into one new segment
_MOST_SECTIONS = 1 << 20  # bytes of section headers
_MOST_HELD = {Tag.STRINGS: _MOST_NAMES, Tag.REQUIRED: 64 << 10, Tag.DEFINED: 64 << 10}
_MOST_LENGTH = {Kind.DYNAMIC: 1 << 20, Kind.INTERPRETER: 4096, Kind.NOTE: 64 << 10}
_MOST_NOTES = 16
_LONGEST_BUILD_ID = 64
# libva, va/va.c, va_openDriver: the file's name, and the function that it must have.
_VA_DRIVER = "_drv_video.so"
_VA_INIT = re.compile(rb"\0__vaDriverInit_(\d{1,3})_(\d{1,3})(?=\0)")


class ElfFiles:
    """Reads the headers of every ELF file. The fact is a dict; what isn't known or isn't there is left out:

    - `class` 32 or 64, `order` "little" or "big", `e_machine`, `machine` as GOARCH names it, `type` "exec", "dyn",
      "rel" or "core", `stripped` (it has no symbol table for debuggers);
    - `static` for programs, `pie` for what is of type "dyn";
    - `interpreter`, `soname`, `needed`, `rpath`, `runpath` as the file writes them;
    - `needed_versions` {library: [symbol versions]}, `defined_versions` [symbol versions];
    - `build_id` in hex, `isa` the x86-64 level that the file says it needs;
    - `va_driver` the VA-API version, as "1.22", that a driver of VA-API (a `*_drv_video.so`) asks for at least;
    - `damaged` where the file contradicts the format, `partial` where something would have taken too much memory
      to read, or lies in a sparse file.
    """

    name = NAME
    version = 2

    def watch(self, entry: Entry, head: bytes) -> _Elf | None:
        if head[:4] != MAGIC:
            return None
        return _Elf(head, entry.size, va_driver=entry.path.endswith(_VA_DRIVER))


class _Elf:
    """Follows the tables of one file as they pass by, each telling where the next ones are."""

    def __init__(self, head: bytes, length: int, *, va_driver: bool = False) -> None:
        self._length = length
        self._va_driver = va_driver
        self._fact: dict[str, Any] = {}
        self._held = Held()
        self._step: Callable[[], None] | None = None
        self._due = 0  # how much of the file must have passed before the step is taken
        self._segments: list[Segment] = []
        self._sections: Range = (0, 0)
        self._dynamic: dict[int, int] = {}
        self._needed: list[int] = []
        self._names: dict[int, Range] = {}  # where names are: the string table, and those of symbol versions
        self._try(lambda: self._start(head))

    def feed(self, chunk: bytes) -> None:
        self._held.add(chunk)
        if self._step is None or self._held.length < self._due:
            self._held.trim(last=True)
            return
        while self._step is not None and self._held.length >= self._due:
            self._held.stand_at(self._due)  # what is known must not depend on how the file was cut
            step, self._step = self._step, None
            self._try(step)
            if self._step is None:
                self._held.want([self._sections])
        self._held.trim()

    def finish(self) -> dict[str, Any]:
        fact, self._step = self._fact, None
        if self._held.length != self._length:  # a sparse file's bytes come without their places
            kept = ("class", "order", "machine", "e_machine", "type")
            return {name: fact[name] for name in kept if name in fact} | {"partial": True}
        low, high = self._sections
        if low < high:
            self._try(lambda: fact.update(stripped=not has_symbols(self._header, self._exactly(low, high))))
        return fact

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Damaged as error:
            self._fact.setdefault("damaged", str(error))
        except NotHeld:
            self._fact["partial"] = True

    def _then(self, step: Callable[[], None], ranges: list[Range], *, also: list[Range] | None = None) -> None:
        """Take this step when these ranges have passed; others may be wanted as well, as far as they have passed."""
        self._step, self._due = step, max(self._due, *(high for _, high in ranges), 0)
        self._held.want([*ranges, *(also or []), self._sections])

    def _inside(self, low: int, high: int, what: str) -> Range:
        if high > self._length:
            raise Damaged(f"{what} would end at {high}, beyond the file's end")
        return low, high

    def _exactly(self, low: int, high: int) -> bytes:
        data = self._held.read(low, high - low)
        if len(data) < high - low:
            raise NotHeld
        return data

    def _start(self, head: bytes) -> None:
        header = self._header = read_header(head)
        fact = self._fact
        fact["class"], fact["order"] = header.bits, "little" if header.order == "<" else "big"
        if header.machine:
            fact["machine"] = header.machine
        fact["e_machine"], fact["type"] = header.machine_number, header.type
        self._try(self._place_sections)
        self._held.want([self._sections])
        if header.type in ("exec", "dyn"):
            table = self._inside(*segments_range(header), "the program headers")
            self._then(lambda: self._read_segments(table), [table], also=[(0, _MOST_NAMES)])

    def _place_sections(self) -> None:
        low, high = self._inside(*sections_range(self._header), "the section headers")
        if low == high:
            self._fact["stripped"] = True
        elif high - low <= _MOST_SECTIONS:
            self._sections = (low, high)

    def _read_segments(self, table: Range) -> None:
        self._segments = read_segments(self._header, self._exactly(*table))
        loads = sorted((one for one in self._segments if one.kind == Kind.LOAD), key=lambda one: one.offset)
        names = [(one.offset, one.offset + min(one.length, _MOST_NAMES)) for one in _with_names(loads)]
        dynamic = self._tables(Kind.DYNAMIC)[:1]
        for one in dynamic:
            begin = max((load.offset for load in loads if load.offset <= one.offset), default=one.offset)
            names.append((max(begin, one.offset - _BEFORE_DYNAMIC), one.offset))
        others = self._tables(Kind.INTERPRETER)[:1] + self._tables(Kind.NOTE)[:_MOST_NOTES]
        step = partial(self._read_dynamic, dynamic, others)
        self._then(step, self._ranges(dynamic), also=names + self._ranges(others))

    def _tables(self, kind: int) -> list[Segment]:
        return [one for one in self._segments if one.kind == kind and one.length]

    def _ranges(self, tables: list[Segment]) -> list[Range]:
        return [(one.offset, one.offset + one.length) for one in tables if self._can_read(one)]

    def _can_read(self, one: Segment) -> bool:
        return one.length <= _MOST_LENGTH[one.kind] and one.offset + one.length <= self._length

    def _read_dynamic(self, dynamic: list[Segment], others: list[Segment]) -> None:
        for one in dynamic:
            self._try(partial(self._read_table, one))
        if Tag.STRINGS in self._dynamic:
            self._try(self._place_names)
        names = [(low, min(high, low + _MOST_HELD[tag])) for tag, (low, high) in self._names.items()]
        self._then(partial(self._read_others, others), names + self._ranges(others))

    def _read_others(self, others: list[Segment]) -> None:
        for one in others:
            self._try(partial(self._read_table, one))
        self._judge_program()
        if self._names:
            self._read_names()

    def _read_table(self, one: Segment) -> None:
        self._inside(one.offset, one.offset + one.length, "a segment")
        if not self._can_read(one):
            raise NotHeld
        data = self._exactly(one.offset, one.offset + one.length)
        if one.kind == Kind.DYNAMIC:
            self._dynamic, self._needed = read_dynamic(self._header, data)
        elif one.kind == Kind.INTERPRETER:
            self._fact["interpreter"] = Table(data, len(data)).string(0)
        else:
            for owner, kind, content in notes(self._header, data, one.alignment):
                if owner == b"GNU" and kind == BUILD_ID and len(content) <= _LONGEST_BUILD_ID:
                    self._fact["build_id"] = content.hex()
                elif owner == b"GNU" and kind == PROPERTIES and (isa := isa_needed(self._header, content)):
                    self._fact["isa"] = isa

    def _judge_program(self) -> None:
        """Whether it is a static program, and whether one that may lie anywhere."""
        fact, kinds = self._fact, {one.kind for one in self._segments}
        if Kind.DYNAMIC in kinds and not self._dynamic:
            return  # it couldn't be read, or lies in another file as that of debugging symbols
        if fact["type"] == "dyn":
            # Linkers before binutils 2.26 don't set the flag, but give only programs a place for debuggers.
            asked = Tag.DEBUG in self._dynamic and "interpreter" in fact
            fact["pie"] = bool(self._dynamic.get(Tag.FLAGS_1, 0) & PIE_FLAG) or asked
        if fact["type"] == "exec" or fact["pie"]:
            fact["static"] = Kind.INTERPRETER not in kinds and not self._needed

    def _place_names(self) -> None:
        """Find the string table and those of symbol versions, which may have passed already.

        Their ends aren't those of their segments: patchelf leaves some that go on in the last page.
        """
        places: dict[int, Range] = {}
        for tag in (Tag.STRINGS, Tag.REQUIRED, Tag.DEFINED):
            if tag in self._dynamic:
                low = file_offset(self._segments, self._dynamic[tag])
                places[tag] = self._inside(low, self._length, "a table")
        if (length := self._dynamic.get(Tag.STRINGS_LENGTH)) is not None:
            low = places[Tag.STRINGS][0]
            places[Tag.STRINGS] = self._inside(low, low + length, "the string table")
        self._names = places

    def _read_names(self) -> None:
        fact, header, dynamic = self._fact, self._header, self._dynamic
        tables = {
            tag: Table(self._held.read(low, min(high - low, _MOST_HELD[tag])), high - low)
            for tag, (low, high) in self._names.items()
        }
        strings = tables[Tag.STRINGS]

        def names() -> None:
            for tag, name in ((Tag.SONAME, "soname"), (Tag.RPATH, "rpath"), (Tag.RUNPATH, "runpath")):
                if tag in dynamic:
                    fact[name] = strings.string(dynamic[tag])
            if self._needed:
                fact["needed"] = [strings.string(index) for index in self._needed]

        def required() -> None:
            if table := tables.get(Tag.REQUIRED):
                count = dynamic.get(Tag.REQUIRED_COUNT, 0)
                fact["needed_versions"] = required_versions(header, table, count, strings)

        def defined() -> None:
            if table := tables.get(Tag.DEFINED):
                count = dynamic.get(Tag.DEFINED_COUNT, 0)
                fact["defined_versions"] = defined_versions(header, table, count, strings)

        def driver() -> None:
            if self._va_driver:
                made_for = [(int(init[1]), int(init[2])) for init in strings.matches(_VA_INIT)]
                if made_for:
                    fact["va_driver"] = "{}.{}".format(*min(made_for))

        for step in (names, required, defined, driver):
            self._try(step)


def _with_names(loads: list[Segment]) -> list[Segment]:
    """The segments that may hold names: the first, and where that holds code, the first that only holds data too."""
    first = loads[:1]
    if first and first[0].flags & EXECUTABLE:
        first += [one for one in loads if not one.flags & (EXECUTABLE | WRITABLE)][:1]
    return first
