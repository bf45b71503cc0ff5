"""`manifest.layers`: entries that no runtime should have to unpack."""

from __future__ import annotations

from collections.abc import Iterator

from ...image.entries import BLOCK, CHAR
from ...result import Finding, Severity
from ..context import Context
from ..many import each
from ..registry import check
from .words import joined

_AUFS = ".wh..wh."


@check(
    "manifest.layers",
    fails="entries that engines refuse or that reach out of the image: `..`, a bare `.wh.`, hard links to nothing",
    why="One engine refuses the layer, another deletes a directory or writes where it shouldn't.",
)
def layers(context: Context) -> Iterator[Finding]:
    facts = context.image.layer_facts
    unsafe = [
        (layer, name, reason)
        for layer, found in enumerate(facts)
        for name, reason in found.unsafe
        # The root directory itself, written as `/`.
        if name.strip("/.")
    ]
    dangling = context.image.tree.dangling
    context.measure(len(unsafe) + len(dangling), budget=0, unit="entries")
    yield from each(unsafe, lambda entry: _unsafe(context, *entry), "entries that aren't followed")
    yield from each(dangling, lambda entry: _dangling(context, *entry), "hard links to what isn't there")
    yield from _devices(context)


def _unsafe(context: Context, layer: int, name: str, reason: str) -> Finding:
    return context.finding(
        f"layer {layer + 1} has an entry that isn't followed: {name!r}, {reason}",
        severity=_severity(name, reason),
        layer=layer,
        file=name,
        evidence=reason,
        fix="Build the layer with a builder that writes clean names, relative to the root; "
        "in one made with tar, use -C DIR and no -P.",
    )


def _dangling(context: Context, layer: int, ordinal: int) -> Finding:
    entries = context.image.layer_facts[layer].entries
    path, link = entries.path(ordinal), entries.link(ordinal)
    return context.finding(
        f"layer {layer + 1} has a hard link /{path} to /{link}, which isn't there to be linked to",
        layer=layer,
        file=f"/{path}",
        evidence=f"hard link to /{link}",
        fix="Let the layer hold the file itself before its links, or make it a symbolic link.",
    )


def _severity(name: str, reason: str) -> Severity | None:
    if name.rstrip("/").rpartition("/")[2].startswith(_AUFS):
        return Severity.NOTE  # engines pass over what AUFS kept for itself (moby, pkg/archive/whiteouts.go)
    if (name.startswith("/") and ".." not in name.split("/")) or reason == "a hard link to an absolute name":
        # Engines put it below the image's root, and buildpacks write such names; we don't see what is there.
        return Severity.WARNING
    return None


def _devices(context: Context) -> Iterator[Finding]:
    """Old base images bring /dev/null and its like; a runtime mounts its own /dev over them."""
    for layer, found in enumerate(context.image.layer_facts):
        nodes = ["/" + found.entries.path(ordinal) for ordinal in found.entries.of_type(CHAR, BLOCK)]
        if nodes:
            yield context.finding(
                f"layer {layer + 1} has {len(nodes)} device nodes: {joined(nodes)}; "
                "a runtime without privileges can't make them",
                severity=Severity.NOTE,
                layer=layer,
                file=nodes[0],
                evidence="device nodes",
                fix="Leave /dev out of the image: the runtime brings its own; ask for hardware with --device.",
            )
