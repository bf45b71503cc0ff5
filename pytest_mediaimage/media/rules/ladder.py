"""Renditions of one source among which players switch: they must begin anew at the same times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from ...errors import JudgeError
from ..case import Problem
from ..made import Made
from ..packets import Packet, packets


@dataclass(frozen=True, slots=True)
class Rung:
    """A rendition: the output's name and the bits per second that the recipe asks for."""

    output: str
    bit_rate: int

    def __post_init__(self) -> None:
        if self.bit_rate <= 0:
            raise ValueError(f"bit_rate: {self.bit_rate} bits per second are no bit rate")


@dataclass(frozen=True, slots=True)
class Ladder:
    """All rungs, highest first, have their IDR frames at the same times, and the bit rates that were asked for.

    At most `max_gop` seconds lie between two IDR frames. A rung's bit rate, over its whole length, may be `least` to
    `most` of what was asked for.
    """

    rungs: tuple[Rung, ...]
    max_gop: float = 2.0
    # Apple's HLS authoring specification: IDR frames every two seconds, aligned across variants. Bit rates: what
    # Intel's vaapi-fits allows for VBR.
    least: float = 0.75
    most: float = 1.10

    def judge(self, made: Made) -> Iterator[Problem]:
        found: dict[str, list[Packet]] = {}
        for rung in self.rungs:
            try:
                found[rung.output] = packets(made.path(rung.output))
            except JudgeError as error:
                message = f"{rung.output} can't be read: {error.message}"
                yield Problem(message, f"{rung.output}: unreadable", "Look at what FFmpeg printed.")
        yield from self._alignment(found)
        rates: dict[str, float] = {}
        for rung in self.rungs:
            if rung.output in found:
                yield from self._distances(rung.output, found[rung.output])
                rates[rung.output] = bit_rate(found[rung.output])
                yield from self._rate(rung, rates[rung.output], made)
        for (above, higher), (below, lower) in pairwise(rates.items()):
            if lower >= higher:
                yield Problem(
                    f"{below} takes {lower / 1000:.0f} kb/s, no less than {above} above it with {higher / 1000:.0f}",
                    f"{below}: order of bit rates",
                    "Check which bit rate belongs to which size.",
                )

    def _alignment(self, found: dict[str, list[Packet]]) -> Iterator[Problem]:
        times = {name: idr_times(items) for name, items in found.items()}
        first = next(iter(times), "")
        for name in list(times)[1:]:
            extra, missing = sorted(times[name] - times[first]), sorted(times[first] - times[name])
            if extra or missing:
                parts = [f"none at {_seconds(missing)}"] if missing else []
                parts += [f"some at {_seconds(extra)}"] if extra else []
                yield Problem(
                    f"{name}: IDR frames aren't where {first} has them: {' and '.join(parts)}",
                    f"{name}: IDR frames not aligned",
                    "Give all rungs the same -g and -keyint_min, -sc_threshold 0 and closed GOPs, or "
                    "-force_key_frames.",
                )

    def _distances(self, name: str, items: list[Packet]) -> Iterator[Problem]:
        if not items or not items[0].idr:
            yield Problem(f"{name}: doesn't begin with an IDR frame", f"{name}: no IDR at start", "Begin with one.")
        end = max((item.shown + item.duration for item in items), default=0.0)
        times = [*sorted(item.shown for item in items if item.idr), end]
        longest = max(((after - before, before) for before, after in pairwise(times)), default=(0.0, 0.0))
        if longest[0] > self.max_gop + 0.001:
            yield Problem(
                f"{name}: after the IDR frame at {longest[1]:.3f} s the next comes after {longest[0]:.3g} s, "
                f"at most {self.max_gop:g} s are asked for",
                f"{name}: IDR frames too far apart",
                "Set -g, and -forced-idr 1 where the encoder makes other key frames.",
            )

    def _rate(self, rung: Rung, rate: float, made: Made) -> Iterator[Problem]:
        made.metrics[f"{rung.output}: bit_rate"] = round(rate)
        share = rate / rung.bit_rate
        if not self.least <= share <= self.most:
            yield Problem(
                f"{rung.output}: {rate / 1000:.0f} kb/s are {share:.0%} of the {rung.bit_rate / 1000:.0f} kb/s that "
                f"were asked for; {self.least:.0%} to {self.most:.0%} are allowed",
                f"{rung.output}: bit rate",
                "Check the encoder's rate control: -b:v, -maxrate, -bufsize.",
            )


def idr_times(items: list[Packet]) -> set[float]:
    """When IDR frames are shown, in seconds from the first frame, to a millisecond."""
    begin = min((item.shown for item in items), default=0.0)
    return {round(item.shown - begin, 3) for item in items if item.idr}


def bit_rate(items: list[Packet]) -> float:
    """Bits per second of the stream itself, without its container."""
    begin = min((item.shown for item in items), default=0.0)
    end = max((item.shown + item.duration for item in items), default=0.0)
    return 8 * sum(item.length for item in items) / (end - begin) if end > begin else 0.0


def _seconds(times: list[float]) -> str:
    return ", ".join(f"{time:g}" for time in times[:5]) + (" ..." if len(times) > 5 else "") + " s"
