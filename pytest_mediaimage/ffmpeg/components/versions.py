"""Versions as the libraries write them, out of what was found."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..evidence import Evidence
from .model import Row

X265_RELEASES = {165: "2.9", 176: "3.0", 199: "3.5", 215: "4.1", 216: "4.2", 217: "4.3"}
"""x265's X265_BUILD (`source/CMakeLists.txt`) and the release that came with it."""


def tidy(row: Row, evidence: Sequence[Evidence]) -> str | None:
    """The version that the evidence gives; None where it gives none."""
    texts = [one.text for one in evidence if one.technique == "library-text"]
    symbols = [one.text for one in evidence if one.technique == "symbol"]
    version = texts[0] if texts else None
    if row.id == "libx264":
        core = next((match[1] for one in symbols if (match := re.fullmatch(r"x264_encoder_open_(\d+)", one))), None)
        revision = version.removeprefix("r") if version else None
        if core:
            return f"0.{core}.{revision}" if revision else f"0.{core}"
    if row.id == "libx265" and (version is None or version.startswith("x265_api_get_")):
        number = re.fullmatch(r"x265_api_get_(\d+)", version or next(iter(symbols), ""))
        return X265_RELEASES.get(int(number[1])) if number else None
    if row.id in ("libsvtav1", "libopus") and version:
        return version.removeprefix("v") if row.id == "libopus" else version
    return version


def below(version: str | None, limit: tuple[int, ...]) -> bool:
    """Whether a version is known and lower than `limit`."""
    numbers = tuple(int(number) for number in re.findall(r"\d+", (version or "").partition("-")[0])[: len(limit)])
    return bool(numbers) and numbers < limit
