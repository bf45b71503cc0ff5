"""`layers.waste`: content that travels in a layer and that a later one hides."""

from __future__ import annotations

import os.path
from collections import Counter, defaultdict
from collections.abc import Container, Iterator
from dataclasses import dataclass

from ...image.entries import FILE, HARDLINK, Entries
from ...image.tree import Hidden
from ...result import Finding, format_bytes
from ..blame import directory_of, lines
from ..context import Context
from ..many import each
from ..registry import check

# A percentage alone cries wolf at small images.
_FLOOR = 10 * 10**6
# Of one file that is worth a line. No part of the waste: then more files would be worth one when a large one is mended.
_CRUMB = 100_000
_FIX = "Delete it in the instruction that made it, or build in a stage of its own and copy the result."


@dataclass(slots=True)
class _Copy:
    """Files of layer `of` that layer `by` holds again with the same content.

    `apart` is what it holds of them besides: names that were hard links below, and are files of their own now, since
    overlayfs copies each name.
    """

    of: int
    by: int
    files: list[Hidden]
    owner: bool = False
    mode: bool = False
    apart: int = 0

    @property
    def length(self) -> int:
        return sum(item.entry.size for item in self.files)

    @property
    def folder(self) -> str:
        """The deepest directory that holds them all, or the file where it is one."""
        if len(self.files) == 1:
            return "/" + self.files[0].path
        return os.path.commonpath(["/" + item.path.rpartition("/")[0] for item in self.files])

    @property
    def cause(self) -> str:
        changed = " and ".join(word for word, has in (("owner", self.owner), ("mode", self.mode)) if has)
        return f"only the {changed} changed" if changed else "nothing but times changed"

    @property
    def fix(self) -> str:
        options = " ".join(
            word for word, has in (("--chown=USER:GROUP", self.owner), ("--chmod=MODE", self.mode)) if has
        )
        if not options:
            return "Copy these files once."
        return f"A copy made by chown or chmod: set it as the files arrive, with COPY {options}, and take the RUN out."


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
    floor = _FLOOR if "layers.waste" in context.policy.severity else 0
    if budget is None or percent <= budget or wasted <= floor:
        return
    share = f"({percent:.1f} % of the image is wasted)"
    copies, rest = _sorted_out(context)
    yield from each(copies, lambda copy: _copied(context, copy, share), "copies of files with the same content")
    large = sorted((item for item in rest if item.entry.size >= _CRUMB), key=lambda item: -item.entry.size)
    yield from each(large, lambda item: _hidden(context, item, share), "hidden files")
    if len(large) < len(rest):
        yield _crumbs(context, [item for item in rest if item.entry.size < _CRUMB], share)


def _copied(context: Context, copy: _Copy, share: str) -> Finding:
    count = f"{len(copy.files)} files below {copy.folder}" if len(copy.files) > 1 else copy.folder
    links = f"; hard links to it came apart, {format_bytes(copy.apart)} more" if copy.apart else ""
    return context.finding(
        f"layer {copy.by + 1} holds {count} of layer {copy.of + 1} again with the same content, "
        f"{format_bytes(copy.length)}: {copy.cause}{links} {share}",
        layer=copy.by,
        file=copy.folder,
        bytes=copy.length + copy.apart,
        evidence="copied again",
        fix=copy.fix,
    )


def _hidden(context: Context, item: Hidden, share: str) -> Finding:
    return context.finding(
        f"{format_bytes(item.entry.size)} of /{item.path} can't be seen: "
        f"layer {item.by + 1} replaces or deletes it {share}",
        layer=item.layer,
        file="/" + item.path,
        bytes=item.entry.size,
        evidence="hidden",
        fix=_FIX,
    )


def _crumbs(context: Context, items: list[Hidden], share: str) -> Finding:
    """One finding: a line for each kilobyte that useradd left in /etc would hide the others."""
    weights: Counter[tuple[str, int, int]] = Counter()
    for item in items:
        weights[directory_of(item.path), item.layer, item.by] += item.entry.size
    count = f"{len(items)} small files" if len(items) > 1 else "a small file"
    where = lines(
        (weight, f"{directory}  layer {layer + 1}, by layer {by + 1}")
        for (directory, layer, by), weight in weights.items()
    )
    (_, layer, _), _ = weights.most_common(1)[0]
    return context.finding(
        f"{format_bytes(weights.total())} in {count} can't be seen: later layers replace or delete them {share}{where}",
        layer=layer,
        bytes=weights.total(),
        evidence="small hidden files",
        fix=_FIX,
    )


def _sorted_out(context: Context) -> tuple[list[_Copy], list[Hidden]]:
    """What is hidden by the same content again, heaviest group first, and what else is hidden."""
    by_layer: defaultdict[int, list[Hidden]] = defaultdict(list)
    for item in context.image.tree.hidden:
        if item.entry.size:
            by_layer[item.by].append(item)
    copies: dict[tuple[int, int], _Copy] = {}
    rest: list[Hidden] = []
    for by, items in by_layer.items():
        entries = context.image.layer_facts[by].entries
        again = _again(entries, {item.path for item in items})
        for item in items:
            new = again.get(item.path)
            old = context.image.layer_facts[item.layer].entries
            if new is None or entries.fingerprint(new) != old.fingerprint(item.ordinal):
                rest.append(item)
                continue
            copy = copies.setdefault((item.layer, by), _Copy(item.layer, by, []))
            copy.files.append(item)
            entry = entries[new]
            copy.owner |= (entry.uid, entry.gid) != (item.entry.uid, item.entry.gid)
            copy.mode |= entry.mode != item.entry.mode
    for copy in copies.values():
        copy.apart = _apart(
            copy, context.image.layer_facts[copy.of].entries, context.image.layer_facts[copy.by].entries
        )
    return sorted(copies.values(), key=lambda copy: -copy.length), rest


def _apart(copy: _Copy, old: Entries, new: Entries) -> int:
    """Bytes of files that were hard links to the copied ones."""
    contents = {item.path: old.fingerprint(item.ordinal) for item in copy.files}
    links = {old.path(ordinal): contents.get(old.link(ordinal)) for ordinal in old.of_type(HARDLINK)}
    found = _again(new, {path for path, content in links.items() if content is not None})
    return sum(new.length(ordinal) for path, ordinal in found.items() if new.fingerprint(ordinal) == links[path])


def _again(entries: Entries, wanted: Container[str]) -> dict[str, int]:
    """The files of a layer at the paths that are wanted: path to ordinal, the last one where several have it."""
    return {path: ordinal for ordinal in entries.of_type(FILE) if (path := entries.path(ordinal)) in wanted}
