"""Integrated loudness, measured by the judge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from ..case import Problem
from ..made import Made
from ..sound.compare import chunks_of
from ..sound.loudness import integrated
from .audio import channel_names
from .streams import absent


@dataclass(frozen=True, slots=True)
class Loudness:
    """The first audio stream has `target` LUFS, within `tolerance` LU.

    `usual` is what builds give that are right, in LUFS, and `drift` how far from it others may be. `source` says where
    the limits come from.
    """

    target: float
    tolerance: float
    source: str
    usual: float | None = None
    drift: float = 0.1
    output: str = ""

    def judge(self, made: Made) -> Iterator[Problem]:
        label = made.label(self.output)
        if made.info(self.output).audio is None:
            yield absent(label, "audio")
            return
        chunks = chunks_of(made.path(self.output))
        first, rate, _ = next(chunks)
        value = integrated(chain([first], (chunk for chunk, _, _ in chunks)), rate, channel_names(len(first)))
        made.metrics[f"{label}loudness"] = round(value, 2)
        fix = "Check the options of loudnorm, and that no gain or limiter follows it."
        if not abs(value - self.target) <= self.tolerance:
            yield Problem(
                f"{label}loudness is {value:.2f} LUFS, {self.target:g} within {self.tolerance:g} LU was asked for",
                f"{label}loudness",
                fix,
            )
        elif self.usual is not None and abs(value - self.usual) > self.drift:
            yield Problem(
                f"{label}loudness is {value:.2f} LUFS, the usual is {self.usual:g} within {self.drift:g} LU",
                f"{label}loudness differs",
                fix,
            )
