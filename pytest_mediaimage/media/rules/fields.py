"""Interlaced pictures stay what they were: two moments in each frame, in their order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from ..case import Problem, Threshold
from ..made import Made
from ..pictures.fields import bottom_first
from ..pictures.identity import named
from ..pictures.references import output_frames
from ..pictures.views import Field
from .pictures import PICTURE_METRICS, Pictures

_FIX = "Keep the fields: no deinterlacer and no vertical scaling, and -flags +ildct+ilme for the encoder."


@dataclass(frozen=True, slots=True)
class Fields:
    """Both fields of each frame are the source's, line by line, marked as two fields and in the source's order.

    `thresholds` are those of `Pictures`, and hold for each field. Which frames there are is another rule's matter.
    """

    METRICS: ClassVar[Mapping[str, tuple[str, ...]]] = {"thresholds": PICTURE_METRICS}

    thresholds: Mapping[str, Threshold]
    output: str = ""

    def judge(self, made: Made) -> Iterator[Problem]:
        label, path = made.label(self.output), made.path(self.output)
        marked = [frame.interlaced for frame in output_frames(path)]
        if not all(marked):
            numbers = [number for number, interlaced in enumerate(marked) if not interlaced]
            yield Problem(
                f"{label}{named(numbers)} of {len(marked)} not marked as interlaced", f"{label}not interlaced", _FIX
            )
        else:
            yield from self._order(made, label)
        for first, name in ((0, "top"), (1, "bottom")):
            rule = Pictures(self.thresholds, output=self.output, view=Field(first))
            for problem in rule.judge(made):
                if not problem.evidence.removeprefix(label).startswith(("psnr", "block", "bias")):
                    continue
                told = f"{label}{name} field: {problem.message.removeprefix(label)}"
                yield replace(problem, message=told, evidence=f"{label}{name} field: {problem.evidence}", fix=_FIX)

    def _order(self, made: Made, label: str) -> Iterator[Problem]:
        wanted, found = bottom_first(made.source), bottom_first(made.path(self.output))
        if other := sorted(set(wanted) ^ set(found)):
            first = "bottom" if other[0] in found else "top"
            yield Problem(
                f"{label}{named(other)} with the {first} field first, the source's begin with the other: motion goes "
                "back and forth",
                f"{label}field order",
                "Let the order pass through: no setfield, -top or -field_order, nor a crop by an odd number of lines.",
            )
