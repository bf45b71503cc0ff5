"""The records of a pax extended header, by POSIX.1-2001 and as Go's archive/tar reads them.

Errors are ValueErrors; the reader knows where in the layer it is.
"""

from __future__ import annotations

from ..limits import MAX_FILE_LENGTH, MAX_PAX_RECORDS, MAX_SPARSE_EXTENTS
from .header import text

_NAMES = ("path", "linkpath", "GNU.sparse.name")
_SPARSE_KEYS = ("GNU.sparse.offset", "GNU.sparse.numbytes")


def records(data: bytes) -> dict[str, bytes]:
    """`length key=value\\n` over and over, where the length counts itself: so a value may hold any byte."""
    found: dict[str, bytes] = {}
    extents: list[bytes] = []
    at = 0
    while at < len(data) and data[at]:
        space = data.find(b" ", at, at + 21)
        digits = data[at:space] if space > 0 else b""
        end = at + int(digits) if digits.isdigit() else 0
        equals = data.find(b"=", space, end)
        if not space + 1 < equals < end <= len(data) or data[end - 1] != 0x0A:
            raise ValueError("a pax header is malformed")
        key, value = text(data[space + 1 : equals]), data[equals + 1 : end - 1]
        if key in _SPARSE_KEYS:
            # Sparse format 0.0 repeats the two keys, in turn.
            if key != _SPARSE_KEYS[len(extents) % 2] or b"," in value or len(extents) >= 2 * MAX_SPARSE_EXTENTS:
                raise ValueError("a pax header holds a wrong sparse map")
            extents.append(value)
        elif len(found) >= MAX_PAX_RECORDS:
            raise ValueError(f"a pax header of more than {MAX_PAX_RECORDS} records")
        else:
            if key in _NAMES and b"\0" in value:
                raise ValueError(f"a pax header with a NUL in its {key}")
            found[key] = value
        at = end
    if extents:
        found["GNU.sparse.map"] = b",".join(extents)
    return found


def natural(raw: bytes) -> int:
    """A length or an offset."""
    if not raw.isdigit() or len(raw) > 19 or int(raw) > MAX_FILE_LENGTH:
        raise ValueError(f"a pax header holds a wrong number: {raw[:40]!r}")
    return int(raw)


def integer(raw: bytes) -> int:
    """A user or group, in 64 bits."""
    digits = raw[1:] if raw[:1] in (b"-", b"+") else raw
    if not digits.isdigit() or len(digits) > 19 or not -(1 << 63) <= int(raw) < 1 << 63:
        raise ValueError(f"a pax header holds a wrong number: {raw[:40]!r}")
    return int(raw)


def seconds(raw: bytes) -> int:
    """A time, without its fraction."""
    whole, _, fraction = raw.partition(b".")
    if fraction and not fraction.isdigit():
        raise ValueError(f"a pax header holds a wrong number: {raw[:40]!r}")
    return integer(whole)
