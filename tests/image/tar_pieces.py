"""Archives put together by hand, block by block, and what the reader makes of them."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator

from pytest_mediaimage.errors import CorruptImage
from pytest_mediaimage.image.tar import TarReader

Seen = tuple[str, str, int, int, int, int, int, str, bytes]


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


def names_of(data: bytes) -> list[str]:
    return [member[0] for member in read(data)]


def outcome(data: bytes, sizes: list[int] | None = None) -> list[Seen] | str:
    """What is read, or the message of the one error that may come."""
    try:
        return read(data, sizes)
    except CorruptImage as error:
        assert error.blob == "test"
        assert error.offset is not None
        assert 0 <= error.offset <= len(data)
        return str(error)


def write(items: list[tuple[tarfile.TarInfo, bytes]], format: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format, encoding="utf-8", errors="surrogateescape") as archive:
        for info, content in items:
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def with_checksum(data: bytearray, block: int) -> None:
    """Make the header whole again, so that the damage gets past the checksum."""
    at = block * 512
    data[at + 148 : at + 156] = b" " * 8
    data[at + 148 : at + 156] = b"%06o\0 " % sum(data[at : at + 512])


def info(name: str, size: int = 0, **fields: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    for key, value in fields.items():
        setattr(info, key, value)
    return info


def block(edit: Callable[[bytearray], None], *, name: str = "f", kind: bytes = b"0", size: int = 0) -> bytes:
    """A header, changed by `edit`, with a right checksum."""
    data = bytearray(info(name, size, type=kind).tobuf(tarfile.GNU_FORMAT))
    edit(data)
    with_checksum(data, 0)
    return bytes(data)


def member(
    name: str = "f", data: bytes = b"", kind: bytes = b"0", edit: Callable[[bytearray], None] = lambda data: None
) -> bytes:
    """A whole member: header, content and padding."""
    return block(edit, name=name, kind=kind, size=len(data)) + data + bytes(-len(data) % 512)


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


def long_name(name: bytes, kind: bytes = b"L") -> bytes:
    """GNU's header for a long name, or a long link."""
    return block(lambda data: None, kind=kind, size=len(name)) + name + bytes(-len(name) % 512)


FILE = block(lambda data: None)
END = bytes(1024)


def put(at: int, raw: bytes) -> Callable[[bytearray], None]:
    def edit(data: bytearray) -> None:
        data[at : at + len(raw)] = raw

    return edit


def old_sparse(extents: list[tuple[bytes, bytes]], real: bytes, stored: int) -> bytes:
    def edit(data: bytearray) -> None:
        for number, (offset, length) in enumerate(extents):
            data[386 + 24 * number : 410 + 24 * number] = offset.ljust(12, b"\0") + length.ljust(12, b"\0")
        data[482] = 0
        data[483 : 483 + len(real)] = real

    return block(edit, kind=b"S", size=stored)


MINUS_FIVE = b"\xff" * 11 + b"\xfb"


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
