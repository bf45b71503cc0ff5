"""Which of several right ways to show a source an output has taken."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .. import judge
from .orientation import upright
from .references import references
from .views import View


def nearer(source: Path, output: Path, views: Sequence[View]) -> View:
    """The view to whose first picture the output's first is nearest; the first view where they can't be compared.

    Raises JudgeError where either has no picture that can be decoded.
    """
    shown = next(map(upright, judge.frames(output)), None)
    if shown is None:
        return views[0]
    errors = []
    for view in views:
        wanted, got = next(references(source, view)).frame, view.output(shown)
        if [plane.shape for plane in wanted.planes] != [plane.shape for plane in got.planes]:
            return views[0]
        pairs = ((wanted.samples(at), got.samples(at)) for at in range(len(wanted.planes)))
        errors.append(sum(float(np.square(np.subtract(a, b, dtype=np.float64)).mean()) for a, b in pairs))
    return views[int(np.argmin(errors))]
