"""`size.compressed`, `size.unpacked`, `size.layer`: the image as a whole, and its largest layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...image.compare import heaviest, layer_weights
from ...image.entries import FILE
from ...result import Finding, Severity, format_bytes
from ..blame import LISTED, directory_lines, layer_lines
from ..context import Context
from ..registry import check


@check(
    "size.compressed",
    fails="more bytes to transfer than the budget",
    why="Every node pulls these bytes before the first frame is encoded.",
)
def compressed(context: Context) -> Iterator[Finding]:
    length = context.image.compressed_size
    if length is None:
        yield from _unmeasured(context, context.policy.size_compressed)
        return
    weights = layer_weights(context.image, compressed=True)
    yield from _against(context, "compressed", length, context.policy.size_compressed, weights)


@check(
    "size.unpacked",
    fails="more bytes in all layers than the budget",
    why="Every node stores them, and unpacking them is the slow half of a pull.",
)
def unpacked(context: Context) -> Iterator[Finding]:
    weights = layer_weights(context.image, compressed=False)
    yield from _against(context, "unpacked", sum(weights), context.policy.size_unpacked, weights)


@check(
    "size.layer",
    fails="a layer with more unpacked bytes than the budget",
    why="A layer is pulled and unpacked by one thread: the largest one sets the pull's time.",
)
def layer(context: Context) -> Iterator[Finding]:
    budget = context.policy.size_layer
    weights = layer_weights(context.image, compressed=False)
    context.measure(max(weights, default=0), budget=budget, unit="bytes")
    for index, weight in enumerate(weights):
        if budget is not None and weight > budget:
            facts = context.image.layer_facts[index]
            files = heaviest(facts.entries, facts.entries.of_type(FILE), LISTED)
            named = "".join(f"\n  /{path} ({format_bytes(length)})" for path, length in files if length)
            yield context.finding(
                f"layer {index + 1} holds {format_bytes(weight)}, {format_bytes(weight - budget)} over the budget "
                f"of {format_bytes(budget)}; its heaviest files:{named}\nits heaviest directories:"
                f"{directory_lines([facts])}",
                layer=index,
                bytes=weight - budget,
                evidence=context.image.layers[index].created_by,
                fix="Split the layer at what changes seldom, or leave out what isn't needed to run.",
            )


def _unmeasured(context: Context, budget: int | None) -> Iterator[Finding]:
    """A warning where the team itself set the budget: among many skips nobody sees that nothing holds it."""
    remedy = "test what the build wrote: docker buildx build --output type=oci,dest=image.tar"
    check = "size.compressed"
    # A skip of what is required fails the run.
    if budget is None or check not in context.policy.own or context.policy.requires(check):
        context.skip(f"this source keeps no compressed layers; {remedy}")
    context.measure(None, budget=budget, unit="bytes")
    yield context.finding(
        f"the budget of {format_bytes(budget)} isn't tested: it can't be measured from this source, which keeps no "
        "compressed layers",
        severity=Severity.WARNING,
        evidence="not measured",
        fix=f"Push the image and test it from the registry, or {remedy}.",
    )


def _against(context: Context, kind: str, total: int, budget: int | None, weights: Sequence[int]) -> Iterator[Finding]:
    """Measure a total; over its budget, blame layers, of which `weights` has the bytes, and directories."""
    context.measure(total, budget=budget, unit="bytes")
    if budget is None or total <= budget:
        return
    image = context.image
    yield context.finding(
        f"{format_bytes(total)} {kind}, {format_bytes(total - budget)} over the budget of {format_bytes(budget)}; "
        f"the heaviest layers:{layer_lines(image, weights)}\n"
        f"the heaviest directories, unpacked:{directory_lines(image.layer_facts)}",
        layer=max(range(len(weights)), key=weights.__getitem__, default=None),
        bytes=total - budget,
        evidence=kind,
        fix="Take out what the heaviest layers don't need to run, or raise the budget in the policy.",
    )
