"""What a program of the image must still do where the hardware isn't there: the same pictures, and a word about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..case import Problem
from ..pictures.compare import Comparison, compare
from ..pictures.identity import named
from .proof import LEAST_PSNR, Attempt

MOST_DELAY = 2.0
"""Seconds that a fallback may take longer than plain software (own: time-outs of drivers are tens of seconds)."""
MOST_LOSS = 0.5
"""dB of mean PSNR-Y below the run without any device: it is the same software path."""

_REASON = re.compile(
    r"fall(?:ing|s|en)?[ -]?back|software|\bcpu\b(?! capabilities)|\bno (?:\w+ )?(?:device|gpu|hardware)|"
    r"(?:nvenc|cuda|vaapi|va-api|libva|qsv|vulkan|hwaccel|hardware|gpu|device)[^\n]{0,80}"
    r"(?:\bnot\b|n't\b|fail|unavailable|missing|error|cannot|without)|"
    r"(?:cannot|can't|could not|couldn't|fail\w*|unable)[^\n]{0,80}"
    r"(?:nvenc|cuda|vaapi|va-api|libva|qsv|vulkan|hwaccel|hardware|gpu|device)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a run gave: its comparison with the source, and mean PSNR-Y in dB where the pictures can be compared."""

    comparison: Comparison
    psnr: float | None


def look(source: Path, output: Path, nonce: int) -> Seen:
    """Measure one output. Raises JudgeError where it can't be read."""
    comparison = compare(source, output, nonce=nonce)
    return Seen(comparison, comparison.metrics().get("psnr_y_mean"))


def problems(seen: Seen, base: Seen | None) -> Iterator[Problem]:
    """What is wrong with an output, also against `base`, the output without any device."""
    comparison = seen.comparison
    if comparison.broken:
        yield Problem(f"the output can't be decoded to its end: {comparison.broken}", "damaged", "Look at its log.")
        return
    for message in comparison.identity.messages() if comparison.identity else ():
        yield Problem(message, "frames", "Start the software encode from the beginning of the input.")
    if seen.psnr is not None and seen.psnr < LEAST_PSNR:
        low = [score.number for score in comparison.scores if score.psnr[0] < LEAST_PSNR]
        yield Problem(
            f"{named(low)}: another picture than the source's (PSNR-Y {seen.psnr:.1f} dB in the mean)",
            "picture",
            "Check pixel formats: frames that were meant for the device went to the software encoder.",
        )
    if base is None:
        return
    if base.comparison.output_frames != comparison.output_frames:
        yield Problem(
            f"{comparison.output_frames} frames, without any device it were {base.comparison.output_frames}",
            "frame count",
            "Take the same software path, whatever the reason.",
        )
    elif seen.psnr is not None and base.psnr is not None and seen.psnr < base.psnr - MOST_LOSS:
        yield Problem(
            f"PSNR-Y is {seen.psnr:.2f} dB, without any device {base.psnr:.2f} dB",
            "quality",
            "Take the same software path, whatever the reason.",
        )


def tells_reason(attempt: Attempt) -> bool:
    """Whether what was printed says that, or why, hardware isn't used."""
    # The banner names every option that FFmpeg was built with.
    lines = (line for line in attempt.log.splitlines() if not line.lstrip().startswith("configuration:"))
    return any(_REASON.search(line) for line in lines)
