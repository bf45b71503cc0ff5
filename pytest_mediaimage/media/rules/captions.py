"""CEA-608 and CEA-708 captions, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..captions import captions_of
from ..case import Problem
from ..made import Made
from ..pictures.identity import named

_FIX = "Pass them on: libx264's a53cc (on by default), no filter that makes new frames, and no -bsf filter_units."


@dataclass(frozen=True, slots=True)
class Captions:
    """Each frame carries the caption bytes that the source's frame of this number carries."""

    output: str = ""

    def judge(self, made: Made) -> Iterator[Problem]:
        label = made.label(self.output)
        wanted = {frame.number: frame.data for frame in captions_of(made.source) if frame.data}
        found = [frame for frame in captions_of(made.path(self.output)) if frame.number is not None]
        there = {frame.number: frame.data for frame in found if frame.data}
        made.metrics[f"{label}captions"] = len(there)
        if not there:
            yield Problem(f"{label}the captions are gone: no frame carries any", f"{label}captions", _FIX)
            return
        # A frame that is missing is the matter of another rule.
        missing = [frame.number for frame in found if frame.number in wanted and not frame.data]
        other = [number for number, data in there.items() if number is not None and wanted.get(number) != data]
        if numbers := [number for number in missing if number is not None]:
            yield Problem(f"{label}{named(numbers)} lost the captions", f"{label}captions missing", _FIX)
        if other:
            at = min(other)
            yield Problem(
                f"{label}{named(other)} with other captions: frame {at} has {there[at].hex()}, "
                f"{wanted.get(at, b'').hex() or 'none'} was expected",
                f"{label}captions differ",
                "Keep frame rate and order: captions belong to their frames.",
            )
