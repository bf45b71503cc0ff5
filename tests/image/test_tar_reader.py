"""The tar reader against the standard library's, and against damage."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tar_pieces import (
    END,
    FILE,
    Chopped,
    Seen,
    block,
    info,
    long_name,
    names_of,
    outcome,
    pax,
    put,
    read,
    with_checksum,
    write,
)

from pytest_mediaimage.errors import CorruptImage
from pytest_mediaimage.image.scan import entry_of
from pytest_mediaimage.image.tar import TarReader
from pytest_mediaimage.image.tar.header import parse_header

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
KINDS = (
    tarfile.REGTYPE,
    tarfile.DIRTYPE,
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.FIFOTYPE,
    tarfile.CHRTYPE,
    tarfile.BLKTYPE,
    tarfile.CONTTYPE,
)
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
    for number, place, value in changes:
        data[number % blocks * 512 + place] = value
        if mended:
            with_checksum(data, number % blocks)
    damaged = bytes(data[: end % len(data)] if end is not None else data)
    assert outcome(damaged, sizes) == outcome(damaged)


@pytest.mark.parametrize("format", sorted(FORMATS))
def test_every_cut(format: str) -> None:
    """Wherever an archive ends: it is whole, or the error names the byte where it ends."""
    items = [(info("d/", type=tarfile.DIRTYPE), b""), (info("a" * 90, 700), b"x" * 700), (info("b", 512), b"y" * 512)]
    if format != "ustar":
        items.append((info("long/" * 60, 10), b"z" * 10))
    data = write(items, FORMATS[format])
    whole = read(data)
    content_ends = len(data.rstrip(b"\0"))
    for cut in range(1, len(data)):
        result = outcome(data[:cut])
        if isinstance(result, str):
            assert result.startswith(f"test at byte {cut}: the layer ends "), cut
            assert cut < content_ends or cut % 512, cut
        else:
            assert result == whole[: len(result)]
            # A cut between two members can't be told from an end: Docker takes archives without the zero blocks,
            # and without the padding of the last member.
            assert cut >= content_ends or cut % 512 == 0 or not any(data[cut : cut + -cut % 512]), cut


@pytest.mark.parametrize("end", [pax(("path", b"x")), block(lambda data: None, kind=b"L")])
def test_extended_header_at_the_end(end: bytes) -> None:
    with pytest.raises(CorruptImage, match="the layer ends after an extended header"):
        read(FILE + end)


@pytest.mark.parametrize("zeros", [0, 512, 700, 1024, 5120])
def test_global_header_at_the_end(zeros: int) -> None:
    """It belongs to no member: `git archive` of an empty tree is one."""
    assert read(pax(("comment", b"c"), kind=b"g") + bytes(zeros)) == []


def test_what_follows_the_end_is_not_read() -> None:
    assert names_of(FILE + END + block(lambda data: None, name="g") + END) == ["f"]
    assert names_of(FILE + END + b"trailing bytes that are no tar" * 100) == ["f"]


def test_one_zero_block_is_the_end_where_the_stream_ends() -> None:
    assert names_of(FILE + bytes(512)) == ["f"]


def test_empty_pax_values_mean_the_header() -> None:
    """POSIX: a record without a value takes back what an earlier one said."""
    data = pax(("path", b""), ("uid", b""), ("size", b""), ("mtime", b""), ("linkpath", b"")) + FILE + END
    assert read(data) == read(FILE + END)


def test_extended_attributes_keep_every_byte() -> None:
    """A capability is binary, and an attribute without a value is one all the same."""
    capability = bytes.fromhex("0100000200200000000000000000000000000000")
    records = {
        "SCHILY.xattr.security.capability": capability,
        "SCHILY.xattr.user.all": bytes(range(256)) + b"\n12 path=evil\n",
        "SCHILY.xattr.user.empty": b"",
        "SCHILY.xattr.user.équal": b"=",
    }
    (member,) = TarReader(io.BytesIO(pax(*records.items()) + FILE + END), where="test")
    assert member.pax == records
    assert member.name == "f"


def test_members_without_pax_header_have_no_records() -> None:
    first, second = TarReader(io.BytesIO(pax(("comment", b"of the first")) + FILE + FILE + END), where="test")
    assert (first.pax, second.pax) == ({"comment": b"of the first"}, {})


def test_times_lose_their_fraction_only() -> None:
    """As numbers, not as floating point: 2^53 seconds and more stay what they are."""
    for value, expected in {
        b"1700000000.999999999": 1_700_000_000,
        b"9007199254740993.5": 9_007_199_254_740_993,
        b"-1.5": -1,
        b"+7.": 7,
        b"-9223372036854775808": -(1 << 63),
    }.items():
        assert read(pax(("mtime", value)) + FILE + END)[0][6] == expected


@pytest.mark.parametrize(
    ("said", "made"),
    [(0, 0), (1 << 32, 0), ((1 << 32) + 5, 5), (-1, 0), ((1 << 32) - 1, 0), (-2, (1 << 32) - 2), ((1 << 63) - 1, 0)],
)
def test_owners_are_what_chown_makes_of_them(said: int, made: int) -> None:
    """Seen in Docker: a setuid file of the user 2^32 is root's."""
    assert read(pax(("uid", b"%d" % said), ("gid", b"%d" % said)) + FILE + END)[0][4:6] == (made, made)


@pytest.mark.parametrize(
    ("raw", "made"), [(b"\xff" * 8, 0), (b"\x80" + b"\0" * 3 + b"\0\0\0\x07", 7), (b"    17 \0", 15)]
)
def test_owners_in_the_header(raw: bytes, made: int) -> None:
    assert read(block(put(108, raw)) + END)[0][4] == made


def test_global_headers_are_passed_over() -> None:
    """As Docker and containerd do."""
    assert read(pax(("path", b"other"), ("uid", b"7"), kind=b"g") + FILE + END) == read(FILE + END)


def test_long_name_ends_at_its_nul() -> None:
    """What follows a NUL is no part of the name for any engine."""
    assert names_of(long_name(b"real\0hidden\0") + FILE + END) == ["real"]


def test_long_name_that_is_empty_means_the_header() -> None:
    assert names_of(long_name(b"") + FILE + long_name(b"\0\0") + FILE + END) == ["f", "f"]


def test_directory_that_notes_a_size() -> None:
    """It has no content all the same."""
    data = block(lambda data: None, name="d/", kind=b"5", size=700) + FILE + END
    assert [(m[0], m[1], m[2]) for m in read(data)] == [("d/", "5", 0), ("f", "0", 0)]
    data = pax(("size", b"700")) + block(lambda data: None, name="l", kind=b"2") + FILE + END
    assert [(m[0], m[1], m[2]) for m in read(data)] == [("l", "2", 0), ("f", "0", 0)]


def test_slash_makes_a_directory_in_v7_only() -> None:
    v7 = block(lambda data: None, name="d/", kind=b"\0") + END
    assert [m[1] for m in read(v7)] == ["5"]
    long = long_name(b"e" * 100 + b"/")
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
    assert names_of(bytes(data) + END) == ["é"]


@pytest.mark.parametrize("spelling", [b"%06o\0 ", b" %06o\0", b"%07o\0", b"%08o", b"%6o\0 ", b"%o"])
def test_checksum_in_other_spellings(spelling: bytes) -> None:
    data = bytearray(FILE)
    data[148:156] = b" " * 8
    data[148:156] = (spelling % sum(data)).ljust(8, b"\0")
    assert names_of(bytes(data) + END) == ["f"]


@given(st.binary(min_size=512, max_size=512))
def test_checksum_of_any_bytes(data: bytes) -> None:
    """Also where they are as large as they can be: the sum may not wrap anywhere."""
    high = bytearray(data if len(set(data)) > 3 else b"\xff" * 512)
    high[100:148], high[345:512] = FILE[100:148], b"\xfe" * 155 + bytes(12)
    with_checksum(high, 0)
    assert parse_header(bytes(high), 0, 0) is not None
    high[0] ^= 1
    with pytest.raises(ValueError, match="its checksum is wrong"):
        parse_header(bytes(high), 0, 0)


@pytest.mark.parametrize("kind", [b"V", b"M", b"D", b"N", b"X", b"A", b"Z", b"\xff", b"8", b"E", b"I"])
def test_unknown_types_are_passed_over_whole(kind: bytes) -> None:
    """GNU's volumes and dump directories, Solaris' and AIX' own headers: no engine takes them."""
    data = block(lambda data: None, name="v", kind=kind, size=600) + FILE + bytes(512) + FILE + END
    assert [(m[0], m[1]) for m in read(data)] == [("v", kind.decode("latin-1")), ("f", "0")]
    assert entry_of(next(iter(TarReader(io.BytesIO(data), where="test")))).startswith(
        "a tar member of the unknown type"
    )


@pytest.mark.parametrize("name", ["/", "///", "/etc/passwd", "../up", "a/../../b", "a/..", "..", "//a"])
def test_names_that_lead_elsewhere_are_unsafe(name: str) -> None:
    (member,) = TarReader(io.BytesIO(write([(info(name), b"")], tarfile.USTAR_FORMAT)), where="test")
    assert entry_of(member) == "an absolute name or one with '..'"


def test_pieces_are_the_streams_own() -> None:
    """A block of the stream that is content through and through is handed on without a copy."""

    class Blocks:
        def __init__(self, blocks: list[bytes]) -> None:
            self.blocks = blocks

        def read(self, size: int, /) -> bytes:
            return self.blocks.pop(0) if self.blocks else b""

    content = [bytes([n]) * (1 << 20) for n in range(3)]
    blocks = [block(lambda data: None, size=3 << 20), *content, END]
    reader = TarReader(Blocks(blocks), where="test")
    next(iter(reader))
    assert all(piece is own for piece, own in zip(reader.chunks(), content, strict=True))


def test_position_counts_what_was_passed() -> None:
    data = write([(info("a", 700), b"x" * 700), (info("b", 5), b"12345")], tarfile.USTAR_FORMAT)
    for sizes in ([], [1], [300, 7], [5000]):
        reader = TarReader(Chopped(data, sizes) if sizes else io.BytesIO(data), where="test")
        places = [(reader.position, member.offset) for member in reader]
        assert places == [(512, 0), (512 + 1024 + 512, 1536)]


def test_skip_passes_over_contents_unread() -> None:
    data = write([(info("a", 3 << 20), b"x" * (3 << 20)), (info("b", 5), b"12345")], tarfile.USTAR_FORMAT)
    stream, skipped = io.BytesIO(data), []

    def skip(count: int) -> None:
        skipped.append(count)
        stream.seek(count, io.SEEK_CUR)

    class Small:
        def read(self, size: int, /) -> bytes:
            return stream.read(min(size, 512))

    reader = TarReader(Small(), where="test", skip=skip)
    assert [(m.name, reader.position) for m in reader] == [("a", 512), ("b", 1024 + (3 << 20))]
    assert skipped[0] == 3 << 20
