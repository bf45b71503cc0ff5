"""Integrated loudness, measured by the judge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..case import Problem
from ..made import Made
from ..sound.following import track_of
from ..sound.loudness import integrated
from .audio import channel_names


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
            return
        track = track_of(made.path(self.output))
        value = integrated(track, channel_names(len(track.samples)))
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
