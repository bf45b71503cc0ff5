"""`layers.*`: how the image is cut into layers."""

from __future__ import annotations

from collections.abc import Iterator

from ..result import Finding, format_bytes
from .context import Context
from .registry import check

# A percentage alone cries wolf at small images.
_WASTE_FLOOR = 10 * 10**6
_LISTED = 10


@check(
    "layers.count",
    fails="more layers than the budget",
    why="Each layer is a request, an unpacking and a mount; overlay2 stops at 128.",
)
def count(context: Context) -> Iterator[Finding]:
    layers = len(context.image.layers)
    budget = context.policy.layers_count
    context.measure(layers, budget=budget, unit="layers")
    if budget is not None and layers > budget:
        yield Finding(
            f"{layers} layers, {layers - budget} more than the budget of {budget}",
            evidence="count",
            fix="Join RUN instructions that belong together, or copy the result into a fresh stage.",
        )


@check(
    "layers.waste",
    fails="bytes that travel in a layer and are replaced or deleted by a later one",
    why="They are pulled and stored on every node, and no container ever sees them.",
)
def waste(context: Context) -> Iterator[Finding]:
    wasted = context.image.tree.wasted_size
    total = context.image.unpacked_size
    percent = 100 * wasted / total if total else 0.0
    budget = context.policy.layers_waste
    context.measure(round(percent, 2), budget=budget, unit="percent")
    # A team's own budget is meant to the byte; the floor is for those that others chose.
    floor = _WASTE_FLOOR if "layers.waste" in context.policy.severity else 0
    if budget is None or percent <= budget or wasted <= floor:
        return
    for item in context.image.tree.largest_hidden(_LISTED):
        yield context.finding(
            f"{format_bytes(item.entry.size)} of /{item.path} can't be seen: "
            f"layer {item.by + 1} replaces or deletes it ({percent:.1f} % of the image is wasted)",
            layer=item.layer,
            file="/" + item.path,
            bytes=item.entry.size,
            evidence="hidden",
            fix="Delete it in the instruction that made it, or build in a stage of its own and copy the result.",
        )


CHECKS = (count, waste)
