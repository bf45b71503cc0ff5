"""ELF files read at random: what is in them, and that nothing in them costs more than its share."""

from __future__ import annotations

import io
import random
import re
import shutil
import struct
import subprocess
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.elf_writer import ElfWriter
from table_writer import BASE, CODE, DATA, TableWriter, known_identity

from pytest_mediaimage.errors import CorruptImage
from pytest_mediaimage.ffmpeg.elf import ElfError, ElfFile
from pytest_mediaimage.ffmpeg.elf.headers import MOST_SECTIONS
from pytest_mediaimage.ffmpeg.tables import read_tables

SMALL = TableWriter().everything().write()


def opened(data: bytes) -> ElfFile:
    return ElfFile(io.BytesIO(data), len(data))


def changed(data: bytes, at: int, layout: str, value: int) -> bytes:
    whole = bytearray(data)
    struct.pack_into(layout, whole, at, value)
    return bytes(whole)


def tool_output(*argv: str | Path) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.fixture(scope="module")
def readelf() -> str:
    return shutil.which("readelf") or pytest.skip("no readelf on this machine")


def test_a_real_file_is_read_as_readelf_reads_it(build: Path, readelf: str) -> None:
    with build.open("rb") as file:
        elf = ElfFile(file, build.stat().st_size)
        sections = re.findall(r"^ +\[ *\d+\] (\S+) ", tool_output(readelf, "-SW", build), re.M)
        assert [one.name for one in elf.sections if one.name] == sections
        dynamic = tool_output(readelf, "-dW", build)
        assert list(elf.needed) == re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
        loads = re.findall(r"^ +LOAD +(0x\w+) (0x\w+) 0x\w+ (0x\w+) (0x\w+)", tool_output(readelf, "-lW", build), re.M)
        read = [(one.offset, one.address, one.length, one.memory) for one in elf.segments if one.kind == 1]
        assert read == [tuple(int(number, 16) for number in row) for row in loads]


def test_relocations_are_those_that_readelf_lists(bundled: dict[str, Path], readelf: str) -> None:
    path = bundled["libavutil"]
    with path.open("rb") as file:
        elf = ElfFile(file, path.stat().st_size)
        pointers = elf.pointers()
        assert pointers is not None
        listed = re.findall(r"^(\w{16}) +\w+ R_X86_64_RELATIVE +(\w+)$", tool_output(readelf, "-rW", path), re.M)
        assert len(listed) > 1000
        read = dict(zip(pointers.places.tolist(), pointers.targets.tolist(), strict=True))
        assert {int(place, 16): int(target, 16) for place, target in listed}.items() <= read.items()


def test_defined_symbols_are_told_from_imported_ones(bundled: dict[str, Path]) -> None:
    path = bundled["libavformat"]
    with path.open("rb") as file:
        symbols = ElfFile(file, path.stat().st_size).defined_symbols()
    assert "avformat_open_input" in symbols and "avcodec_open2" not in symbols


def test_data_ranges_leave_out_code_and_hold_every_text(build: Path) -> None:
    with build.open("rb") as file:
        elf = ElfFile(file, build.stat().st_size)
        data = b"\0".join(piece for _, piece in elf.pieces())
    assert b"%sbuilt with %s\n\0" in data
    assert len(data) < build.stat().st_size * 0.7


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [32, 64])
def test_names_in_any_class_and_byte_order(bits: int, order: str) -> None:
    data = ElfWriter(bits=bits, order=order, soname=b"libx.so.1", needed=(b"libc.so.6", b"libm.so.6")).write()
    elf = opened(data)
    assert (elf.wide, elf.little) == (bits == 64, order == "<")
    assert (elf.needed, elf.soname, elf.kind) == (("libc.so.6", "libm.so.6"), "libx.so.1", "shared")
    assert elf.pointers() is None or (bits, order) == (64, "<")


def test_addresses_and_offsets() -> None:
    elf = opened(SMALL)
    assert elf.offset_of(BASE + DATA) == DATA
    assert elf.offset_of(BASE - 1) is None and elf.offset_of(BASE + len(SMALL)) is None
    assert elf.is_code(BASE + CODE) and not elf.is_code(BASE + DATA)
    assert elf.read(1, 3) == b"ELF"
    for offset, length in ((len(SMALL), 1), (-1, 1), (0, len(SMALL) + 1)):
        with pytest.raises(ElfError, match="it has no byte"):
            elf.read(offset, length)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "it isn't an ELF file"),
        (b"MZ" + bytes(100), "it isn't an ELF file"),
        (b"\x7fELF\x02\x01\x01", "its ELF header is damaged"),
        (b"\x7fELF\x09\x01\x01" + bytes(80), "its ELF header is damaged"),
        (SMALL[:100], "it has no byte"),
        (SMALL[:-100], "beyond the file's end"),
        (changed(SMALL, 32, "<Q", 1 << 62), "it has no byte"),  # the program headers
        (changed(SMALL, 54, "<H", 8), "its program headers are damaged"),
        (changed(SMALL, 56, "<H", 65535), "its program headers are damaged"),
        (changed(SMALL, 40, "<Q", 1 << 40)[:60] + b"\5\0\0\0" + SMALL[64:], "it has no byte"),  # the section headers
        (changed(SMALL, 64 + 8, "<Q", 1 << 63), "beyond the file's end"),  # a segment's offset
        (changed(SMALL, 64 + 16, "<Q", (1 << 64) - 8), "beyond the last address"),
    ],
)
def test_what_contradicts_the_format_is_told(data: bytes, message: str) -> None:
    with pytest.raises(ElfError, match=message) as caught:
        opened(data)
    assert isinstance(caught.value, CorruptImage)


def test_a_count_in_the_first_section_is_bounded() -> None:
    """e_shnum 0 says that the count stands in the first section's header."""
    first = struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, 1 << 60, 0, 0, 0, 0)
    data = changed(SMALL + first, 40, "<Q", len(SMALL))
    with pytest.raises(ElfError, match="section headers are damaged"):
        opened(data)
    with pytest.raises(ElfError):
        opened(changed(data, len(SMALL) + 32, "<Q", MOST_SECTIONS))


def test_what_was_not_kept_is_told_and_left_out() -> None:
    kept = [(0, DATA), (DATA + 64, len(SMALL))]
    elf = ElfFile(io.BytesIO(SMALL), len(SMALL), kept)
    assert elf.read(DATA + 64, 8) == SMALL[DATA + 64 : DATA + 72]
    with pytest.raises(ElfError, match="weren't kept"):
        elf.read(DATA, 100)
    assert all(not low <= DATA < high for low, high in elf.data_ranges())


def test_relocations_beyond_the_end_are_told() -> None:
    at = SMALL.rindex(struct.pack("<QQ", 9, 24)) - 8  # the value of DT_RELASZ stands before DT_RELAENT
    with pytest.raises(ElfError, match="relocations go beyond"):
        opened(changed(SMALL, at, "<Q", 1 << 50)).pointers()


def test_a_map_without_an_address_relocates_nothing() -> None:
    data = TableWriter("relr").everything().write()
    at = data.rindex(struct.pack("<Q", 36))
    (table,) = struct.unpack_from("<Q", data, at + 8)
    pointers = opened(changed(data, table - BASE, "<Q", 2**64 - 1)).pointers()
    assert pointers is not None and len(pointers) == 0


def test_memory_for_absurd_pointers_is_bounded() -> None:
    """A file that is all pointers to itself."""
    words = 400_000
    writer = TableWriter("fixed")
    writer.data += struct.pack("<Q", BASE + DATA) * words
    data = writer.write()
    tracemalloc.start()
    read_tables(opened(data), known_identity())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 400 * words, "a few arrays, and the list of runs"


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_gives_tables_or_an_error(data: st.DataObject) -> None:
    whole = bytearray(TableWriter(data.draw(st.sampled_from(["fixed", "rela", "relr"]))).everything().write())
    chance = random.Random(data.draw(st.integers(0, 1 << 32)))
    # In the headers, the structures, the relocations and the dynamic section, and rarely in the empty page of code.
    spots = [*range(64 + 56 * 5), *range(DATA, len(whole))]
    for _ in range(data.draw(st.integers(1, 8))):
        whole[chance.choice(spots)] = chance.choice((0, 1, 8, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    cut = data.draw(st.one_of(st.just(len(whole)), st.integers(0, len(whole))))
    try:
        elf = opened(bytes(whole[:cut]))
        tables = read_tables(elf, known_identity())
        assert all(names is None or list(names) == sorted(set(names)) for names in tables)
        assert isinstance(elf.needed, tuple) and isinstance(elf.defined_symbols(), frozenset)
        assert sum(len(piece) for _, piece in elf.pieces()) <= cut
    except ElfError as error:
        assert str(error)
