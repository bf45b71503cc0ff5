"""Who is to blame for bytes: layers with their instructions, directories, files; as lines of a finding."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from ..image.entries import FILE
from ..image.image import Image
from ..image.layer import LayerFacts
from ..image.masking import mask
from ..result import format_bytes

LISTED = 10
_LONGEST = 100
# How the classic builder writes what runs nothing, and what it copied.
_NO_COMMAND = "/bin/sh -c #(nop) "
_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
# /usr/lib/x86_64-linux-gnu, /usr/local/lib, /opt/app/models: deep enough to name what was installed.
_DEPTH = 3


def instruction(image: Image, index: int) -> str:
    """The instruction that made a layer, in one line and cut where it is long; its credentials masked before that."""
    text = mask(image.layers[index].created_by, image.config)
    text = " ".join(text.removeprefix(_NO_COMMAND).split())
    text = _DIGEST.sub(r"\1", text)
    if not text:
        return "(no history)"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def lines(causes: Iterable[tuple[int, str]]) -> str:
    """Bytes and what they are, heaviest first, each on a line of its own that begins with a line break."""
    heaviest = sorted(causes, key=lambda cause: -cause[0])[:LISTED]
    return "".join(f"\n  {format_bytes(count):>9}  {what}" for count, what in heaviest)


def layer_lines(image: Image, weights: Iterable[int]) -> str:
    """The heaviest layers; `weights` has the bytes of each."""
    return lines(
        (weight, f"layer {index + 1}  {instruction(image, index)}") for index, weight in enumerate(weights) if weight
    )


def file_lines(files: Iterable[tuple[int, str, int]], image: Image) -> str:
    """The heaviest of (bytes, absolute path, layer)."""
    heaviest = sorted(files, key=lambda file: -file[0])[:LISTED]
    return lines(
        (length, f"{path}  layer {layer + 1}  {instruction(image, layer)}") for length, path, layer in heaviest
    )


def directories(layers: Iterable[LayerFacts]) -> Mapping[str, int]:
    """Bytes of all file contents, hidden ones too, below each directory of the upper levels."""
    each: defaultdict[str, int] = defaultdict(int)
    for facts in layers:
        entries = facts.entries
        for ordinal in entries.of_type(FILE):
            each[entries.path(ordinal).rpartition("/")[0]] += entries.length(ordinal)
    found: defaultdict[str, int] = defaultdict(int)
    for directory, length in each.items():
        found[_upper(directory)] += length
    return found


def directory_of(path: str) -> str:
    """The directory of the upper levels that a path, without a leading slash, lies in."""
    return _upper(path.rpartition("/")[0])


def _upper(directory: str) -> str:
    return "/" + "/".join(directory.split("/", _DEPTH)[:_DEPTH])


def directory_lines(layers: Iterable[LayerFacts]) -> str:
    """The heaviest directories."""
    return lines((length, directory) for directory, length in directories(layers).items() if length)
