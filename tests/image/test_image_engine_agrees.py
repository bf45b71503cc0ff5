"""Docker makes the same tree of the corpus' layers."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from corpus_words import Case, Dir, Expected, File, Link, Special
from image_helpers import make_image
from layer_corpus import CASES

from pytest_mediaimage.image.image import Image

if TYPE_CHECKING:
    from docker import DockerClient

_KINDS = {tarfile.CHRTYPE: "char", tarfile.BLKTYPE: "block", tarfile.FIFOTYPE: "fifo"}
# What `docker create` puts into every container.
_ENGINES_OWN = {".dockerenv", "dev", "etc", "proc", "sys"}


def engines_tree(client: DockerClient, image: Image, folder: Path) -> Expected:
    """What a container of the image holds, as the engine's export tells."""
    archive = folder / "image.tar"
    with archive.open("wb") as out:
        image.write_docker_archive(out)
    with archive.open("rb") as file:
        (loaded,) = client.images.load(file)
    assert loaded.id is not None
    try:
        container = client.containers.create(loaded, ["/nothing"])
        try:
            chunks: Iterable[bytes] = container.export()  # type: ignore[assignment]
            exported = io.BytesIO(b"".join(chunks))
        finally:
            container.remove(force=True)
    finally:
        client.images.remove(loaded.id, force=True)
    with tarfile.open(fileobj=exported) as members:
        return _expected(members)


def _expected(archive: tarfile.TarFile) -> Expected:
    tree: Expected = {}
    for member in archive:
        path, mode = member.name.rstrip("/"), member.mode & 0o7777
        if path.partition("/")[0] in _ENGINES_OWN:
            continue
        if member.issym():
            tree[path] = Link(member.linkname)
        elif member.isdir():
            tree[path] = Dir(mode, member.uid, member.gid)
        elif member.type in _KINDS:
            tree[path] = Special(_KINDS[member.type], mode)
        elif member.islnk() and isinstance(target := tree[member.linkname], Link):
            tree[path] = target
        else:
            content = archive.extractfile(member)
            assert content is not None
            tree[path] = File(content.read(), mode, member.uid, member.gid)
    return tree


@pytest.mark.parametrize("case", [case for case in CASES if case.engine], ids=lambda case: case.name)
def test_same_tree(case: Case, docker_engine: DockerClient, tmp_path: Path) -> None:
    image = make_image(tmp_path / "layout", case.layers)
    root = {"": Dir()} if "" in case.tree else {}  # the export doesn't list the root itself
    assert {**engines_tree(docker_engine, image, tmp_path), **root} == case.tree
