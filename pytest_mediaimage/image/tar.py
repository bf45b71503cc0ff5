"""A streaming tar reader for layers: one pass, bounded memory, and an error that names the byte.

Reads POSIX ustar and pax, GNU long names and sparse files, and old V7 archives.
The standard library's tarfile resolves none of the doubts a hostile layer raises and spends most of a scan
in its headers.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from ..errors import CorruptImage

BLOCK = 512
# Kernels take paths of 4096 bytes; pax attributes of 64 kB are legal. Anything near a megabyte is an attack.
MAX_EXTENDED_HEADER = 1024 * 1024
MAX_SPARSE_EXTENTS = 100_000
# No store holds a larger file, and offsets stay within what a file system can seek to.
_MAX_SIZE = 1 << 60
_CHUNK = 256 * 1024
_SPACES = sum(b" " * 8)


class ByteStream(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(slots=True)
class Member:
    """A member of a tar archive. `size` is the content's real length, `stored` the bytes that lie in the archive.

    `type` is tar's type flag with the variants of a regular file folded into "0". `sparse` lists (offset, length)
    of what is stored, in order, or is None for an ordinary file. `offset` is the header's place in the stream.
    """

    name: str
    type: str
    size: int
    stored: int
    mode: int
    uid: int
    gid: int
    mtime: int
    linkname: str
    offset: int
    sparse: list[tuple[int, int]] | None = None
    pax: dict[str, bytes] = field(default_factory=dict)


class TarReader:
    """Iterates over the members of an uncompressed tar stream; `chunks()` gives the current one's stored bytes."""

    def __init__(self, stream: ByteStream, *, where: str, skip: Callable[[int], object] | None = None) -> None:
        """`where` names the stream in errors. `skip` passes over bytes of a stream that can do so unread."""
        self._stream = stream
        self._skip_unread = skip
        self._where = where
        self._buffer = b""
        self._start = 0
        self._position = 0  # bytes handed out so far
        self._left = 0  # stored bytes of the current member not yet read
        self._padding = 0

    @property
    def position(self) -> int:
        return self._position

    def __iter__(self) -> Iterator[Member]:
        while (member := self._next()) is not None:
            yield member

    def chunks(self) -> Iterator[bytes]:
        """The stored bytes of the current member, in pieces of at most 256 KiB."""
        while self._left:
            piece = self._take(min(self._left, _CHUNK))
            self._left -= len(piece)
            yield piece

    def read_all(self, limit: int) -> bytes:
        """The whole current member. Raises CorruptImage where it is longer than `limit`."""
        if self._left > limit:
            raise self._corrupt(f"a member of {self._left} bytes where at most {limit} make sense")
        return b"".join(self.chunks())

    def _corrupt(self, message: str, offset: int | None = None) -> CorruptImage:
        return CorruptImage(message, blob=self._where, offset=self._position if offset is None else offset)

    def _fill(self) -> bool:
        data = self._stream.read(_CHUNK)
        if not data:
            return False
        self._buffer = self._buffer[self._start :] + data if self._start < len(self._buffer) else data
        self._start = 0
        return True

    def _take(self, most: int) -> bytes:
        """Between 1 and `most` bytes. Raises CorruptImage at the end of the stream."""
        if self._start >= len(self._buffer) and not self._fill():
            raise self._corrupt("the layer ends in the middle of a member")
        piece = self._buffer[self._start : self._start + most]
        self._start += len(piece)
        self._position += len(piece)
        return piece

    def _exactly(self, count: int) -> bytes:
        while len(self._buffer) - self._start < count:
            if not self._fill():
                raise self._corrupt("the layer ends in the middle of a header")
        piece = self._buffer[self._start : self._start + count]
        self._start += count
        self._position += count
        return piece

    def _skip(self, count: int) -> None:
        buffered = len(self._buffer) - self._start
        if self._skip_unread is not None and count > buffered:
            self._start += buffered
            self._position += count
            self._skip_unread(count - buffered)
            return
        while count:
            count -= len(self._take(min(count, _CHUNK)))

    def _at_end(self) -> bool:
        return self._start >= len(self._buffer) and not self._fill()

    def _next(self) -> Member | None:
        self._skip(self._left + self._padding)
        self._left = self._padding = 0
        pax: dict[str, bytes] = {}
        long_name = long_link = None
        first = self._position
        while True:
            if self._at_end():
                # Some writers leave the two zero blocks out; Docker takes such layers.
                if first != self._position:
                    raise self._corrupt("the layer ends after an extended header")
                return None
            offset = self._position
            header = self._exactly(BLOCK)
            if header.count(0) == BLOCK:
                return None
            member = self._parse(header, offset)
            if member.type in "xgLK":
                data = self._extended(member)
                if member.type == "L":
                    long_name = _text(data.split(b"\0", 1)[0])
                elif member.type == "K":
                    long_link = _text(data.split(b"\0", 1)[0])
                elif member.type == "x":
                    pax = self._records(data, offset)
                # "g": Docker and containerd ignore global headers, so a container sees nothing of them.
                continue
            if long_name is not None:
                member.name = long_name
            if long_link is not None:
                member.linkname = long_link
            if member.type == "\0":  # V7 archives know no directories
                member.type = "5" if member.name.endswith("/") else "0"
            self._left = member.stored
            if member.type == "S":
                self._old_gnu_sparse(member, header)
            if pax:
                self._apply(member, pax)
            # Only regular files have content; some writers note a size on directories and links all the same.
            if member.type != "0":
                if member.type in "123456":
                    self._left = 0
                member.size = 0
            self._padding = -member.stored % BLOCK if self._left or member.type == "0" else 0
            return member

    def _parse(self, header: bytes, offset: int) -> Member:
        expected = _number(header[148:156])
        actual = sum(header) - sum(header[148:156]) + _SPACES
        if expected != actual:
            signed = actual - 256 * sum(byte > 127 for byte in header[:148] + header[156:])
            if expected != signed:
                raise self._corrupt("no tar header here (its checksum is wrong)", offset)
        name = header[:100]
        name = name[: name.find(0)] if 0 in name else name
        if header[257:263] == b"ustar\0" and header[345]:
            prefix = header[345:500].split(b"\0", 1)[0]
            name = prefix + b"/" + name
        size = _number(header[124:136])
        if size is None or not 0 <= size <= _MAX_SIZE:
            raise self._corrupt("a tar header with a size that makes no sense", offset)
        flag = chr(header[156])
        return Member(
            name=_text(name),
            type="0" if flag == "7" else flag,
            size=size,
            stored=size,
            mode=(_number(header[100:108]) or 0) & 0o7777,
            uid=_number(header[108:116]) or 0,
            gid=_number(header[116:124]) or 0,
            mtime=_number(header[136:148]) or 0,
            linkname=_text(header[157:257].split(b"\0", 1)[0]),
            offset=offset,
        )

    def _extended(self, member: Member) -> bytes:
        if member.stored > MAX_EXTENDED_HEADER:
            raise self._corrupt(f"an extended header of {member.stored} bytes", member.offset)
        data = self._exactly(member.stored)
        self._exactly(-member.stored % BLOCK)
        return data

    def _records(self, data: bytes, offset: int) -> dict[str, bytes]:
        """pax records: `length key=value\\n`, where the length counts itself."""
        records: dict[str, bytes] = {}
        extents: list[bytes] = []
        at = 0
        while at < len(data) and data[at]:
            space = data.find(b" ", at, at + 21)
            digits = data[at:space] if space > 0 else b""
            end = at + int(digits) if digits.isdigit() else 0
            equals = data.find(b"=", space, end)
            if not space < equals < end <= len(data) or data[end - 1] != 0x0A:
                raise self._corrupt("a pax header is malformed", offset)
            key, value = _text(data[space + 1 : equals]), data[equals + 1 : end - 1]
            if key in ("GNU.sparse.offset", "GNU.sparse.numbytes"):
                extents.append(value)  # format 0.0 repeats these keys
            else:
                records[key] = value
            at = end
        if extents:
            records["GNU.sparse.map"] = b",".join(extents)
        return records

    def _apply(self, member: Member, pax: dict[str, bytes]) -> None:
        pax = {key: value for key, value in pax.items() if value}  # an empty value means: as in the header
        try:
            if "size" in pax:
                member.size = member.stored = self._left = _natural(pax["size"])
            if "path" in pax:
                member.name = _text(pax["path"])
            if "linkpath" in pax:
                member.linkname = _text(pax["linkpath"])
            if "uid" in pax:
                member.uid = int(pax["uid"])
            if "gid" in pax:
                member.gid = int(pax["gid"])
            if "mtime" in pax:
                member.mtime = int(float(pax["mtime"]))
            if member.type == "0" and ("GNU.sparse.major" in pax or "GNU.sparse.map" in pax):
                self._pax_sparse(member, pax)
        except (ValueError, OverflowError) as error:
            raise self._corrupt(f"a pax header holds a wrong number: {error}", member.offset) from error
        except KeyError as error:
            raise self._corrupt(f"a pax header lacks {error}", member.offset) from error
        member.pax = pax

    def _pax_sparse(self, member: Member, pax: dict[str, bytes]) -> None:
        if "GNU.sparse.name" in pax:
            member.name = _text(pax["GNU.sparse.name"])
        member.size = _natural(pax.get("GNU.sparse.realsize") or pax["GNU.sparse.size"])
        if pax.get("GNU.sparse.major") == b"1":
            numbers = self._leading_map(member)
        else:
            numbers = [_natural(item) for item in pax["GNU.sparse.map"].split(b",") if item]
        self._set_extents(member, numbers)

    def _leading_map(self, member: Member) -> list[int]:
        """Format 1.0: decimal numbers, a line each, in whole blocks before the content."""
        lines: list[bytes] = []
        rest = b""
        count: int | None = None
        while count is None or len(lines) < 1 + 2 * count:
            if self._left < BLOCK or len(lines) > 2 * MAX_SPARSE_EXTENTS or len(rest) > BLOCK:
                raise self._corrupt("a sparse map is malformed", member.offset)
            *new, rest = (rest + self._exactly(BLOCK)).split(b"\n")
            self._left -= BLOCK
            lines += new
            if count is None and lines:
                count = _natural(lines[0])
        return [_natural(line) for line in lines[1 : 1 + 2 * count]]

    def _old_gnu_sparse(self, member: Member, header: bytes) -> None:
        numbers = _extent_numbers(header[386:482])
        more = header[482]
        while more:
            block = self._exactly(BLOCK)
            numbers += _extent_numbers(block[:504])
            more = block[504]
            if len(numbers) > 2 * MAX_SPARSE_EXTENTS:
                raise self._corrupt("a sparse map with too many extents", member.offset)
        member.size = max(_number(header[483:495]) or 0, 0)
        self._set_extents(member, numbers)

    def _set_extents(self, member: Member, numbers: list[int]) -> None:
        extents = list(zip(numbers[::2], numbers[1::2], strict=False))
        end = 0
        for start, length in extents:
            if start < end or length < 0 or start + length > member.size:
                raise self._corrupt("a sparse map whose extents overlap or pass the end", member.offset)
            end = start + length
        if sum(length for _, length in extents) != self._left:
            raise self._corrupt("a sparse map that doesn't fit what is stored", member.offset)
        member.type = "0"
        member.sparse = extents


def _number(raw: bytes) -> int | None:
    """A numeric header field: octal text, or GNU's base 256. None where it is neither."""
    if raw[0] in (0x80, 0xFF):
        value = int.from_bytes(raw[1:], "big")
        return value if raw[0] == 0x80 else value - (1 << (8 * (len(raw) - 1)))
    text = raw.split(b"\0", 1)[0].strip()
    if not text:
        return 0
    if text.strip(b"01234567"):
        return None
    return int(text, 8)


def _natural(raw: bytes) -> int:
    if not raw.isdigit() or len(raw) > 19 or int(raw) > _MAX_SIZE:
        raise ValueError(repr(raw[:40]))
    return int(raw)


def _extent_numbers(raw: bytes) -> list[int]:
    numbers: list[int] = []
    for offset, length in struct.iter_unpack("12s12s", raw):
        if not offset[0] and not length[0]:
            break
        numbers += [_number(offset) or 0, _number(length) or 0]
    return numbers


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
