"""What an HDR10 stream says of the display it was graded on, and of its light: SMPTE ST 2086 and CTA-861.3."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import JudgeError
from ..judge import open_media


@dataclass(frozen=True, slots=True)
class Mastering:
    """CIE 1931 x and y of red, green, blue and white; the least and the greatest light in cd/m2."""

    red: tuple[float, float]
    green: tuple[float, float]
    blue: tuple[float, float]
    white: tuple[float, float]
    min_luminance: float
    max_luminance: float


@dataclass(frozen=True, slots=True)
class Light:
    """`max_cll` and `max_fall` are the brightest pixel and the brightest picture's mean, in cd/m2.

    None: not said, or said to be 0, which is CTA-861.3's word for unknown.
    """

    mastering: Mastering | None = None
    max_cll: int | None = None
    max_fall: int | None = None


def light_of(path: Path) -> Light:
    """What the first picture of the first video stream carries. Raises JudgeError where it can't be decoded."""
    with open_media(path) as container:
        if not container.streams.video:
            raise JudgeError(f"{path} has no video stream")
        picture = next(iter(container.decode(video=0)), None)
        if picture is None:
            raise JudgeError(f"{path} has no frames")
        mastering = _integers(picture, "MASTERING_DISPLAY_METADATA", 22)
        content = _integers(picture, "CONTENT_LIGHT_LEVEL", 2)
    return Light(
        _mastering(mastering) if mastering else None,
        (content[0] or None) if content else None,
        (content[1] or None) if content else None,
    )


def _integers(picture: Any, kind: str, count: int) -> list[int]:
    data = picture.side_data.get(kind)
    raw = b"" if data is None else bytes(data)
    return [int(value) for value in np.frombuffer(raw[: count * 4], "<i4")] if len(raw) >= count * 4 else []


def _mastering(values: list[int]) -> Mastering | None:
    """From AVMasteringDisplayMetadata: ten fractions, then whether there are primaries, and luminances."""
    if not (values[20] and values[21]):
        return None
    tops, bottoms = values[0:20:2], values[1:20:2]
    numbers = [round(top / bottom, 5) if bottom else 0.0 for top, bottom in zip(tops, bottoms, strict=True)]
    red, green, blue, white = zip(numbers[0:8:2], numbers[1:8:2], strict=True)
    return Mastering(red, green, blue, white, numbers[8], numbers[9])
