"""Docker makes the same tree of the corpus' layers, and gives the layers back as they were."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from corpus_words import Case, Dir, Expected, File, Link, Special
from engine_images import WAYS, load_plain, take
from image_helpers import make_image
from layer_corpus import CASES

from pytest_mediaimage.errors import EngineUnavailable
from pytest_mediaimage.image.image import Image
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.sources import Opening, open_image

if TYPE_CHECKING:
    from docker import DockerClient

_KINDS = {tarfile.CHRTYPE: "char", tarfile.BLKTYPE: "block", tarfile.FIFOTYPE: "fifo"}
# What `docker create` puts into every container.
_ENGINES_OWN = {".dockerenv", "dev", "etc", "proc", "sys"}


@contextmanager
def loaded(client: DockerClient, image: Image) -> Iterator[str]:
    """The image's ID in the engine."""
    identity = load_plain(client, image)
    try:
        yield identity
    finally:
        client.images.remove(identity, force=True)


def engines_tree(client: DockerClient, identity: str) -> Expected:
    """What a container of the image holds, as the engine's export tells."""
    container = client.containers.create(identity, ["/nothing"])
    try:
        chunks: Iterable[bytes] = container.export()  # type: ignore[assignment]
        exported = io.BytesIO(b"".join(chunks))
    finally:
        container.remove(force=True)
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
    with loaded(docker_engine, image) as identity:
        assert {**engines_tree(docker_engine, identity), **root} == case.tree


# Docker starts containers of these layers, but neither `docker save` nor we get them out of what it keeps.
UNSAVED = ("aufs-own-names", "sizes-of-what-has-no-content", "sparse-0.0", "sparse-0.1", "sparse-1.0")
SAVED = [case for case in CASES if case.engine and case.name not in UNSAVED]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", SAVED, ids=lambda case: case.name)
def test_same_layers(
    case: Case, way: str, docker_engine: DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes back from the engine is what was loaded into it."""
    take(way, monkeypatch)
    image = make_image(tmp_path / "layout", case.layers)
    with loaded(docker_engine, image) as identity:
        reference = Reference.parse(f"docker:{identity}")
        again = open_image(reference, image.platform, Opening(tmp_path / "cache"))
        assert again.layer_facts == image.layer_facts


@pytest.mark.parametrize("case", [case for case in CASES if case.name in UNSAVED], ids=lambda case: case.name)
def test_layers_that_docker_can_not_save(
    case: Case, docker_engine: DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is told as the engine's fault, in its own words, and not as the image's."""
    take("saved", monkeypatch)
    image = make_image(tmp_path / "layout", case.layers)
    with loaded(docker_engine, image) as identity:
        again = open_image(Reference.parse(f"docker:{identity}"), image.platform, Opening(tmp_path / "cache"))
        with pytest.raises(EngineUnavailable, match="the Docker Engine failed to save"):
            _ = again.layer_facts
