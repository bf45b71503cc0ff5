"""The tar reader against the standard library's, and against damage."""

from __future__ import annotations

import io
import itertools
import tarfile
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_mediaimage.errors import CorruptImage
from pytest_mediaimage.image.tar import MAX_EXTENDED_HEADER, TarReader

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
KINDS = (
    tarfile.REGTYPE,
    tarfile.DIRTYPE,
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.FIFOTYPE,
    tarfile.CHRTYPE,
    tarfile.CONTTYPE,
)
Seen = tuple[str, str, int, int, int, int, int, str, bytes]

# Names that an archive can hold: no NUL; bytes that aren't UTF-8 travel as surrogates.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=300)
oddities = st.binary(min_size=1, max_size=90).filter(lambda raw: 0 not in raw)
names = st.one_of(
    texts,
    oddities.map(lambda raw: raw.decode("utf-8", "surrogateescape")),
    st.lists(st.text("ab./", min_size=1, max_size=40), min_size=1, max_size=9).map("/".join),
).filter(lambda name: not name.isspace())


@st.composite
def members(draw: st.DrawFn) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(draw(names))
    info.type = draw(st.sampled_from(KINDS))
    content = draw(st.binary(max_size=1500)) if info.type in tarfile.REGULAR_TYPES else b""
    info.size = len(content)
    info.mode = draw(st.integers(0, 0o7777))
    info.uid, info.gid = draw(st.integers(0, 2**31)), draw(st.integers(0, 2**31))
    info.mtime = draw(st.integers(-(2**33), 2**35))
    if info.issym() or info.islnk():
        info.linkname = draw(names)
    return info, content


class Chopped:
    """A stream that hands out pieces of the sizes given, over and over, as a socket may."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._file = io.BytesIO(data)
        self._sizes = sizes
        self._turn = 0

    def read(self, size: int, /) -> bytes:
        self._turn += 1
        return self._file.read(min(size, self._sizes[self._turn % len(self._sizes)]))


def read(data: bytes, sizes: list[int] | None = None) -> list[Seen]:
    stream = Chopped(data, sizes) if sizes else io.BytesIO(data)
    reader = TarReader(stream, where="test")
    return [
        (m.name, m.type, m.size, m.mode, m.uid, m.gid, m.mtime, m.linkname, b"".join(reader.chunks())) for m in reader
    ]


def standard_library(data: bytes) -> list[Seen]:
    def rows() -> Iterator[Seen]:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:", errors="surrogateescape", encoding="utf-8") as archive:
            for m in archive:
                kind = "0" if m.isreg() else m.type.decode()
                content = archive.extractfile(m).read() if m.isreg() else b""  # type: ignore[union-attr]
                yield m.name, kind, m.size, m.mode, m.uid, m.gid, int(m.mtime), m.linkname, content

    return [(name.rstrip("/"), *rest) for name, *rest in rows()]  # type: ignore[misc]


def trimmed(seen: list[Seen]) -> list[Seen]:
    return [(name.rstrip("/"), *rest) for name, *rest in seen]  # type: ignore[misc]


def write(items: list[tuple[tarfile.TarInfo, bytes]], format: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format, encoding="utf-8", errors="surrogateescape") as archive:
        for info, content in items:
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


@given(st.lists(members(), max_size=6), st.sampled_from(sorted(FORMATS)), st.lists(st.integers(1, 700), max_size=4))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_reads_what_tarfile_writes(items: list[tuple[tarfile.TarInfo, bytes]], format: str, sizes: list[int]) -> None:
    try:
        data = write(items, FORMATS[format])
    except ValueError:
        return  # ustar holds no long names, no large and no negative numbers
    whole = read(data)
    assert trimmed(whole) == standard_library(data)
    assert read(data, sizes) == whole


@given(st.binary(max_size=3000), st.lists(st.integers(1, 600), max_size=3))
@settings(deadline=None)
def test_any_bytes(data: bytes, sizes: list[int]) -> None:
    outcome(data, sizes)


def outcome(data: bytes, sizes: list[int] | None = None) -> list[Seen] | str:
    """What is read, or the message of the one error that may come."""
    try:
        return read(data, sizes)
    except CorruptImage as error:
        assert error.blob == "test"
        assert error.offset is not None
        assert 0 <= error.offset <= len(data)
        return str(error)


def _with_checksum(data: bytearray, block: int) -> None:
    """Make the header whole again, so that the damage gets past the checksum."""
    at = block * 512
    data[at + 148 : at + 156] = b" " * 8
    data[at + 148 : at + 156] = b"%06o\0 " % sum(data[at : at + 512])


def archives() -> list[bytes]:
    """One of each format, with all that makes it special."""
    made = []
    for format in FORMATS.values():
        items = []
        for number, kind in enumerate(KINDS):
            name = f"{'dir/' * (40 if format != tarfile.USTAR_FORMAT else 20)}é{number}"
            info = tarfile.TarInfo(name)
            info.type, info.uid, info.mode, info.mtime = kind, 5 + number, 0o4755, 1_700_000_000
            content = b"c" * 700 if kind in tarfile.REGULAR_TYPES else b""
            info.size, info.linkname = len(content), "target" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            items.append((info, content))
        made.append(write(items, format))
    return made


@given(
    st.sampled_from(archives()),
    st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 511), st.integers(0, 255)), min_size=1, max_size=6),
    st.booleans(),
    st.integers(0, 2**16) | st.none(),
    st.lists(st.integers(1, 5000), max_size=3),
)
@settings(max_examples=400, deadline=None)
def test_damaged_archives(
    whole: bytes, changes: list[tuple[int, int, int]], mended: bool, end: int | None, sizes: list[int]
) -> None:
    """Changed bytes, with a right checksum or a wrong one, and a cut: an error that names the byte, or members."""
    data = bytearray(whole)
    blocks = len(data) // 512
    for block, place, value in changes:
        data[block % blocks * 512 + place] = value
        if mended:
            _with_checksum(data, block % blocks)
    damaged = bytes(data[: end % len(data)] if end is not None else data)
    assert outcome(damaged, sizes) == outcome(damaged)


@pytest.mark.parametrize("cut", [1, 511, 513, 700, 1023, 1025, 1535])
def test_cut_off(cut: int) -> None:
    """Every cut inside a member is told; a layer without the zero blocks at its end is taken, as engines do."""
    data = write([(_info("a", 700), b"x" * 700)], tarfile.USTAR_FORMAT)
    with pytest.raises(CorruptImage, match=r"test at byte \d+: the layer ends in the middle"):
        read(data[:cut])
    assert read(data[:1536]) == read(data)


def _info(name: str, size: int = 0, **fields: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    for key, value in fields.items():
        setattr(info, key, value)
    return info


def block(edit: Callable[[bytearray], None], *, name: str = "f", kind: bytes = b"0", size: int = 0) -> bytes:
    """A header, changed by `edit`, with a right checksum."""
    data = bytearray(_info(name, size, type=kind).tobuf(tarfile.GNU_FORMAT))
    edit(data)
    _with_checksum(data, 0)
    return bytes(data)


def pax(*records: tuple[str, bytes], kind: bytes = b"x") -> bytes:
    """A pax header of these records as its content."""
    lines = []
    for key, value in records:
        rest = b" " + key.encode() + b"=" + value + b"\n"
        length = len(rest) + 1
        while len(str(length)) + len(rest) != length:
            length = len(str(length)) + len(rest)
        lines.append(str(length).encode() + rest)
    content = b"".join(lines)
    header = block(lambda data: None, name="pax", kind=kind, size=len(content))
    return header + content + bytes(-len(content) % 512)


FILE = block(lambda data: None)
END = bytes(1024)


def _put(at: int, raw: bytes) -> Callable[[bytearray], None]:
    def edit(data: bytearray) -> None:
        data[at : at + len(raw)] = raw

    return edit


def _old_sparse(extents: list[tuple[bytes, bytes]], real: bytes, stored: int) -> bytes:
    def edit(data: bytearray) -> None:
        for number, (offset, length) in enumerate(extents):
            data[386 + 24 * number : 410 + 24 * number] = offset.ljust(12, b"\0") + length.ljust(12, b"\0")
        data[482] = 0
        data[483 : 483 + len(real)] = real

    return block(edit, kind=b"S", size=stored)


MINUS_FIVE = b"\xff" * 11 + b"\xfb"

REFUSED = {
    "size-no-number": block(_put(124, b"12x45\0")),
    "size-negative": block(_put(124, MINUS_FIVE)),
    "size-beyond-all-disks": block(_put(124, b"\x80" + b"\x7f" * 11)),
    "pax-size-beyond-all-disks": pax(("size", b"9" * 19)) + FILE,
    "pax-size-no-number": pax(("size", b"12a")) + FILE,
    "pax-size-digits-of-another-script": pax(("size", "٣".encode())) + FILE,
    "pax-size-very-long": pax(("size", b"1" * 5000)) + FILE,
    "pax-uid-no-number": pax(("uid", b"me")) + FILE,
    "pax-time-no-number": pax(("mtime", b"noon")) + FILE,
    "pax-time-not-a-number": pax(("mtime", b"nan")) + FILE,
    "pax-time-without-end": pax(("mtime", b"inf")) + FILE,
    "pax-too-long": block(lambda data: None, kind=b"x", size=MAX_EXTENDED_HEADER + 1),
    "long-name-too-long": block(lambda data: None, kind=b"L", size=MAX_EXTENDED_HEADER + 1),
    "sparse-1.0-without-size": pax(("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0")) + FILE,
    "sparse-0.1-without-size": pax(("GNU.sparse.map", b"0,0")) + FILE,
    "sparse-0.1-without-map": pax(("GNU.sparse.major", b"0"), ("GNU.sparse.realsize", b"5")) + FILE,
    "sparse-1.0-without-map": pax(("GNU.sparse.major", b"1"), ("GNU.sparse.realsize", b"5")) + FILE,
    "sparse-1.0-map-without-end": pax(("GNU.sparse.major", b"1"), ("GNU.sparse.realsize", b"5"))
    + block(lambda data: None, size=512 * 40)
    + b"7" * (512 * 40),
    "sparse-1.0-more-extents-than-bytes": pax(("GNU.sparse.major", b"1"), ("GNU.sparse.realsize", b"5"))
    + block(lambda data: None, size=512)
    + b"99999999999\n".ljust(512, b"\0"),
    "sparse-0.1-overlap": pax(("GNU.sparse.size", b"9"), ("GNU.sparse.map", b"0,5,4,2"))
    + block(lambda data: None, size=7)
    + b"1234567".ljust(512, b"\0"),
    "sparse-0.1-past-the-end": pax(("GNU.sparse.size", b"5"), ("GNU.sparse.map", b"4,2"))
    + block(lambda data: None, size=2)
    + bytes(512),
    "sparse-0.1-more-than-stored": pax(("GNU.sparse.size", b"9"), ("GNU.sparse.map", b"0,5"))
    + block(lambda data: None, size=2)
    + bytes(512),
    "old-sparse-negative-length": _old_sparse([(b"%o" % 10, MINUS_FIVE), (b"%o" % 5, b"%o" % 6)], b"%o" % 99, 1)
    + bytes(512),
    "old-sparse-negative-start": _old_sparse([(MINUS_FIVE, b"1")], b"%o" % 99, 1) + bytes(512),
    "old-sparse-negative-size": _old_sparse([(b"0", b"1")], MINUS_FIVE, 1) + bytes(512),
    "wrong-checksum": b"\x01" + FILE[1:],
    "not-a-tar": b"#!/bin/sh\n" * 100,
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    with pytest.raises(CorruptImage) as caught:
        read(REFUSED[name] + END)
    assert str(caught.value).startswith("test at byte ")
    assert caught.value.offset is not None


@pytest.mark.parametrize("end", [pax(("path", b"x")), block(lambda data: None, kind=b"L")])
def test_extended_header_at_the_end(end: bytes) -> None:
    with pytest.raises(CorruptImage, match="the layer ends after an extended header"):
        read(FILE + end)


def test_empty_pax_values_mean_the_header() -> None:
    """POSIX: a record without a value takes back what an earlier one said."""
    data = pax(("path", b""), ("uid", b""), ("size", b""), ("mtime", b""), ("SCHILY.xattr.user.x", b"")) + FILE + END
    assert read(data) == read(FILE + END)


def test_global_headers_are_passed_over() -> None:
    """As Docker and containerd do."""
    assert read(pax(("path", b"other"), ("uid", b"7"), kind=b"g") + FILE + END) == read(FILE + END)


def test_pax_wins_over_gnu_long_name() -> None:
    long = b"long".ljust(512, b"\0")
    header = block(lambda data: None, kind=b"L", size=5)
    assert [m[0] for m in read(header + long + FILE + END)] == ["long"]
    assert [m[0] for m in read(header + long + pax(("path", b"of pax")) + FILE + END)] == ["of pax"]
    assert [m[0] for m in read(pax(("path", b"of pax")) + header + long + FILE + END)] == ["of pax"]


def test_long_name_ends_at_its_nul() -> None:
    """What follows a NUL is no part of the name for any engine."""
    header = block(lambda data: None, kind=b"L", size=12)
    content = b"real\0hidden\0".ljust(512, b"\0")
    assert [m[0] for m in read(header + content + FILE + END)] == ["real"]


def test_directory_that_notes_a_size() -> None:
    """It has no content all the same."""
    data = block(lambda data: None, name="d/", kind=b"5", size=700) + FILE + END
    assert [(m[0], m[1], m[2]) for m in read(data)] == [("d/", "5", 0), ("f", "0", 0)]


def test_slash_makes_a_directory_in_v7_only() -> None:
    v7 = block(lambda data: None, name="d/", kind=b"\0") + END
    assert [m[1] for m in read(v7)] == ["5"]
    long = block(lambda data: None, kind=b"L", size=101) + (b"e" * 100 + b"/").ljust(512, b"\0")
    assert [m[1] for m in read(long + v7)] == ["5"]
    assert [m[1] for m in read(long + block(lambda data: None, name="e" * 100, kind=b"\0") + END)] == ["5"]
    file = block(lambda data: None, name="d/", kind=b"0", size=3) + b"abc".ljust(512, b"\0") + FILE + END
    assert [(m[0], m[1], m[8]) for m in read(file)] == [("d/", "0", b"abc"), ("f", "0", b"")]


def test_signed_checksum() -> None:
    """Old Sun tars added the bytes as signed numbers."""
    data = bytearray(FILE)
    data[0:2] = b"\xc3\xa9"
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(byte - 256 * (byte > 127) for byte in data)
    assert [m[0] for m in read(bytes(data) + END)] == ["é"]


def test_unknown_types_are_passed_over_whole() -> None:
    data = block(lambda data: None, name="v", kind=b"V", size=600) + bytes(1024) + FILE + END
    assert [(m[0], m[1]) for m in read(data)] == [("v", "V"), ("f", "0")]


class Endless:
    """A stream made of pieces as they are asked for; counts what was taken."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""
        self.taken = 0

    def read(self, size: int, /) -> bytes:
        if not self._rest:
            self._rest = next(self._pieces, b"")
        piece, self._rest = self._rest[:size], self._rest[size:]
        self.taken += len(piece)
        return piece


@pytest.mark.parametrize("kind", [b"x", b"g", b"L"])
def test_memory_stays_bounded_over_headers_without_end(kind: bytes) -> None:
    """A gigabyte of such headers compresses to a few kB."""

    def headers() -> Iterator[bytes]:
        for turn in range(60):
            yield pax(*((f"key{turn}.{n}", b"v" * 1000) for n in range(250)), kind=kind)
        yield FILE + END

    tracemalloc.start()
    try:
        assert len(list(TarReader(Endless(headers()), where="test"))) == 1
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_sparse_map_without_end_is_given_up_soon() -> None:
    header = pax(("GNU.sparse.major", b"1"), ("GNU.sparse.realsize", b"5"), ("size", b"%d" % (1 << 40))) + FILE
    stream = Endless(itertools.chain([header], itertools.repeat(b"7" * (1 << 16))))
    with pytest.raises(CorruptImage, match="sparse map"):
        list(TarReader(stream, where="test"))
    assert stream.taken < 1 << 20
