"""Sizes and percentages as people write them in a policy, and how what they wrote is told to them."""

from __future__ import annotations

import difflib
import re
import reprlib

_UNITS = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_SIZE = re.compile(rf"([0-9]+(?:\.[0-9]+)?)\s*({'|'.join(_UNITS)})?")
_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*%")
# 2^60 bytes are an exabyte: a slip of the finger.
LARGEST = 1 << 60
_LISTED = 25
_short = reprlib.Repr()
_short.maxlevel, _short.maxstring = 2, 60


def shown(value: object) -> str:
    """A value in an error message: a few words of it, however large it is or would be when written out."""
    try:
        text = _short.repr(value)
    except ValueError:  # Python writes out no integer of more than 4300 digits
        return "a number of thousands of digits"
    return text if len(text) <= 100 else f"{text[:97]}..."


def nearest(word: str, known: list[str]) -> str:
    """The end of a message on an unknown word: what was probably meant, else what is known where that is a line."""
    close = difflib.get_close_matches(word, known, n=1)
    listed = f"; known: {', '.join(known)}" if len(known) <= _LISTED else ""
    return f"; did you mean {close[0]!r}?" if close else listed


def parse_bytes(value: object) -> int:
    """`150MB`, `1.5 GiB` or a whole number of bytes; 1 MB = 10^6 bytes, 1 MiB = 2^20. Raises ValueError."""
    count: float = -1
    if isinstance(value, int) and not isinstance(value, bool):
        count = value
    elif isinstance(value, str) and (match := _SIZE.fullmatch(value.strip())):
        count = float(match[1]) * _UNITS[match[2] or "B"]
    if not 0 <= count <= LARGEST:
        raise ValueError(f"{shown(value)} is no size; write 150MB (10^6 bytes) or 150MiB (2^20)")
    return round(count)


def parse_percent(value: object) -> float:
    """`5%` or `0.5%`, in percent. Raises ValueError."""
    match = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or float(match[1]) > 100:
        raise ValueError(f"{shown(value)} is no percentage; write 5%")
    return float(match[1])
