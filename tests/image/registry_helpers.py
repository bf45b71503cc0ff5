"""Opens one image from servers that a test has made."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from image_helpers import AMD64, open_layout, write_layout
from support.registry import Call, Server

from pytest_mediaimage.image.build import Item, layer
from pytest_mediaimage.image.image import Image
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.sources import Opening, open_image

CONTENT = os.urandom(1_500_000)
LAYERS = [layer([Item("a", CONTENT)], "one", compression="none")]
LENGTH = len(LAYERS[0].data)
Respond = Callable[[Call], None]


def write(root: Path) -> Path:
    """A layout with an image of one layer, LENGTH bytes long, which holds CONTENT as `a`."""
    return write_layout(root, LAYERS)


def layer_digest(layout: Path) -> str:
    manifest = open_layout(layout).manifest
    assert manifest is not None
    return manifest.layers[0].digest


def pull(server: Server, cache: Path, name: str = "org/ffmpeg:1") -> Image:
    image = open_image(Reference.parse(f"registry:{server.address}/{name}"), AMD64, Opening(cache))
    assert image.open("/a").read() == CONTENT
    return image


def fails(server: Server, cache: Path, error: type[Exception], words: str, name: str = "org/ffmpeg:1") -> str:
    with pytest.raises(error, match=words) as caught:
        pull(server, cache, name)
    assert len(str(caught.value)) < 800
    return str(caught.value)


def refusing(status: int, **headers: str) -> Respond:
    return lambda call: call.answer(status, b"busy", **headers)
