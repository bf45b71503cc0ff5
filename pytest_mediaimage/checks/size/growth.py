"""`size.growth`: what the image weighs more than the previous release."""

from __future__ import annotations

from collections.abc import Iterator

from ...image.compare import counterparts, layer_weights
from ...image.image import Image
from ...result import Finding, format_bytes
from ..blame import directories, instruction, lines
from ..context import Context
from ..registry import check


@check(
    "size.growth",
    fails="growth against the baseline beyond the budget",
    why="Images grow by a few percent with each release, and nobody notices until nodes run out of disk.",
)
def growth(context: Context) -> Iterator[Finding]:
    old, new = context.subject.baseline, context.image
    if old is None:
        context.skip("no previous release to compare with: pass --media-baseline REF")
    before, after = old.compressed_size, new.compressed_size
    compressed = before is not None and after is not None
    if before is None or after is None:
        before, after = old.unpacked_size, new.unpacked_size
    if not before:
        context.skip(f"the baseline {old.name} has no bytes to grow from")
    percent = 100 * (after - before) / before
    budget = context.policy.size_growth
    context.measure(round(percent, 2), budget=budget, unit="percent")
    if budget is None or percent <= budget:
        return
    grown = _grown_layers(old, new, compressed)
    kind = "compressed" if compressed else "unpacked"
    named = ((weight, f"layer {index + 1}  {instruction(new, index)}") for index, weight in grown.items())
    yield context.finding(
        f"{format_bytes(after)} {kind}, {format_bytes(after - before)} ({percent:.2f} %) more than the baseline "
        f"{old.name}; the budget is {budget:g} %; what grew, by layer:{lines(named)}\n"
        f"by directory, unpacked:{lines(_grown_directories(old, new))}",
        layer=max(grown, key=grown.__getitem__, default=None),
        bytes=after - before,
        evidence="growth",
        fix="Take out what was added without need, or raise size.growth for this release.",
    )


def _grown_layers(old: Image, new: Image, compressed: bool) -> dict[int, int]:
    """The bytes that each layer has more than the one it stands for."""
    was, now = layer_weights(old, compressed=compressed), layer_weights(new, compressed=compressed)
    same = counterparts(old, new)
    differences = {index: weight - (was[same[index]] if index in same else 0) for index, weight in enumerate(now)}
    return {index: difference for index, difference in differences.items() if difference > 0}


def _grown_directories(old: Image, new: Image) -> Iterator[tuple[int, str]]:
    was = directories(old.layer_facts)
    for directory, length in directories(new.layer_facts).items():
        if length > was.get(directory, 0):
            yield length - was.get(directory, 0), directory
