"""A source with damage in it: what isn't touched by the damage must come out right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from ..case import Problem, Threshold
from ..made import Made
from ..pictures.compare import compare
from ..pictures.identity import named
from ..samples import find


@dataclass(frozen=True, slots=True)
class Survived:
    """The frames that lie in none of `damaged`, spans of first and last number, are there and look right.

    `intact` names the sample with the same pictures undamaged, `frames` how many of them the damaged one has.
    `thresholds`: a lower limit for `psnr_y_min`, in dB.
    """

    METRICS: ClassVar[Mapping[str, tuple[str, ...]]] = {"thresholds": ("psnr_y_min",)}

    intact: str
    frames: int
    damaged: tuple[tuple[int, int], ...]
    thresholds: Mapping[str, Threshold]
    output: str = ""

    def judge(self, made: Made) -> Iterator[Problem]:
        label = made.label(self.output)
        comparison = compare(find(self.intact), made.path(self.output), ssim=False, hashes=False)
        if comparison.broken:
            yield Problem(
                f"{label}the output is itself damaged: {comparison.broken}",
                f"{label}damaged",
                "Decode and encode anew; don't copy a damaged stream.",
            )
        sound = [
            number for number in range(self.frames) if not any(first <= number <= last for first, last in self.damaged)
        ]
        psnr = {score.number: score.psnr[0] for score in comparison.scores}
        if missing := [number for number in sound if number not in psnr]:
            yield Problem(
                f"{label}{named(missing)} missing, though the damage lies elsewhere",
                f"{label}undamaged missing",
                "Go on after errors: no -xerror, -err_detect explode or -t.",
            )
        made.metrics[f"{label}undamaged psnr_y_min"] = round(min((psnr[n] for n in sound if n in psnr), default=0.0), 2)
        limit = self.thresholds["psnr_y_min"].limit if "psnr_y_min" in self.thresholds else 0.0
        if bad := [number for number in sound if number in psnr and psnr[number] < limit]:
            worst = min(bad, key=lambda number: psnr[number])
            yield Problem(
                f"{label}{named(bad)} spoilt, though the damage lies elsewhere: "
                f"frame {worst} has PSNR-Y {psnr[worst]:.1f} dB, below {limit:g} dB",
                f"{label}undamaged spoilt",
                "Compare the decoder's version and options with those of the last good image.",
            )
