"""Sizes and percentages as people write them in a policy."""

from __future__ import annotations

import re

_UNITS = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kKMG]i?B|B)?")


def parse_bytes(value: object) -> int:
    """`150MB`, `1.5 GiB` or a whole number of bytes; 1 MB = 10^6 bytes, 1 MiB = 2^20. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is no size; write 150MB (10^6 bytes) or 150MiB (2^20)")
    return round(float(match[1]) * _UNITS[match[2] or "B"])


def parse_percent(value: object) -> float:
    """`5%` or `0.5%`, in percent. Raises ValueError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", value.strip()) if isinstance(value, str) else None
    if match is None or float(match[1]) > 100:
        raise ValueError(f"{value!r} is no percentage; write 5%")
    return float(match[1])
