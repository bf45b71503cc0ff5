"""A streaming tar reader for layers: one pass, bounded memory, and an error that names the byte.

Reads POSIX ustar and pax, GNU long names and sparse files, and old V7 archives. Where archives are ambiguous
it sees what the container engines see, which all read with Go's archive/tar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from ...errors import CorruptImage
from ..limits import (
    MAX_EXTENDED_HEADER,
    MAX_EXTENDED_HEADERS_IN_A_ROW,
    MAX_EXTENDED_HEADERS_LENGTH,
    MAX_MEMBERS,
)
from .header import BLOCK, Member, number, owner_id, parse_header, text
from .pax import integer, natural, records, seconds
from .sparse import extents, inline_map, leading_map, old_map, pax_version

__all__ = ["BLOCK", "ByteStream", "Member", "TarReader"]

_READ = 1 << 20
_EXTENDED = "xgLK"
_HEADER_ONLY = "123456"


class ByteStream(Protocol):
    def read(self, size: int, /) -> bytes: ...


class TarReader:
    """Iterates over the members of an uncompressed tar stream; `chunks()` gives the current one's stored bytes."""

    def __init__(self, stream: ByteStream, *, where: str, skip: Callable[[int], object] | None = None) -> None:
        """`where` names the stream in errors. `skip` passes over bytes of a stream that can do so unread."""
        self._stream = stream
        self._skip_unread = skip
        self._where = where
        self._buffer = b""
        self._at = 0  # place in the buffer
        self._base = 0  # where in the stream the buffer begins
        self._left = 0  # stored bytes of the current member not yet read
        self._padding = 0
        self._extended_length = 0

    @property
    def position(self) -> int:
        """Bytes of the stream that were handed out or passed over."""
        return self._base + self._at

    def __iter__(self) -> Iterator[Member]:
        """Raises CorruptImage where the stream is no tar, ends too early, or asks for too much."""
        for _ in range(MAX_MEMBERS):
            if (member := self._next()) is None:
                return
            yield member
        if self._next() is not None:
            raise self._corrupt(f"a layer of more than {MAX_MEMBERS} members")

    def chunks(self) -> Iterator[bytes]:
        """The stored bytes of the current member, in the pieces in which the stream gives them (1 MiB is asked for)."""
        while self._left:
            if self._at >= len(self._buffer) and not self._fill(1):
                raise self._corrupt("the layer ends in the middle of a member")
            # Where the whole buffer is content this copies nothing.
            piece = self._buffer[self._at : self._at + self._left]
            self._at += len(piece)
            self._left -= len(piece)
            yield piece

    def read_all(self, limit: int) -> bytes:
        """The whole current member. Raises CorruptImage where it is longer than `limit`."""
        if self._left > limit:
            raise self._corrupt(f"a member of {self._left} bytes where at most {limit} make sense")
        return b"".join(self.chunks())

    def _corrupt(self, message: object, offset: int | None = None) -> CorruptImage:
        return CorruptImage(str(message), blob=self._where, offset=self.position if offset is None else offset)

    def _fill(self, count: int) -> bool:
        """Have `count` bytes ready in the buffer; False where the stream ends before."""
        pieces = [self._buffer[self._at :]]
        ready = len(pieces[0])
        while ready < count and (data := self._stream.read(_READ)):
            pieces.append(data)
            ready += len(data)
        self._base += self._at
        self._at = 0
        self._buffer = b"".join(pieces) if pieces[0] else b"".join(pieces[1:])
        return ready >= count

    def _exactly(self, count: int) -> bytes:
        if len(self._buffer) - self._at < count and not self._fill(count):
            self._at = len(self._buffer)
            raise self._corrupt("the layer ends in the middle of a header")
        piece = self._buffer[self._at : self._at + count]
        self._at += count
        return piece

    def _pass_over(self) -> None:
        """Go to the end of the current member."""
        left, padding = self._left, self._padding
        self._left = self._padding = 0
        ready = len(self._buffer) - self._at
        if left + padding > ready and self._skip_unread is not None:
            self._skip_unread(left + padding - ready)
            self._base += self._at + left + padding
            self._buffer, self._at = b"", 0
            return
        while left > ready:
            left -= ready
            self._base += len(self._buffer)
            self._at = 0
            self._buffer = self._stream.read(_READ)
            ready = len(self._buffer)
            if not ready:
                raise self._corrupt("the layer ends in the middle of a member")
        self._at += left
        # Engines do without the last member's padding.
        if len(self._buffer) - self._at >= padding or self._fill(padding):
            self._at += padding
        else:
            self._at = len(self._buffer)

    def _next(self) -> Member | None:
        if (passed := self._left + self._padding) <= len(self._buffer) - self._at:
            self._at += passed
        else:
            self._pass_over()
        member = self._header()
        if member is None:
            return None
        if member.type != "0":
            return self._unusual(member)
        self._left = member.stored
        self._padding = -member.stored % BLOCK
        return member

    def _header(self) -> Member | None:
        """The next header, or None at the end of the archive."""
        offset = self._base + self._at
        if len(self._buffer) - self._at < BLOCK and not self._fill(BLOCK):
            # Some writers leave the two zero blocks out; Docker takes such layers.
            if not self._buffer:
                return None
            self._at = len(self._buffer)
            raise self._corrupt("the layer ends in the middle of a header")
        try:
            member = parse_header(self._buffer, self._at, offset)
        except ValueError as error:
            raise self._corrupt(error, offset) from error
        self._at += BLOCK
        if member is None:
            self._fill(BLOCK)
            if any(self._buffer[self._at : self._at + BLOCK]):
                raise self._corrupt("a block of zeros with more behind it, where two end an archive")
        return member

    def _unusual(self, member: Member) -> Member | None:
        """A member that is no plain file, or that extended headers tell more of; None at the end of the archive."""
        pax: Mapping[str, bytes] = {}
        long_name = long_link = b""
        turns = 0
        try:
            while member.type in _EXTENDED:
                turns += 1
                if turns > MAX_EXTENDED_HEADERS_IN_A_ROW:
                    raise ValueError(f"more than {MAX_EXTENDED_HEADERS_IN_A_ROW} extended headers in a row")
                data = self._extended(member)
                if member.type == "x":
                    pax = records(data)
                elif member.type == "L":
                    long_name = data.split(b"\0", 1)[0]
                elif member.type == "K":
                    long_link = data.split(b"\0", 1)[0]
                else:
                    # Engines pass over global headers, but as over a member: what came before belonged to it.
                    pax, long_name, long_link = {}, b"", b""
                following = self._header()
                if following is None:
                    if member.type == "g":
                        return None
                    raise self._corrupt("the layer ends after an extended header")
                member = following
            header = self._buffer[self._at - BLOCK : self._at]
            if pax:
                _apply(member, pax)
            if long_name:
                member.name = text(long_name)
            if long_link:
                member.linkname = text(long_link)
            if member.type == "\0":  # V7 archives know no directories
                member.type = "5" if member.name.endswith("/") else "0"
            self._set_content(member, header)
        except ValueError as error:
            raise self._corrupt(error, member.offset) from error
        return member

    def _extended(self, member: Member) -> bytes:
        self._extended_length += member.stored
        if member.stored > MAX_EXTENDED_HEADER or self._extended_length > MAX_EXTENDED_HEADERS_LENGTH:
            raise ValueError(f"an extended header of {member.stored} bytes, {self._extended_length} in all so far")
        return self._exactly(member.stored + -member.stored % BLOCK)[: member.stored]

    def _set_content(self, member: Member, header: bytes) -> None:
        # Some writers note a size on directories and links all the same.
        if member.type in _HEADER_ONLY:
            member.size = member.stored = 0
        self._left = member.stored
        self._padding = -member.stored % BLOCK
        if member.type == "S":
            numbers = old_map(header, lambda: self._exactly(BLOCK))
            member.size = number(header[483:495])
        elif member.type == "0" and (version := pax_version(member.pax)):
            pax = member.pax
            if name := pax.get("GNU.sparse.name"):
                member.name = text(name)
            member.size = natural(pax.get("GNU.sparse.size") or pax.get("GNU.sparse.realsize") or b"")
            numbers = leading_map(self._map_block) if version == "1" else inline_map(pax)
        else:
            if member.type != "0":
                member.size = 0  # only regular files have content
            return
        member.type = "0"
        member.sparse = extents(numbers, member.size, self._left)

    def _map_block(self) -> bytes:
        if self._left < BLOCK:
            raise ValueError("a sparse map is longer than its member")
        self._left -= BLOCK
        return self._exactly(BLOCK)


def _apply(member: Member, pax: Mapping[str, bytes]) -> None:
    """What a pax header says in place of the member's own. An empty value means: as in the header."""
    member.pax = pax
    if value := pax.get("size"):
        member.size = member.stored = natural(value)
    if value := pax.get("path"):
        member.name = text(value)
    if value := pax.get("linkpath"):
        member.linkname = text(value)
    if value := pax.get("uid"):
        member.uid = owner_id(integer(value))
    if value := pax.get("gid"):
        member.gid = owner_id(integer(value))
    if value := pax.get("mtime"):
        member.mtime = seconds(value)
