"""One header block of a tar archive, read as Go's archive/tar does it: what the container engines would see.

Errors are ValueErrors; the reader knows where in the layer it is.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from zlib import adler32

from ..limits import MAX_FILE_LENGTH

BLOCK = 512
ZEROS = bytes(BLOCK)
# name; mode, uid and gid; size; mtime; checksum; type flag
_FIELDS = struct.Struct("100s24s12s12s8sB")
_CHECKSUM_OF_SPACES = sum(b" " * 8)
_INT64 = range(-(1 << 63), 1 << 63)
_NO_RECORDS: Mapping[str, bytes] = {}


@dataclass(slots=True)
class Member:
    """A member of a tar archive. `size` is the content's real length, `stored` the bytes that lie in the archive.

    `type` is tar's type flag with the variants of a regular file folded into "0". `sparse` lists (offset, length)
    of what is stored, in order, or is None for an ordinary file. `offset` is the header's place in the stream.
    `pax` holds the records of the member's pax header as they stand there, empty values too: such a record means
    "as in the header" for the fields that the header has, but an extended attribute without a value is one.
    No name and no link holds a NUL; bytes that aren't UTF-8 travel in them as lone surrogates. `uid` and `gid` are
    what a container sees, in 32 bits; `mtime` has 64, `size` and `stored` 60.
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
    sparse: list[tuple[int, int]] | None
    pax: Mapping[str, bytes]


def parse_header(buffer: bytes, at: int, offset: int) -> Member | None:
    """The header block that begins at `at`; None for a block of zeros.

    Raises ValueError where it is neither. Layers hold hundreds of thousands of these: this function is most of
    what reading them costs.
    """
    name, owner, size, mtime, checksum, flag = _FIELDS.unpack_from(buffer, at)
    # The low half of Adler-32 is one more than the sum of the bytes, modulo 65521: 256 bytes can't reach that.
    # It takes a fifth of sum()'s time.
    actual = (
        (adler32(buffer[at : at + 256]) & 0xFFFF)
        + (adler32(buffer[at + 256 : at + BLOCK]) & 0xFFFF)
        - (adler32(checksum) & 0xFFFF)
        - 1
        + _CHECKSUM_OF_SPACES
    )
    if checksum != b"%06o\0 " % actual and not _is_header(buffer[at : at + BLOCK], actual):
        return None
    mode, uid, gid = _owner(owner)
    length = number(size)
    if not 0 <= length <= MAX_FILE_LENGTH:
        raise ValueError("a tar header with a size that makes no sense")
    if b"\0" in name:
        name = name[: name.find(0)]
    if buffer[at + 345]:
        name = _prefix(buffer[at : at + BLOCK]) + name
    return Member(
        text(name),
        "0" if flag == 0x37 else chr(flag),
        length,
        length,
        mode,
        uid,
        gid,
        number(mtime),
        text(buffer[at + 157 : at + 257].split(b"\0", 1)[0]) if buffer[at + 157] else "",
        offset,
        None,
        _NO_RECORDS,
    )


@lru_cache(4096)
def number(field: bytes) -> int:
    """A numeric header field: octal text, or GNU's base 256 (two's complement behind a set first bit)."""
    if field[0] & 0x80:
        bits = 8 * len(field) - 1
        value = int.from_bytes(field, "big") & ((1 << bits) - 1)
        if field[0] & 0x40:
            value -= 1 << bits
        if value not in _INT64:
            raise ValueError("a tar header with a number of more than 64 bits")
        return value
    digits = field.strip(b" \0").split(b"\0", 1)[0]
    if digits.strip(b"01234567"):
        raise ValueError(f"a tar header with {digits!r} where a number should be")
    return int(digits or b"0", 8)


def owner_id(value: int) -> int:
    """A user or group as chown makes it from what an archive says: 2^32 ends as root, and so does -1 (no change)."""
    value &= 0xFFFFFFFF
    return 0 if value == 0xFFFFFFFF else value


def text(raw: bytes) -> str:
    """A name; bytes that aren't UTF-8 travel as lone surrogates, as in Python's own file names."""
    return raw.decode("utf-8", "surrogateescape")


@lru_cache(4096)
def _owner(field: bytes) -> tuple[int, int, int]:
    return number(field[:8]) & 0o7777, owner_id(number(field[8:16])), owner_id(number(field[16:]))


def _is_header(block: bytes, actual: int) -> bool:
    """Whether the checksum is right in another spelling; False for a block of zeros. Raises ValueError."""
    if block == ZEROS:
        return False
    digits = block[148:156].strip(b" \0")
    expected = int(digits, 8) if digits and not digits.strip(b"01234567") else -1
    # Old Sun tars added the bytes as signed numbers.
    signed = actual - 256 * sum(byte > 127 for byte in block)
    if expected not in (actual, signed):
        raise ValueError("no tar header here (its checksum is wrong)")
    return True


def _prefix(block: bytes) -> bytes:
    """What the header puts before the name, with its slash."""
    magic, prefix = block[257:265], block[345:500]
    if magic.startswith(b"ustar\0"):
        prefix = prefix[:131] if block.endswith(b"tar\0") else prefix  # star keeps times behind it
    elif magic == b"ustar  \0":
        # GNU keeps times there; Go before 1.8 wrote a prefix all the same, and reads it where it can't be a time.
        if _is_time(block[345:357]) and _is_time(block[357:369]):
            return b""
    else:
        return b""
    prefix = prefix.split(b"\0", 1)[0]
    return prefix + b"/" if magic.startswith(b"ustar\0") or prefix.isascii() else b""


def _is_time(field: bytes) -> bool:
    try:
        return not field[0] or number(field) in _INT64
    except ValueError:
        return False
