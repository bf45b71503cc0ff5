"""`layers.count`: how many layers there are."""

from __future__ import annotations

from collections.abc import Iterator

from ...result import Finding
from ..context import Context
from ..registry import check


@check(
    "layers.count",
    fails="more layers than the budget",
    why="Each layer is a request, an unpacking and a mount; Docker starts none of more than 125.",
)
def count(context: Context) -> Iterator[Finding]:
    layers = len(context.image.layers)
    budget = context.policy.layers_count
    context.measure(layers, budget=budget, unit="layers")
    if budget is not None and layers > budget:
        yield Finding(
            f"{layers} layers, {layers - budget} more than the budget of {budget}",
            evidence="count",
            fix="Join RUN instructions that belong together, or copy the result into a fresh stage; "
            "with Nix, lower maxLayers.",
        )
