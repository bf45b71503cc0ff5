"""When frames are shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..case import Problem
from ..made import Made
from ..pictures.identity import named


@dataclass(frozen=True, slots=True)
class Pace:
    """Each frame is shown when the source shows it, within `tolerance` seconds; a delay of all alike doesn't count."""

    tolerance: float
    output: str = ""

    def judge(self, made: Made) -> Iterator[Problem]:
        comparison, label = made.comparison(self.output), made.label(self.output)
        usual = comparison.delay()
        off = {s.number: s.delay - usual for s in comparison.scores if s.delay is not None}
        late = {number: delay for number, delay in off.items() if abs(delay) > self.tolerance}
        if not late:
            return
        worst = max(late, key=lambda number: abs(late[number]))
        yield Problem(
            f"{label}{named(list(late))} shown up to {abs(late[worst]) * 1000:.0f} ms earlier or later than in the "
            f"source (frame {worst}), at most {self.tolerance * 1000:g} ms is allowed",
            f"{label}pace",
            "Keep the source's time stamps: -fps_mode passthrough, without -r or an fps filter.",
        )
