"""How many bytes an output has: quality for quality, an encoder must not grow, nor save where it wasn't asked to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..case import Problem
from ..made import Made
from .streams import absent


@dataclass(frozen=True, slots=True)
class VideoBytes:
    """The first video stream's packets have `expected` bytes in all, give or take `tolerance` (a share of it).

    `source` says where the limits come from.
    """

    expected: int
    source: str
    tolerance: float = 0.15
    output: str = ""

    def __post_init__(self) -> None:
        if self.expected <= 0:
            raise ValueError(f"expected: {self.expected} bytes are no size")

    def judge(self, made: Made) -> Iterator[Problem]:
        video, label = made.info(self.output).video, made.label(self.output)
        if video is None:
            yield absent(label, "video")
            return
        made.metrics[f"{label}video_bytes"] = video.bytes
        share = video.bytes / self.expected - 1
        if abs(share) > self.tolerance:
            yield Problem(
                f"{label}the video has {video.bytes} bytes, {share:+.0%} of the usual {self.expected}; "
                f"{self.tolerance:.0%} either way is allowed",
                f"{label}video {'large' if share > 0 else 'small'}",
                "Compare the encoder's version, quality (-crf, -qp) and preset with those of the last good image.",
            )


@dataclass(frozen=True, slots=True)
class BitRate:
    """The first video stream has `target` bits per second on average, between `least` and `most` of it.

    Defaults are for a variable rate, 75 to 110 %; a constant one takes 0.9 and 1.1 (both after vaapi-fits).
    """

    target: int
    least: float = 0.75
    most: float = 1.10
    output: str = ""

    def __post_init__(self) -> None:
        if self.target <= 0:
            raise ValueError(f"target: {self.target} bits per second are no bit rate")

    def judge(self, made: Made) -> Iterator[Problem]:
        info, label = made.info(self.output), made.label(self.output)
        if info.video is None:
            yield absent(label, "video")
            return
        seconds = info.video.duration or info.duration
        if not seconds:
            yield Problem(f"{label}how long the video lasts isn't known", f"{label}no duration", "Check the muxer.")
            return
        rate = info.video.bytes * 8 / seconds
        made.metrics[f"{label}video_bit_rate"] = round(rate)
        if not self.least <= rate / self.target <= self.most:
            yield Problem(
                f"{label}the video has {rate / 1000:.0f} kb/s, {rate / self.target:.0%} of the {self.target / 1000:g} "
                f"kb/s asked for; {self.least:.0%} to {self.most:.0%} is allowed",
                f"{label}bit rate {'high' if rate > self.target else 'low'}",
                "Check -b:v, -maxrate and -bufsize, and that the encoder's rate control isn't overridden.",
            )
