"""`contents.*`: what doesn't belong in an image, told by content and not by name."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator

from ..image.analysers import kernel
from ..image.analysers import media as media_files
from ..result import Finding, Severity, format_bytes
from .context import Context
from .registry import check

# Below it lie test clips of libraries: scipy ships 72 kB of WAVs. Above it somebody forgot a film.
_MEDIA_TOLERATED = 2 * 10**6
_LISTED = 20


def _found(context: Context, analyser: str) -> Iterator[tuple[int, int, str, str]]:
    """(layer, ordinal, path, what) of every file that an analyser named, in every layer."""
    for index, facts in enumerate(context.image.layer_facts):
        for ordinal, what in facts.found.get(analyser, {}).items():
            yield index, ordinal, "/" + facts.entries.path(ordinal), what


@check(
    "contents.media",
    fails="more than 2 MB of audio and video files in the layers, deleted ones included",
    why="Films belong in object or artifact storage: here every node pulls them, and their rights travel with them.",
)
def media(context: Context) -> Iterator[Finding]:
    found = []
    for layer, ordinal, path, what in _found(context, media_files.NAME):
        if not any(fnmatch.fnmatchcase(path, allowed) for allowed in context.policy.contents_allow):
            size = context.image.layer_facts[layer].entries.length(ordinal)
            found.append((size, layer, ordinal, path, what))
    total = sum(item[0] for item in found)
    context.measure(total, budget=_MEDIA_TOLERATED, unit="bytes")
    severity = None if total > _MEDIA_TOLERATED else Severity.NOTE
    for size, layer, ordinal, path, what in sorted(found, key=lambda item: -item[0])[:_LISTED]:
        gone = context.image.tree.hidden_by(layer, ordinal)
        still = f", deleted or replaced by layer {gone + 1} but still pulled" if gone is not None else ""
        yield context.finding(
            f"{path} is {what} ({format_bytes(size)}){still}",
            severity=severity,
            layer=layer,
            file=path,
            bytes=size,
            evidence=what,
            fix="Leave it out of the build context (.dockerignore) and fetch it when it is needed, "
            "or name it under contents.allow.",
        )


@check(
    "contents.kernel-drivers",
    fails="kernel modules, firmware, or sources of kernel drivers",
    why="The kernel and its drivers are the host's; in an image they are dead weight, or fight the host's version.",
)
def kernel_drivers(context: Context) -> Iterator[Finding]:
    found = list(_found(context, kernel.NAME))
    sizes = [context.image.layer_facts[layer].entries.length(ordinal) for layer, ordinal, _, _ in found]
    context.measure(len(found), budget=0, unit="files")
    for (layer, _, path, what), size in sorted(zip(found, sizes, strict=True), key=lambda item: -item[1])[:_LISTED]:
        yield context.finding(
            f"{path} is {what}",
            layer=layer,
            file=path,
            bytes=size,
            evidence=what,
            fix="Remove it and what installed it (kernel headers, dkms, an installer): the host brings the driver.",
        )


CHECKS = (media, kernel_drivers)
