"""What streams and pictures say of their colours, in FFmpeg's names."""

from __future__ import annotations

from typing import Any

# H.273, tables 2 to 4, with FFmpeg's names.
_PRIMARIES = {1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020", 12: "smpte432"}
_TRANSFERS = {**_PRIMARIES, 9: "log100", 13: "iec61966-2-1", 14: "bt2020-10", 16: "smpte2084", 18: "arib-std-b67"}
_MATRICES = {**_PRIMARIES, 0: "gbr", 9: "bt2020nc", 10: "bt2020c", 14: "ictcp"}
_RANGES = {1: "tv", 2: "pc"}


def color_of(tagged: Any, pix_fmt: str) -> tuple[str, str, str, str]:
    """Primaries, transfer, matrix and range of a codec context or a picture, "unknown" where it doesn't say."""
    # PyAV 14 doesn't hand out all of a picture's.
    return (
        _PRIMARIES.get(getattr(tagged, "color_primaries", 2), "unknown"),
        _TRANSFERS.get(getattr(tagged, "color_trc", 2), "unknown"),
        _MATRICES.get(tagged.colorspace, "unknown"),
        "pc" if "yuvj" in pix_fmt else _RANGES.get(tagged.color_range, "unknown"),
    )


def plain_format(name: str | None) -> str | None:
    """A pixel format without its range: yuv420p for yuvj420p."""
    return name.replace("yuvj", "yuv") if name else None
