"""The text of a small file of the image, mostly without reading its layer again."""

from __future__ import annotations

from ..image.analysers.small_files import LONGEST, NAME
from ..image.entries import FILE
from ..image.image import Image


def small_file(image: Image, path: str) -> str | None:
    """The text of the regular file at `path`, links followed; None where there is none, or a longer one than 64 KiB.

    What the analyser doesn't keep is read from its layer, which costs as much as reading that layer.
    """
    node = image.tree.resolve(path)
    if node is None or node.type != FILE or node.entry.size > LONGEST:
        return None
    if not node.entry.size:
        return ""
    layer, ordinal = node.content
    kept = image.layer_facts[layer].found.get(NAME, {}).get(ordinal)
    if kept is not None:
        return str(kept)
    with image.content_of(node) as file:
        return file.read(LONGEST).decode("utf-8", "surrogateescape")
