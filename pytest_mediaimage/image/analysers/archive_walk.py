"""The members of zip and tar archives, seen while the archive passes by: names, lengths and first bytes.

Nothing is unpacked but a member's first bytes, and a `.tar.gz` up to a bound, so that a bomb costs no more than a film.
"""

from __future__ import annotations

import zlib
from collections.abc import Generator
from dataclasses import dataclass

PEEK = 2048
"""Bytes of a member that are looked at: four packets of a transport stream, two frames of an MP3 at 320 kbit/s."""
MOST_MEMBERS = 100_000
_MOST_INFLATED = 64 << 20
_LONGEST_NAME = 4096
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _LENGTHS_FOLLOW = 1, 8


@dataclass(frozen=True, slots=True)
class Member:
    """`stored` is what it takes in the archive, in bytes; `length` unpacked; `head` is None where it can't be read."""

    name: str
    stored: int
    length: int
    head: bytes | None


Steps = Generator[None, bytes, None]


class Walk:
    """Takes an archive in chunks, cut anywhere, and gathers members through `member`, which a subclass defines."""

    def __init__(self, kind: str) -> None:
        self._buffer = bytearray()
        self._members = 0
        self._ended = False
        self._inflater = zlib.decompressobj(wbits=31) if kind == "tar.gz" else None
        self._inflated = 0
        self._steps = self._zip() if kind == "zip" else self._tar()
        next(self._steps)

    def member(self, member: Member) -> None:
        raise NotImplementedError

    def wants(self, name: str) -> bool:
        """Whether a member of this name is worth a look."""
        return True

    def feed(self, chunk: bytes) -> None:
        while chunk and not self._ended:
            if self._inflater is None:
                self._push(chunk)
                return
            try:
                data = self._inflater.decompress(chunk, 1 << 20)
            except zlib.error:
                self._ended = True
                return
            chunk = self._inflater.unconsumed_tail
            self._inflated += len(data)
            if self._inflated > _MOST_INFLATED or self._inflater.eof:
                chunk = b""
            self._push(data)
            if self._inflated > _MOST_INFLATED:
                self._ended = True

    def _push(self, data: bytes) -> None:
        if data and not self._ended:
            try:
                self._steps.send(data)
            except StopIteration:
                self._ended = True
                self._buffer.clear()

    def _take(self, count: int) -> Generator[None, bytes, bytes]:
        """The next bytes; they never come where the archive ends before."""
        while len(self._buffer) < count:
            self._buffer += yield
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    def _skip(self, count: int) -> Steps:
        while count > len(self._buffer):
            count -= len(self._buffer)
            self._buffer.clear()
            self._buffer += yield
        del self._buffer[:count]

    def _found(self, member: Member) -> bool:
        """Hand it on; False where there were too many."""
        self._members += 1
        self.member(member)
        return self._members < MOST_MEMBERS

    # zip: PKWARE APPNOTE, 4.3.

    def _zip(self) -> Steps:
        while True:
            header = yield from self._take(30)
            if header[:4] != b"PK\x03\x04":
                return
            flags, method = _number(header, 6, 2), _number(header, 8, 2)
            stored, length = _number(header, 18, 4), _number(header, 22, 4)
            name = (yield from self._take(_number(header, 26, 2))).decode("utf-8", "replace")
            extra = yield from self._take(_number(header, 28, 2))
            if 0xFFFFFFFF in (stored, length):
                stored, length = _zip64(extra, stored, length)
            method = -1 if flags & _ENCRYPTED else method
            if flags & _LENGTHS_FOLLOW and not stored:
                more = yield from self._zip_unknown(name, method)
            else:
                more = yield from self._zip_known(name, method, stored, length)
            if not more:
                return

    def _zip_known(self, name: str, method: int, stored: int, length: int) -> Generator[None, bytes, bool]:
        head: bytes | None = None
        taken = 0
        if self.wants(name) and method in (_STORED, _DEFLATED):
            taken = min(stored, PEEK)
            head = _unpacked(method, (yield from self._take(taken)))
        yield from self._skip(stored - taken)
        return self._found(Member(name, stored, length, head))

    def _zip_unknown(self, name: str, method: int) -> Generator[None, bytes, bool]:
        """A member whose lengths stand behind it (4.3.9): the length that is told there must be the one passed."""
        head, passed = None, 0
        while True:
            at = self._buffer.find(b"PK\x07\x08")
            if head is None and (at >= 0 or len(self._buffer) >= PEEK):
                first = bytes(self._buffer[: PEEK if at < 0 else min(at, PEEK)])
                head = _unpacked(method, first) if method in (_STORED, _DEFLATED) else b""
            if at < 0:
                keep = min(len(self._buffer), PEEK if head is None else 3)
                passed += len(self._buffer) - keep
                del self._buffer[: len(self._buffer) - keep]
                self._buffer += yield
                continue
            while len(self._buffer) < at + 24:
                self._buffer += yield
            width = 8 if _number(self._buffer, at + 8, 8) == passed + at else 4
            stored, length = _number(self._buffer, at + 8, width), _number(self._buffer, at + 8 + width, width)
            if stored == passed + at:
                del self._buffer[: at + 8 + 2 * width]
                return self._found(Member(name, stored, length, head or None))
            passed += at + 4
            del self._buffer[: at + 4]

    # tar: POSIX.1, pax, "ustar Interchange Format"; long names as GNU tar writes them.

    def _tar(self) -> Steps:
        long_name = ""
        while True:
            header = yield from self._take(512)
            if not any(header):
                return
            length = _tar_number(header[124:136])
            if length is None or header[257:262] != b"ustar":
                return
            padded = -(-length // 512) * 512
            if header[156:157] == b"L" and length <= _LONGEST_NAME:
                long_name = _text((yield from self._take(padded)))
                continue
            if header[156:157] not in (b"0", b"\0", b"7"):
                yield from self._skip(padded)
                continue
            name = long_name or "/".join(part for part in (_text(header[345:500]), _text(header[:100])) if part)
            long_name = ""
            taken = min(padded, PEEK) if self.wants(name) else 0
            head = (yield from self._take(taken))[:length]
            yield from self._skip(padded - taken)
            if not self._found(Member(name, length, length, head)):
                return


def _unpacked(method: int, data: bytes) -> bytes | None:
    if method == _STORED:
        return data
    try:
        return zlib.decompressobj(wbits=-15).decompress(data, PEEK)
    except zlib.error:
        return None


def _zip64(extra: bytes, stored: int, length: int) -> tuple[int, int]:
    """Lengths from the extra field (4.5.3)."""
    while len(extra) >= 4:
        kind, size = _number(extra, 0, 2), _number(extra, 2, 2)
        if kind == 1:
            field = extra[4 : 4 + size]
            if length == 0xFFFFFFFF:
                length, field = _number(field, 0, 8), field[8:]
            if stored == 0xFFFFFFFF:
                stored = _number(field, 0, 8)
            break
        extra = extra[4 + size :]
    return stored, length


def _number(data: bytes | bytearray, at: int, width: int) -> int:
    return int.from_bytes(data[at : at + width], "little")


def _tar_number(field: bytes) -> int | None:
    if field[0] & 0x80:
        return int.from_bytes(field, "big") & (1 << 62) - 1
    try:
        return int(field.strip(b" \0") or b"0", 8)
    except ValueError:
        return None


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")
