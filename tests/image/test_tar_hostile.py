"""What the reader refuses, and what it costs: archives that were made to mislead or to exhaust."""

from __future__ import annotations

import io
import itertools
import tracemalloc
from collections.abc import Iterator

import pytest
from tar_pieces import (
    END,
    FILE,
    Endless,
    block,
    long_name,
    names_of,
    old_sparse,
    pax,
    put,
    read,
    with_checksum,
)
from tar_refused import REFUSED, SPARSE_1

from pytest_mediaimage.errors import CorruptImage
from pytest_mediaimage.image.limits import (
    MAX_EXTENDED_HEADERS_IN_A_ROW,
    MAX_SPARSE_EXTENTS,
)
from pytest_mediaimage.image.tar import TarReader
from pytest_mediaimage.image.tar import pax as pax_module
from pytest_mediaimage.image.tar import reader as tar_module


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    with pytest.raises(CorruptImage) as caught:
        read(REFUSED[name] + END)
    assert str(caught.value).startswith("test at byte ")
    assert caught.value.offset is not None


def test_unknown_sparse_versions_are_plain_files() -> None:
    """As in Go's archive/tar: neither the map nor the name counts."""
    records = pax(("GNU.sparse.major", b"2"), ("GNU.sparse.minor", b"0"), ("GNU.sparse.name", b"other"))
    file = block(lambda data: None, size=3) + b"abc".ljust(512, b"\0")
    assert [(m[0], m[2], m[8]) for m in read(records + file + END)] == [("f", 3, b"abc")]


@pytest.mark.parametrize("kinds", ["x", "L", "K", "g", "xLKg"])
def test_extended_headers_without_end_are_given_up_soon(kinds: str) -> None:
    header = {kind: long_name(b"n" * 3000, kind.encode()) for kind in "LK"}
    header |= {kind: pax(("comment", b"c" * 3000), kind=kind.encode()) for kind in "xg"}
    stream = Endless(header[kind] for kind in itertools.cycle(kinds))
    with pytest.raises(CorruptImage, match=f"more than {MAX_EXTENDED_HEADERS_IN_A_ROW} extended headers in a row"):
        list(TarReader(stream, where="test"))
    assert stream.taken < 100 << 10


def test_as_many_extended_headers_as_are_allowed() -> None:
    headers = [pax(("comment", b"c"))] * (MAX_EXTENDED_HEADERS_IN_A_ROW - 1) + [long_name(b"long")]
    assert names_of((b"".join(headers) + FILE) * 3 + END) == ["long"] * 3


def test_extended_headers_of_a_layer_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each may be legal, and all the names together more than memory holds."""
    monkeypatch.setattr(tar_module, "MAX_EXTENDED_HEADERS_LENGTH", 100_000)
    stream = Endless(itertools.cycle([long_name(b"n" * 4000), FILE]))
    with pytest.raises(CorruptImage, match="an extended header of 4000 bytes, 104000 in all so far"):
        list(TarReader(stream, where="layer 3"))


def test_members_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar_module, "MAX_MEMBERS", 50)
    assert len(read(FILE * 50 + END)) == 50
    with pytest.raises(CorruptImage, match="layer 3 at byte 26112: a layer of more than 50 members"):
        list(TarReader(io.BytesIO(FILE * 51 + END), where="layer 3"))


def test_records_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pax_module, "MAX_PAX_RECORDS", 20)
    records = [(f"SCHILY.xattr.user.{n}", b"v") for n in range(21)]
    assert len(read(pax(*records[:20]) + FILE + END)) == 1
    with pytest.raises(CorruptImage, match="test at byte 0: a pax header of more than 20 records"):
        read(pax(*records) + FILE + END)


@pytest.mark.parametrize("kind", [b"x", b"g", b"L"])
def test_memory_stays_bounded_over_many_headers(kind: bytes) -> None:
    """A gigabyte of such headers compresses to a few kB."""

    def headers() -> Iterator[bytes]:
        for turn in range(60):
            yield pax(*((f"key{turn}.{n}", b"v" * 1000) for n in range(250)), kind=kind)
            yield FILE
        yield END

    tracemalloc.start()
    try:
        assert sum(1 for _ in TarReader(Endless(headers()), where="test")) == 60
        assert tracemalloc.get_traced_memory()[1] < 5 << 20
    finally:
        tracemalloc.stop()


def test_small_pieces_of_a_large_header_are_joined_once() -> None:
    """A megabyte that comes byte by byte is no reason to copy half a terabyte."""

    class Dripping:
        def __init__(self, data: bytes) -> None:
            self._data = io.BytesIO(data)

        def read(self, size: int, /) -> bytes:
            return self._data.read(1)

    data = pax(("path", b"name"), *((f"key{n}", b"v" * 1000) for n in range(900))) + FILE + END
    assert [member.name for member in TarReader(Dripping(data), where="test")] == ["name"]


def test_sparse_map_without_end_is_given_up_soon() -> None:
    stream = Endless(itertools.chain([SPARSE_1, block(put(124, b"\x80" + b"\0" * 5 + b"\1" + b"\0" * 5))], _sevens()))
    with pytest.raises(CorruptImage, match="sparse map"):
        list(TarReader(stream, where="test"))
    assert stream.taken < 3 << 20


def test_sparse_map_that_promises_too_much_is_not_read() -> None:
    promise = b"%d\n" % (MAX_SPARSE_EXTENTS + 1)
    stream = Endless(itertools.chain([SPARSE_1, block(lambda data: None, size=1 << 30), promise], _sevens()))
    with pytest.raises(CorruptImage, match="too many extents"):
        list(TarReader(stream, where="test"))
    assert stream.taken < 3 << 20


def test_old_sparse_map_without_end_is_given_up() -> None:
    """Blocks of no extents, each of which says that another one follows."""
    header = old_sparse([(b"0", b"1")], b"%o" % 99, 1)
    more = bytes(504) + b"\1" + bytes(7)
    first = bytearray(header)
    first[482] = 1
    with_checksum(first, 0)
    stream = Endless(itertools.chain([bytes(first)], itertools.repeat(more * 100)))
    with pytest.raises(CorruptImage, match="too many extents"):
        list(TarReader(stream, where="test"))
    assert stream.taken < 8 << 20


def _sevens() -> Iterator[bytes]:
    return itertools.repeat(b"7" * (1 << 16))
