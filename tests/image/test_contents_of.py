"""The contents of several files at once: each layer is read once, and what has changed since is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_mediaimage.errors import CorruptImage
from pytest_mediaimage.image.build import Item, LayoutWriter, layer
from pytest_mediaimage.image.digest import Platform
from pytest_mediaimage.image.image import Image
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.sources import Opening, open_image

LOWER = [Item("a", b"first"), Item("b", b"second"), Item("empty"), Item.hardlink("link", "a"), Item("z", b"last")]
UPPER = [Item("b", b"replaced"), Item("c", b"third")]


@pytest.fixture
def image(tmp_path: Path) -> Image:
    writer = LayoutWriter(tmp_path / "layout")
    writer.image([layer(LOWER, "COPY one /", compression="none"), layer(UPPER, "COPY two /", compression="none")])
    return open_image(
        Reference.parse(f"oci:{writer.finish()}"), Platform("linux/amd64"), Opening(tmp_path / "cache", ())
    )


def test_each_layer_is_read_once_for_all_its_files(image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = list(image.tree.files())
    asked: list[list[int]] = []
    streams = Image._streams

    def counted(self, layers):
        asked.append([one.index for one in layers])
        return streams(self, layers)

    monkeypatch.setattr(Image, "_streams", counted)
    found = {node.path: content.read() for node, content in image.contents_of(nodes)}
    assert found == {
        "a": b"first",
        "b": b"replaced",
        "c": b"third",
        "empty": b"",
        "link": b"first",
        "z": b"last",
    }
    assert [sorted(layers) for layers in asked] == [[0, 1]]


def test_a_content_that_changed_since_the_layers_were_read_is_corrupt(image: Image, tmp_path: Path) -> None:
    node = image.tree.get("a")
    assert node is not None
    for blob in (tmp_path / "layout" / "blobs" / "sha256").iterdir():
        blob.write_bytes(blob.read_bytes().replace(b"first", b"worse"))
    with pytest.raises(CorruptImage, match="/a has changed"):
        list(image.contents_of([node]))


def test_nothing_asked_reads_nothing(image: Image) -> None:
    assert list(image.contents_of([])) == []
