"""Images for the tests of engines: what is loaded into them, and how."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from image_helpers import AMD64, open_layout

from pytest_mediaimage.image.build import BuiltLayer, Item, LayoutWriter, layer
from pytest_mediaimage.image.image import Image
from pytest_mediaimage.image.sources.engine import files as engine_files
from pytest_mediaimage.image.sources.engine import store as engine_store

if TYPE_CHECKING:
    from docker import DockerClient

WAYS = ("directory", "saved")
"""How an engine's layers are read: out of its directory, or as anyone must who may not read that."""

NAME = "docker.io/pytest-mediaimage-test/engines:1"


def take(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let images be read this way; skips where it isn't open to us."""
    if way == "saved":
        monkeypatch.setattr(engine_files, "_directory", lambda *_: None)
        monkeypatch.setattr(engine_store, "_own_blobs", lambda *_: None)
    elif os.geteuid() != 0:
        pytest.skip("only root reads an engine's directory")


def odd_tar() -> bytes:
    """A layer as GNU tar writes it: a name that isn't UTF-8, a long one, special files, and empty blocks behind."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT, errors="surrogateescape") as archive:
        for name, kind, data in (
            ("odd/", tarfile.DIRTYPE, b""),
            ("odd/caf\udce9", tarfile.REGTYPE, b"latin"),
            ("odd/" + "n" * 150, tarfile.REGTYPE, b"long"),
            ("odd/<&>\u2028", tarfile.REGTYPE, b"what JSON escapes"),
            ("odd/pipe", tarfile.FIFOTYPE, b""),
            ("odd/device", tarfile.CHRTYPE, b""),
            ("./odd/./here", tarfile.REGTYPE, b"dots"),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.size, info.mode = kind, len(data), 0o755
            info.devmajor, info.devminor = (1, 3) if kind == tarfile.CHRTYPE else (0, 0)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue() + bytes(20 * 512)


def layers(platform: str) -> list[BuiltLayer]:
    base = [
        Item.directory("a"),
        Item("a/platform", platform.encode() * 1000),
        Item("a/big", bytes(range(256)) * 20_000),
        Item("a/owned", b"x", mode=0o4750, uid=7, gid=8),
        Item.hardlink("a/again", "a/big"),
        Item.symlink("link", "a/owned"),
    ]
    same = layer([Item("same", b"12")], "COPY same /", compression="gzip")
    return [
        layer(base, "COPY base /", compression="gzip"),
        layer(odd_tar(), "ADD odd.tar /", compression="zstd"),
        same,
        layer([Item(".wh.link"), Item("a/.wh.owned")], "RUN rm", compression="none"),
        same,
    ]


def write_images(root: Path, platforms: tuple[str, ...] = ("linux/amd64", "linux/arm64")) -> Path:
    """A layout of one image for several platforms, with the name NAME."""
    root.mkdir(parents=True)
    writer = LayoutWriter(root)
    config = {"Env": ["A=b"], "User": "7", "Cmd": ["/a/big"], "Labels": {"l": "v"}}
    images = [writer.image(layers(p), platform=p, config=config, listed=False) for p in platforms]
    index = writer.index(images, listed=False)
    names = {"io.containerd.image.name": NAME, "org.opencontainers.image.ref.name": "1"}
    writer.list({**index, "annotations": names})
    return writer.finish()


def load_layout(client: DockerClient, root: Path) -> None:
    """Load a layout into an engine that takes one: Podman, and Docker with the containerd store."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(root, arcname=".")
    client.images.load(archive.getvalue())


def load_plain(client: DockerClient, image: Image) -> str:
    """Load an image into any engine, without a name, and return its ID."""
    archive = io.BytesIO()
    image.write_docker_archive(archive)
    (loaded,) = client.images.load(archive.getvalue())
    assert loaded.id is not None
    return loaded.id


def layout_image(root: Path, platform: str = AMD64) -> Image:
    """The image as the layout holds it: what each engine is compared with."""
    return open_layout(root, platform=platform)


def assert_same(ours: Image, expected: Image) -> None:
    """That both are one image, in all that can be seen of its layers and files."""
    assert [item.diff_id for item in ours.layers] == [item.diff_id for item in expected.layers]
    assert ours.layer_facts == expected.layer_facts
    assert ours.files == expected.files
    assert ours.config_digest == expected.config_digest
    assert [item.created_by for item in ours.layers] == [item.created_by for item in expected.layers]
    for name in ("user", "env", "cmd", "labels", "platform", "working_dir"):
        assert getattr(ours.config, name) == getattr(expected.config, name), name
    for path in ("/a/big", "/a/platform", "/same", "/odd/here", "/odd/caf\udce9"):
        assert ours.open(path).read() == expected.open(path).read(), path
