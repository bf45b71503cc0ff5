"""Opens what the tests build."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from corpus_words import Layers

from pytest_mediaimage.image.build import BuiltLayer, LayoutWriter, layer
from pytest_mediaimage.image.digest import Platform
from pytest_mediaimage.image.image import Image
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.scan import Analyser
from pytest_mediaimage.image.sources import Opening, open_image

AMD64 = Platform("linux/amd64")


def open_layout(root: Path, *, suffix: str = "", platform: str = AMD64, analysers: Sequence[Analyser] = ()) -> Image:
    """The image in the layout `root`; its cache lies beside the layout."""
    reference = Reference.parse(f"oci:{root}{suffix}")
    cache = root.parent / f"{root.name}-cache"
    return open_image(reference, Platform(platform), Opening(cache, tuple(analysers)))


def write_layout(root: Path, layers: Sequence[BuiltLayer]) -> Path:
    writer = LayoutWriter(root)
    root.mkdir(parents=True, exist_ok=True)
    writer.image(layers)
    return writer.finish()


def make_image(root: Path, layers: Layers, *, analysers: Sequence[Analyser] = ()) -> Image:
    """An image of these layers, compressed in turn with each way that is allowed."""
    ways = ("zstd", "gzip", "none")
    built = [layer(items, f"step {n}", compression=ways[n % 3]) for n, items in enumerate(layers)]
    return open_layout(write_layout(root, built), analysers=analysers)
