"""`layers.reuse`: what a node that holds the previous release must pull again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...image.compare import (
    Reuse,
    contents_of,
    counterparts,
    heaviest,
    layer_weights,
    new_files,
    reuse,
    same_but_for_times,
)
from ...image.image import Image
from ...result import Finding, Severity, format_bytes
from ..blame import instruction, lines
from ..context import Context
from ..registry import check

NO_BASELINE = "no previous release to compare with: pass --media-baseline REF"
# Below it a rebuild costs a node less than the request.
_TIMES_FLOOR = 10**6
_NAMED = 3


@check(
    "layers.reuse",
    fails="less of the image reused from the baseline than the policy asks for",
    why="A rollout to a fleet costs what each node must pull again, not what the image weighs.",
)
def reused(context: Context) -> Iterator[Finding]:
    old, new = context.subject.baseline, context.image
    if old is None:
        context.skip(NO_BASELINE)
    measured = reuse(old, new)
    budget = context.policy.layers_reuse
    # Cut, not rounded: 79.999 % must not read as the 80 % that was asked for.
    context.measure(int(measured.percent * 100) / 100, budget=budget, unit="percent")
    if measured.shared == len(new.layers):
        return
    same = counterparts(old, new)
    times_only = [
        index
        for index in range(measured.shared, len(new.layers))
        if index in same
        and new.layers[index].diff_id != old.layers[same[index]].diff_id
        and same_but_for_times(old.layer_facts[same[index]], new.layer_facts[index])
    ]
    weights = layer_weights(new, compressed=measured.compressed)
    if budget is not None and measured.percent < budget:
        yield _too_little(context, old, measured, budget, weights, same, times_only)
    if (again := sum(weights[index] for index in times_only)) >= _TIMES_FLOOR:
        yield _rebuilt(context, old, times_only, again, weights)


def _too_little(
    context: Context,
    old: Image,
    measured: Reuse,
    budget: float,
    weights: list[int],
    same: Mapping[int, int],
    times_only: list[int],
) -> Finding:
    new = context.image
    kind = "compressed" if measured.compressed else "unpacked; this source keeps no compressed layers"
    first = measured.shared
    reason = _reason(old, new, first, same, times_only)
    kept = ""
    if measured.again_by_blob is not None and measured.again_by_blob < measured.again:
        kept = f"; {format_bytes(measured.again_by_blob)} where the engine keeps blobs"
    pulled = lines(
        (weights[index], f"layer {index + 1}  {instruction(new, index)}") for index in range(first, len(new.layers))
    )
    return context.finding(
        f"a node that holds {old.name} pulls {format_bytes(measured.again)} of {format_bytes(measured.total)} again "
        f"({kind}{kept}): {measured.percent:.1f} % is reused, the policy asks for {budget:g} %. "
        f"The first layer that changed is layer {first + 1}: {reason}. To pull and unpack again:{pulled}",
        layer=first,
        bytes=measured.again,
        evidence="reuse",
        fix=_REPRODUCE
        if first in times_only
        else "Move what changes with every release above what doesn't, and pin the base image by digest.",
    )


# BuildKit's docs/build-repro.md. The date of a commit would give each release other times again.
_REPRODUCE = (
    "Build with the same SOURCE_DATE_EPOCH each time (0, say) and --output type=image,rewrite-timestamp=true "
    "(BuildKit 0.13 or newer), so that the same files make the same layer."
)


def _reason(old: Image, new: Image, index: int, same: Mapping[int, int], times_only: list[int]) -> str:
    """Why a layer isn't the baseline's."""
    if index in times_only:
        return "its files are the same, only their times differ"
    if index not in same:
        there = f"there the baseline has: {instruction(old, index)}" if index < len(old.layers) else "it is new"
        return f"no layer of the baseline was made by this instruction ({there})"
    if new.layers[index].diff_id == old.layers[same[index]].diff_id:
        return f"it is the baseline's layer {same[index] + 1}, in another place"
    was, now = old.layer_facts[same[index]], new.layer_facts[index]
    changed = heaviest(now.entries, new_files(now, contents_of([was])), _NAMED)
    if not changed:
        return "files went away, or owners, modes or links differ"
    named = ", ".join(f"/{path} ({format_bytes(length)})" for path, length in changed)
    return f"its files differ, the heaviest: {named}"


def _rebuilt(context: Context, old: Image, times_only: list[int], again: int, weights: list[int]) -> Finding:
    new = context.image
    named = lines((weights[index], f"layer {index + 1}  {instruction(new, index)}") for index in times_only)
    return context.finding(
        f"{format_bytes(again)} differ from {old.name} in times only: the same files, owners and modes, "
        f"and yet other layers to pull:{named}",
        severity=Severity.WARNING,
        layer=times_only[0],
        bytes=again,
        evidence="times",
        fix=_REPRODUCE,
    )
