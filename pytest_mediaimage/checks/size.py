"""`size.*`: budgets in bytes. Compressed is what a pull transfers, unpacked what a node stores."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from ..image.entries import FILE
from ..result import Finding, format_bytes
from .context import Context
from .registry import check

_HEAVIEST = 10


@check(
    "size.compressed",
    fails="more bytes to transfer than the budget",
    why="Every node pulls these bytes before the first frame is encoded.",
)
def compressed(context: Context) -> Iterator[Finding]:
    size = context.image.compressed_size
    if size is None:
        context.skip(
            "this source keeps no compressed layers; test the build's own output: "
            "docker buildx build --output type=oci,dest=image.tar"
        )
    weights = [layer.compressed_size or 0 for layer in context.image.layers]
    yield from _against(context, "compressed", size, context.policy.size_compressed, weights)


@check(
    "size.unpacked",
    fails="more bytes in all layers than the budget",
    why="Every node stores them, and unpacking them is the slow half of a pull.",
)
def unpacked(context: Context) -> Iterator[Finding]:
    weights = [facts.unpacked_size for facts in context.image.layer_facts]
    yield from _against(context, "unpacked", sum(weights), context.policy.size_unpacked, weights)


@check(
    "size.layer",
    fails="a layer with more unpacked bytes than the budget",
    why="A layer is pulled and unpacked by one thread: the largest one sets the pull's time.",
)
def layer(context: Context) -> Iterator[Finding]:
    budget = context.policy.size_layer
    sizes = [facts.unpacked_size for facts in context.image.layer_facts]
    context.measure(max(sizes, default=0), budget=budget, unit="bytes")
    for index, size in enumerate(sizes):
        if budget is not None and size > budget:
            yield context.finding(
                f"layer {index + 1} holds {format_bytes(size)}, {format_bytes(size - budget)} over the budget; "
                f"its heaviest: {_heaviest_files(context, index)}",
                layer=index,
                bytes=size,
                evidence=context.image.layers[index].created_by,
                fix="Split the layer at what changes seldom, or leave out what isn't needed to run.",
            )


def _against(context: Context, kind: str, size: int, budget: int | None, weights: Iterable[int]) -> Iterator[Finding]:
    """Measure a total, and where it is over its budget blame the heaviest layers; `weights` is each layer's part."""
    context.measure(size, budget=budget, unit="bytes")
    if budget is None or size <= budget:
        return
    heaviest = sorted(((weight, index) for index, weight in enumerate(weights)), reverse=True)[:_HEAVIEST]
    causes = [
        f"\n  {format_bytes(weight):>9}  layer {index + 1}  {context.image.layers[index].created_by or '(no history)'}"
        for weight, index in heaviest
    ]
    yield Finding(
        f"{format_bytes(size)} {kind}, {format_bytes(size - budget)} over the budget of {format_bytes(budget)}; "
        f"the heaviest layers:{''.join(causes)}",
        bytes=size - budget,
        evidence=kind,
        fix="Take out what the heaviest layers don't need to run, or raise the budget in the policy.",
    )


def _heaviest_files(context: Context, index: int) -> str:
    entries = context.image.layer_facts[index].entries
    heaviest = heapq.nlargest(3, entries.of_type(FILE), key=entries.length)
    return ", ".join(f"/{entries.path(i)} ({format_bytes(entries.length(i))})" for i in heaviest) or "nothing"


CHECKS = (compressed, unpacked, layer)
