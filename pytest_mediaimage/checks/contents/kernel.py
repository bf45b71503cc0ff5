"""`contents.kernel-drivers`: what belongs to the host's kernel."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ...image.analysers import kernel as kernel_files
from ...image.entries import FILE
from ...result import Finding, format_bytes
from ..context import Context
from ..many import each
from ..registry import check
from .found import Found, found, still_pulled

_FIX = "Remove it and what installed it (kernel headers, dkms, an installer): the host brings the driver."
# Trees that packages install as a whole: one finding for each says all.
_TREE = re.compile(
    r"/(?:usr/)?lib/(?:modules/[^/]+|firmware)|/usr/src/(?:kernels/)?[^/]+|/var/lib/dkms/[^/]+", re.DOTALL
)
_SOURCES = ("/usr/src/", "/var/lib/dkms/")


@dataclass(frozen=True, slots=True)
class _Several:
    """Files of one kind, or just one, that stand below `path` in a layer; `file` is the heaviest."""

    path: str
    file: Found
    count: int
    length: int


@check(
    "contents.kernel-drivers",
    fails="kernels, kernel modules, firmware, or sources of kernel drivers",
    why="The kernel and its drivers are the host's; in an image they are dead weight, or fight the host's version.",
)
def kernel_drivers(context: Context) -> Iterator[Finding]:
    files = list(found(context, kernel_files.NAME))
    context.measure(len(files), budget=0, unit="files")
    causes = _with_trees(context, _grouped(files))
    heaviest = sorted(causes, key=lambda cause: -cause.length)
    yield from each(heaviest, lambda cause: _told(context, cause), "kernel drivers")


def _told(context: Context, cause: _Several) -> Finding:
    file = cause.file
    if cause.path == file.path:
        message = f"{file.path} is {file.fact}{still_pulled(context, file)}"
    else:
        what = f"{cause.count} times {file.fact}" if cause.count > 1 else file.fact
        message = f"{cause.path} has {what}, such as {file.path} ({format_bytes(cause.length)} in all)"
    return context.finding(message, layer=file.layer, file=cause.path, bytes=cause.length, evidence=file.fact, fix=_FIX)


def _grouped(files: Iterable[Found]) -> list[_Several]:
    groups: dict[tuple[int, str, str], list[Found]] = defaultdict(list)
    for file in files:
        tree = _TREE.match(file.path)
        groups[file.layer, tree[0] if tree else file.path, file.fact].append(file)
    return [
        _Several(
            path if len(group) > 1 or path.startswith(_SOURCES) else group[0].path,
            max(group, key=lambda file: file.length),
            len(group),
            sum(file.length for file in group),
        )
        for (_, path, _), group in groups.items()
    ]


def _with_trees(context: Context, causes: list[_Several]) -> list[_Several]:
    """With the bytes of whole source trees, of which only a file or two were found."""
    trees = {(cause.file.layer, cause.path[1:]) for cause in causes if cause.path.startswith(_SOURCES)}
    if not trees:
        return causes
    weights: dict[tuple[int, str], int] = defaultdict(int)
    for layer in {layer for layer, _ in trees}:
        entries = context.image.layer_facts[layer].entries
        for ordinal in entries.of_type(FILE):
            tree = _TREE.match("/" + entries.path(ordinal))
            if tree and (layer, tree[0][1:]) in trees:
                weights[layer, tree[0][1:]] += entries.length(ordinal)
    return [replace(cause, length=weights.get((cause.file.layer, cause.path[1:]), cause.length)) for cause in causes]
